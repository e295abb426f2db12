from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from core.api.problems import MAX_NAMED_FIELDS, ProblemResponse, invalid, problem
from core.api.schemas import BulkAction, JobRequest
from core.client.wire import error_from
from core.domain.errors import ERRORS, HttpFailure, LimitReached, RateLimited, StaleClaim


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_survives_the_way_to_the_client(code):
    sent = ERRORS[code]("what was special", hint="do this")
    response = ProblemResponse(sent)
    assert response.status_code == sent.http_status
    assert response.headers["content-type"] == "application/problem+json"
    document = json.loads(bytes(response.body))
    assert document == {
        "type": code,
        "title": sent.summary,
        "status": sent.http_status,
        "detail": "what was special",
        "hint": "do this",
    }
    received = error_from(document)
    assert type(received) is type(sent)
    assert (received.detail, received.hint) == (sent.detail, sent.hint)


def test_times_to_wait_are_told_to_machines_and_to_people():
    response = ProblemResponse(RateLimited("slow", retry_after_s=12.3))
    assert response.headers["retry-after"] == "13"
    received = error_from(json.loads(bytes(response.body)))
    assert isinstance(received, RateLimited)
    assert received.retry_after_s == 12.3
    limit = error_from(problem(LimitReached("queue", retry_after_s=60)))
    assert isinstance(limit, LimitReached)
    assert limit.retry_after_s == 60


def test_a_wait_without_end_makes_no_header():
    assert "retry-after" not in ProblemResponse(RateLimited(retry_after_s=float("inf"))).headers


def test_the_remote_status_travels():
    received = error_from(problem(HttpFailure("gone", remote_status=418)))
    assert isinstance(received, HttpFailure)
    assert received.remote_status == 418


def test_an_error_of_a_newer_engine_is_unknown_but_keeps_its_words():
    received = error_from({"type": "BRAND_NEW", "detail": "d", "hint": "h"})
    assert (received.code, received.detail, received.hint) == ("UNKNOWN", "d", "h")


def test_a_subclass_keeps_its_own_code():
    assert problem(StaleClaim())["type"] == "STALE_CLAIM"


def test_wrong_fields_are_named_but_their_values_are_not_repeated():
    with pytest.raises(ValidationError) as caught:
        JobRequest.model_validate({"url": "https://x/", "profile": ["secret-token"], "colour": "red"})
    error = invalid([{**each, "loc": ("body", *each["loc"])} for each in caught.value.errors()])
    assert "profile: " in error.detail
    assert "colour: " in error.detail
    assert "secret-token" not in error.detail
    assert "/api/v1/docs" in error.hint


def test_thousands_of_wrong_fields_make_a_short_answer():
    with pytest.raises(ValidationError) as caught:
        BulkAction.model_validate({"action": "pause", "ids": [0] * 1000})
    error = invalid(caught.value.errors())
    assert f"and {1000 - MAX_NAMED_FIELDS} more" in error.detail
    assert len(error.detail) < 500
