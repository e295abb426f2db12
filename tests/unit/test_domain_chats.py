"""Rules of chats and deliveries keep their meaning when they travel as JSON."""

from __future__ import annotations

import json

import pytest

from core.client import wire
from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import Unknown
from core.domain.job import Job, JobStatus, Kind
from tests.fakes.chats import FakeChats
from tests.fakes.engine import FakeEngine

RULES = ChatRules(
    chat_id=-1001,
    topic_id=5,
    title="محاضرات",
    mode=ChatMode.AUTO,
    sources=("youtube",),
    kind=Kind.AUDIO,
    quality="720p",
    archive=False,
    feedback=Feedback.STATUS,
    last_message_id=9,
)


@pytest.fixture
def delivery() -> Delivery:
    facts = {"not_before": 1.5, "attempt": 2, "error_type": "FLOOD_WAIT", "error_message": "wait"}
    return FakeChats().add_delivery(3, created=1.25, updated=2.0, **facts)


@pytest.mark.parametrize("rules", [RULES, ChatRules(chat_id=7), ChatRules(chat_id=7, sources=())])
def test_rules_travel_as_json(rules: ChatRules) -> None:
    assert ChatRules.from_json(json.loads(json.dumps(rules.to_json()))) == rules
    assert ChatRules.from_json(rules.to_json() | {"of a newer engine": 1}) == rules


def test_a_delivery_travels_without_what_is_for_nobody_outside(delivery: Delivery) -> None:
    shown = json.loads(json.dumps(delivery.to_json()))
    assert not {"random_id", "upload_id", "document_id"} & shown.keys()
    assert shown["created"] == "1970-01-01T00:00:01.250Z"
    assert Delivery.from_json(shown) == delivery.evolve(random_id=0)
    assert [state for state in DeliveryState if state.is_final] == ["SENT", "SKIPPED", "FAILED"]


@pytest.mark.parametrize("spoiled", [{"mode": "loud"}, {"mode": None}, {"feedback": 1}])
def test_rules_of_another_version_are_told_apart(spoiled: dict[str, object]) -> None:
    with pytest.raises(Unknown):
        wire.chat(RULES.to_json() | spoiled)


def test_lists_and_deliveries_of_another_version_are_told_apart(delivery: Delivery) -> None:
    for data in ({}, {"items": [], "backlog": []}, {"items": [{}], "backlog": {}}):
        with pytest.raises(Unknown):
            wire.chats(data)
    with pytest.raises(Unknown):
        wire.delivery(delivery.to_json() | {"state": "LOST"})
    told = wire.chats({"items": [RULES.to_json()], "backlog": {"-1001": 2}})
    assert (told.rules, told.backlog) == ([RULES], {-1001: 2})


@pytest.mark.parametrize(
    ("facts", "is_list"),
    [
        ({"status": JobStatus.COMPLETED, "group_id": 1}, True),
        ({"status": JobStatus.COMPLETED, "file_path": "/a", "sha256": "5e"}, False),
        ({"status": JobStatus.COMPLETED, "sha256": "5e"}, False),
        ({"status": JobStatus.RUNNING}, False),
    ],
    ids=["a list", "a file", "a file that is not kept", "not ended"],
)
def test_a_list_is_told_from_a_file_that_is_not_kept(facts: dict[str, object], *, is_list: bool) -> None:
    job: Job = FakeEngine().add(**facts)
    assert job.is_list is is_list
