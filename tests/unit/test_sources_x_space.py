"""What X says about a Space, read without asking it."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.errors import JobError, NotFound, NotYetAvailable, ParserFailure
from core.sources.x_spaces.space import Space, State, audio_space_of, read_space, stream_url_of

NOW = 1_700_000_000.0


def answer(**metadata: Any) -> dict[str, Any]:
    """A Space as the API shows it; a value of ... takes a field away."""
    facts = {
        "state": "Ended",
        "title": "An evening",
        "media_key": "28_1",
        "started_at": 1_699_000_000_000,
        "ended_at": "1699003600000",
        "is_space_available_for_replay": True,
    } | metadata
    return {
        "metadata": {name: value for name, value in facts.items() if value is not ...},
        "participants": {
            "admins": [{"display_name": "Amal"}],
            "speakers": [{"display_name": "Bo"}, {"display_name": " "}, {}, None, {"display_name": "سارة"}],
        },
    }


def space(**metadata: Any) -> Space:
    return read_space(answer(**metadata))


def test_times_are_read_as_numbers_and_as_text() -> None:
    found = space(scheduled_start="soon")
    assert (found.started, found.ended, found.scheduled) == (1_699_000_000.0, 1_699_003_600.0, None)
    assert found.date == "2023-11-03"


@pytest.mark.parametrize("value", [..., None, 0, -5, "", [], 10**30, True, 1.5])
def test_a_time_that_is_none_is_left_out(value: Any) -> None:
    found = space(started_at=value)
    assert found.date is None or value is True


@pytest.mark.parametrize(
    "result",
    [
        {"legacy": {"name": "Nour", "profile_image_url_https": "https://p.example/a_normal.jpg"}},
        {"core": {"name": "Nour"}, "avatar": {"image_url": "https://p.example/a_normal.jpg"}},
    ],
)
def test_the_host_is_read_from_both_forms_of_a_user(result: dict[str, Any]) -> None:
    found = space(creator_results={"result": result})
    assert (found.host, found.host_picture) == ("Nour", "https://p.example/a_400x400.jpg")


def test_without_a_creator_the_first_admin_is_the_host() -> None:
    assert space().host == "Amal"


def test_people_without_names_are_left_out() -> None:
    found = space()
    assert (found.admins, found.speakers) == (("Amal",), ("Bo", "سارة"))


def test_a_title_without_end_is_cut() -> None:
    assert space(title="a" * 100_000).title == "a" * 300


def test_hostile_pictures_and_people_are_ignored() -> None:
    found = answer(
        creator_results={"result": {"legacy": {"name": 7, "profile_image_url_https": "javascript:1"}}}
    )
    found["participants"] = ["nobody"]
    read = read_space(found)
    assert (read.host, read.host_picture, read.speakers) == (None, None, ())


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({}, "data.audioSpace.metadata"),
        ({"metadata": []}, "data.audioSpace.metadata"),
        ({"metadata": {}}, "metadata.state"),
        ({"metadata": {"state": 3}}, "metadata.state"),
        ({"metadata": {"state": "Dreaming"}}, "'Dreaming'"),
    ],
)
def test_another_shape_is_a_parser_failure_that_names_what_is_missing(
    broken: dict[str, Any], named: str
) -> None:
    with pytest.raises(ParserFailure) as caught:
        read_space(broken)
    assert named in caught.value.detail


@pytest.mark.parametrize("state", ["Ended", "TimedOut", "ENDED"])
def test_a_space_that_has_ended_with_a_replay_gives_its_key(state: str) -> None:
    assert space(state=state).require_media(now=NOW) == "28_1"


def test_a_replay_that_is_not_denied_is_looked_for() -> None:
    assert space(is_space_available_for_replay=...).require_media(now=NOW) == "28_1"


def test_a_space_that_runs_gives_its_key_whatever_is_said_of_a_replay() -> None:
    live = space(state="Running", is_space_available_for_replay=False)
    assert (live.require_media(now=NOW), live.is_over) == ("28_1", False)


def test_a_replay_without_a_key_is_a_parser_failure() -> None:
    with pytest.raises(ParserFailure, match=r"metadata\.media_key"):
        space(media_key=...).require_media(now=NOW)


@pytest.mark.parametrize(
    ("facts", "error", "words"),
    [
        ({"state": "Canceled"}, NotFound, "canceled"),
        ({"is_space_available_for_replay": False}, NotFound, "has ended and there is no replay"),
        ({"state": "TimedOut", "is_space_available_for_replay": False}, NotFound, "timed out"),
        ({"state": "NotStarted"}, NotYetAvailable, "has not started"),
        ({"state": "PrePublished"}, NotYetAvailable, "has not started"),
    ],
)
def test_a_space_without_a_recording_says_which_it_is(
    facts: dict[str, Any], error: type[JobError], words: str
) -> None:
    with pytest.raises(error) as caught:
        space(**facts).require_media(now=NOW)
    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("facts", "wait_s"),
    [
        ({"state": "NotStarted", "scheduled_start": 1_700_007_200_000}, 7200.0),
        ({"state": "NotStarted", "scheduled_start": 1_699_999_000_000}, 60.0),
        ({"state": "NotStarted"}, 60.0),
    ],
)
def test_it_is_looked_at_again_at_its_start_or_in_a_minute(facts: dict[str, Any], wait_s: float) -> None:
    with pytest.raises(NotYetAvailable) as caught:
        space(**facts).require_media(now=NOW)
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize("shown", [{}, None])
def test_a_space_that_is_not_shown_is_empty(shown: object) -> None:
    assert audio_space_of({"data": {"audioSpace": shown}}) == {}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "data"),
        ([], "data"),
        ({"data": {}}, "data.audioSpace"),
        ({"data": {"audioSpace": [1]}}, "data."),
    ],
)
def test_an_answer_without_a_space_names_what_it_lacks(body: object, named: str) -> None:
    with pytest.raises(ParserFailure, match=named):
        audio_space_of(body)


def test_the_playback_address_without_redirects_goes_first() -> None:
    both = {"source": {"location": "https://a.example/l", "noRedirectPlaybackUrl": "https://b.example/n"}}
    assert stream_url_of(both) == "https://b.example/n"
    assert stream_url_of({"source": {"location": "https://a.example/l"}}) == "https://a.example/l"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"source": []},
        {"source": {"location": "file:///etc/passwd"}},
        {"source": {"location": "https://[::1"}},
    ],
)
def test_an_answer_without_a_playlist_is_a_parser_failure(body: object) -> None:
    with pytest.raises(ParserFailure, match=r"source\.location"):
        stream_url_of(body)


def test_every_state_that_is_known_is_spelled_as_the_api_does() -> None:
    words = ("NotStarted", "PrePublished", "Running", "Ended", "TimedOut", "Canceled")
    assert [State(word.lower()) for word in words] == list(State)
