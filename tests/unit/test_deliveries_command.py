"""`reeldeck deliveries`, and what `job` and `status` tell of them, against an engine in memory."""

from __future__ import annotations

import json
import time

import pytest
from click.testing import Result

from core.domain.delivery import DeliveryState
from core.domain.errors import ERRORS
from core.domain.job import JobStatus, iso
from tests.unit.conftest import invoke

D = DeliveryState


@pytest.fixture
def engine(engine):
    engine.telegram = {"state": "online", "account": "Ann", "wait_until": None}
    engine.watch(-100, "Talks")
    return engine


def columns(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_every_delivery_is_a_line_the_newest_first(engine):
    engine.add_delivery(7, state=D.SENDING, upload_parts_done=1, upload_parts_total=4)
    engine.add_delivery(8, -5, state=D.FAILED, error_type="SIZE_LIMIT")
    lines = columns(invoke("deliveries"))
    assert lines[0] == ["ID", "STATE", "JOB", "CHAT", "NOTE"]
    assert lines[1] == ["2", "FAILED", "8", "chat", "-5", *ERRORS["SIZE_LIMIT"].summary.split()]
    assert lines[2] == ["1", "SENDING", "7", "Talks", "25%"]


def test_they_are_chosen_by_state_job_and_chat(engine):
    for number, state in enumerate((D.SENT, D.FAILED, D.SENT), 1):
        engine.add_delivery(number, -number, state=state)

    def ids(*options: str) -> list[int]:
        return [
            json.loads(line)["id"] for line in invoke("deliveries", "--json", *options).stdout.splitlines()
        ]

    assert ids("--state", "sent") == [3, 1]
    assert ids("--job", "2") == [2]
    assert ids("--chat", "-3") == [3]
    assert ids("--limit", "2") == [3, 2]


def test_more_than_one_page_is_fetched(engine):
    for number in range(130):
        engine.add_delivery(number + 1)
    assert len(invoke("deliveries", "--json", "--limit", "120").stdout.splitlines()) == 120


def test_json_hides_what_only_telegram_needs(engine):
    engine.add_delivery(1, random_id=2**62, upload_id=5)
    shown = json.loads(invoke("deliveries", "--json").stdout)
    assert (shown["job_id"], shown["state"], shown["not_before"]) == (1, "READY", None)
    assert not {"random_id", "upload_id", "document_id"} & shown.keys()


def test_what_failed_is_sent_again(engine):
    engine.add_delivery(1, state=D.FAILED)
    engine.add_delivery(2, state=D.SENT)
    assert columns(invoke("deliveries", "--again"))[1][:3] == ["1", "READY", "1"]
    assert engine.sent[1].state is D.READY
    assert "No files failed to be sent." in invoke("deliveries", "--again").stderr


def test_none_at_all_is_said(engine):
    assert invoke("deliveries").stderr == "There are no deliveries.\n"


def test_a_job_tells_where_its_file_went(engine):
    job = engine.add(status=JobStatus.COMPLETED)
    engine.add_delivery(job.id, state=D.FAILED, error_type="SIZE_LIMIT", error_message="It has\x1b[2J 5 GiB")
    engine.add_delivery(job.id, -5, state=D.WAITING)
    shown = invoke("job", str(job.id)).stdout
    assert "sent to   chat -5, waiting, when its job is done" in shown
    assert "sent to   Talks, failed, It has" in shown
    assert "\x1b" not in shown
    assert [each["id"] for each in json.loads(invoke("job", str(job.id), "--json").stdout)["deliveries"]] == [
        2,
        1,
    ]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"state": "off"}, "telegram  off\n"),
        ({"state": "online", "account": "Ann"}, "telegram  online as Ann\n"),
        (
            {"state": "login_needed", "detail": "ended"},
            "telegram  login needed. ended. Log in again: reeldeck tele",
        ),
        ({"state": "failed", "detail": "no\x1bway"}, "telegram  failed. no"),
    ],
)
def test_status_tells_how_the_account_is_and_what_to_do(engine, told, words):
    engine.telegram = told
    shown = invoke("status").stdout
    assert words in shown
    assert "\x1b" not in shown


def test_status_counts_down_a_wait_and_counts_what_is_not_yet_sent(engine):
    engine.telegram = {"state": "waiting", "wait_until": iso(time.time() + 3600)}
    engine.add_delivery(1)
    shown = invoke("status").stdout
    assert "telegram  waiting 59:" in shown
    assert "to send   1 file\n" in shown
