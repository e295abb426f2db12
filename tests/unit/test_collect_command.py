"""`reeldeck collect` against an engine in memory."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest

from core.domain.errors import InvalidRequest, LimitReached
from core.domain.job import JobStatus, Request
from core.domain.messenger import Collect, Collected
from tests.unit.conftest import run

TITLES = ("one", "\x1b[31mtwo")
USUAL = frozenset({"audio", "video"})
STEPS = [
    Collected(),
    Collected(seen=7, found=3, size_bytes=3 * 2**20, sample=TITLES, added=1, jobs=(1,)),
    Collected(
        seen=9, found=3, size_bytes=3 * 2**20, sample=TITLES, added=2, joined=1, jobs=(2, 1), is_done=True
    ),
]


@pytest.fixture
def engine(engine):
    engine.collected = list(STEPS)
    return engine


def asked(engine):
    return [arguments[0] for name, arguments in engine.calls if name == "collect"]


def test_a_chat_is_enough(engine):
    assert run("collect", "@lectures") == (0, "9 messages, 3 fit, 3.0 MiB: 2 new jobs, 1 known\n", "")
    assert asked(engine) == [Collect(chat="@lectures", types=USUAL)]


def test_every_option_reaches_the_engine(engine):
    code, _, err = run(
        "collect", "-1001234", "--limit", "10", "--type", "audio, VOICE", "--since", "2024-05-31", "--until",
        "2024-06-01T12:00+00:00", "--grep", "on patience", "--topic", "7", "--dry-run",
    )  # fmt: skip
    assert (code, err) == (0, "")
    (wanted,) = asked(engine)
    assert wanted == Collect(
        chat="-1001234",
        limit=10,
        types=frozenset({"audio", "voice"}),
        since=datetime(2024, 5, 31).astimezone().timestamp(),
        until=datetime.fromisoformat("2024-06-01T12:00+00:00").timestamp(),
        grep="on patience",
        topic_id=7,
        dry_run=True,
    )


def test_a_dry_run_lists_what_it_would_fetch(engine):
    code, out, _ = run("collect", "@lectures", "--dry-run")
    assert code == 0
    assert out.splitlines() == ["one", "␛[31mtwo", "… and 1 more", "9 messages, 3 fit, 3.0 MiB"]


def test_for_programs_each_figure_is_an_object(engine):
    code, out, err = run("collect", "@lectures", "--json")
    assert (code, err) == (0, "")
    assert [Collected.from_json(json.loads(line)) for line in out.splitlines()] == STEPS


def test_it_waits_for_the_jobs_when_asked_to(engine, tmp_path):
    async def jobs():
        for name in ("a", "b"):
            submitted = await engine.submit(Request(url=f"https://t.me/c/1/{ord(name)}"))
            engine.move(submitted.job.id, JobStatus.RUNNING)
            status = JobStatus.COMPLETED if name == "a" else JobStatus.FAILED
            engine.move(submitted.job.id, status, **({} if name == "a" else {"error_type": "NOT_FOUND"}))

    asyncio.run(jobs())
    code, out, _ = run("collect", "@lectures", "--wait", "--json")
    assert code == 15
    ended = [json.loads(line)["job"] for line in out.splitlines()[3:]]
    assert [(job["id"], job["status"]) for job in ended] == [(1, "COMPLETED"), (2, "FAILED")]


@pytest.mark.parametrize(
    ("error", "code"),
    [(InvalidRequest("no Telegram account is connected", hint="Log in."), 2), (LimitReached("queue"), 42)],
)
def test_a_refusal_is_told_as_everywhere(engine, error, code):
    engine.collected = [error]
    answer, out, err = run("collect", "@lectures")
    assert (answer, out) == (code, "")
    assert error.hint in err


@pytest.mark.parametrize(
    "arguments",
    ["", "@a @b", "@a --type poem", "@a --since soon", "@a --limit -1", "@a --lmit 3"],
)
def test_wrong_usage_is_2_and_asks_nobody(engine, arguments):
    code, _, err = run("collect", *arguments.split())
    assert code == 2
    assert err
    assert asked(engine) == []
