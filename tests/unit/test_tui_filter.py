from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.job import WAITING_RETRY, JobStatus
from tests.fakes.engine import FakeEngine
from tui.filter import parse_filter

JOB = FakeEngine().add(
    "https://www.example.org/watch?v=Abc",
    title="Concert at the Harbour",
    source_type="youtube",
    status=JobStatus.FAILED,
    error_type="NOT_FOUND",
)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "concert", "CONCERT harbour", "example.org", '"at the"', "!teaser", "v=abc",
        "state:fail", "state:FAILED", "state:not", "state:run,fail", "state:run state:fail", "!state:done",
        "source:you", "source:vimeo,youtube", "kind:auto", "concert state:fail source:youtube !word", "id:1",
        "teaser,concert", "https://www.example.org/watch?v=abc",
    ],
)  # fmt: skip
def test_it_matches(text):
    assert parse_filter(text).matches(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "teaser", "concert teaser", "!concert", '"concert harbour"', "state:run", "!state:fail",
        "source:vimeo",
        "source:tube", "kind:audio", "concert state:done", "teaser,trailer", "id:2", "chat:5",
    ],
)  # fmt: skip
def test_it_does_not_match(text):
    assert not parse_filter(text).matches(JOB)


def test_words_of_the_list_find_what_they_stand_for():
    engine = FakeEngine()
    retrying = engine.add(status=JobStatus.PENDING, waiting_for=WAITING_RETRY)
    waiting_for_login = engine.add(status=JobStatus.PENDING, waiting_for="auth:main")
    assert parse_filter("state:retry").matches(retrying)
    assert parse_filter("state:login").matches(waiting_for_login)
    assert parse_filter("state:wait").matches(retrying)
    assert not parse_filter("state:retry").matches(waiting_for_login)


def test_a_playlist_is_this_one_or_none():
    engine = FakeEngine()
    third, thirtieth = engine.add(group_id=3), engine.add(group_id=30)
    assert parse_filter("group:3").matches(third)
    assert not parse_filter("group:3").matches(thirtieth)
    assert not parse_filter("group:3").matches(engine.add())
    assert parse_filter("group:3").query(limit=1).group_id == 3
    assert parse_filter("group:3,4").query(limit=1).group_id is None
    assert parse_filter("!group:3").query(limit=1).group_id is None


def test_the_engine_is_asked_for_at_least_what_matches():
    query = parse_filter("ab concert !teaser state:fail source:you").query(limit=50)
    assert query.text == "concert"
    assert query.statuses == {JobStatus.FAILED}
    assert query.limit == 50
    assert parse_filter("state:retry !x").query(limit=1).statuses == frozenset()


@given(st.text(max_size=60))
def test_nothing_that_is_typed_is_an_error(text):
    parse_filter(text).matches(JOB)
    parse_filter(text).query(limit=1)
