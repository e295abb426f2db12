from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.api.schemas import MAX_BATCH, BatchRequest, BulkAction, JobPatch, JobRequest
from core.client.wire import request_body
from core.domain.job import Kind, Request

FULL = Request(
    url="https://example.org/a",
    kind=Kind.AUDIO,
    quality="audio_192",
    format="140",
    priority=5,
    force=True,
    profile="main",
    source="direct",
    out_dir="/media",
    user_id=7,
    chat_id=-100123,
    idempotency_key="k",
)


@pytest.mark.parametrize("request_", [FULL, Request(url="https://example.org/a")])
def test_a_request_arrives_as_it_was_sent(request_):
    assert JobRequest.model_validate(request_body(request_)).to_request() == request_


def test_defaults_do_not_travel():
    assert request_body(Request(url="u")) == {"url": "u"}


def test_a_key_of_its_own_beats_the_headers():
    own = JobRequest(url="u", idempotency_key="own")
    assert own.to_request(idempotency_key="header").idempotency_key == "own"
    assert JobRequest(url="u").to_request(idempotency_key="header").idempotency_key == "header"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""},
        {"url": "x" * 70_000},
        {"url": 5},
        {"url": "u", "kind": "film"},
        {"url": "u", "quality": ""},
        {"url": "u", "quality": "best\x1b[0m"},
        {"url": "u", "format": "f" * 201},
        {"url": "u", "priority": 10**9},
        {"url": "u", "priority": "high"},
        {"url": "u", "force": "yes"},
        {"url": "u", "out_dir": "relative/folder"},
        {"url": "u", "out_dir": "/a\0b"},
        {"url": "u", "user_id": 2**64},
        {"url": "u\ud800"},
        {"url": "u", "status": "COMPLETED"},
        [],
        None,
    ],
)
def test_what_is_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValidationError):
        JobRequest.model_validate(wrong)


def test_fields_for_people_on_this_machine_are_known():
    assert JobRequest.model_validate(request_body(FULL)).local_fields == [
        "out_dir",
        "source",
        "user_id",
        "chat_id",
    ]
    assert JobRequest(url="u", profile="p", force=True).local_fields == []


def test_bulk_bodies_are_bounded():
    for ids in ([], [0], [2**63], [1] * (MAX_BATCH + 1)):
        with pytest.raises(ValidationError):
            BulkAction.model_validate({"action": "pause", "ids": ids})
    for items in ([], [{"url": "u"}] * (MAX_BATCH + 1)):
        with pytest.raises(ValidationError):
            BatchRequest.model_validate({"items": items})
    with pytest.raises(ValidationError):
        BulkAction.model_validate({"action": "delete", "ids": [1]})


@pytest.mark.parametrize(
    "wrong", [{"position": float("inf")}, {"title": ""}, {"title": "t" * 501}, {"status": "FAILED"}]
)
def test_a_patch_is_bounded(wrong):
    with pytest.raises(ValidationError):
        JobPatch.model_validate(wrong)
