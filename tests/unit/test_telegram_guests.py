"""Guests are told what happened and what they can do; nothing of the owner's machine."""

from __future__ import annotations

import pytest

from core.domain.errors import ERRORS, LimitReached, NotFound, UnsupportedSource
from userbot.guests import guest_hint, refusal

#: Of these, what is said to owners is for everybody.
OWNERS_WORDS = ("reeldeck", "_", "/api/", "[sources", "cookies", "yt-dlp")


@pytest.mark.parametrize("kind", ERRORS.values())
def test_no_usual_hint_names_commands_or_settings(kind):
    shown = guest_hint(kind.code, kind.default_hint, default=kind.default_hint)
    assert not any(word in shown for word in OWNERS_WORDS)


def test_what_a_source_knows_is_passed_on_unless_it_is_for_the_owner():
    default = NotFound.default_hint
    assert guest_hint("NOT_FOUND", "Ask the host.", default=default) == "Ask the host."
    for hint in (
        "Add a login (reeldeck auth add x FILE).",
        "Raise limits.max_queue_length.",
        "Install the extra reeldeck[impersonate].",
        "Set query_id in [sources.x].",
    ):
        assert guest_hint("NOT_FOUND", hint, default=default) == "Check the link."


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            LimitReached(
                "you added 3 jobs in the last hour and max_jobs_per_user_per_hour allows no more",
                hint="Try again within the hour.",
            ),
            "You added 3 jobs in the last hour. Try again within the hour.",
        ),
        (
            LimitReached("maintenance mode is on", hint="Nothing new is taken: POST /api/v1/maintenance."),
            "Maintenance mode is on. Try again later.",
        ),
        (
            LimitReached(
                "only the first 300 links of a message are taken (limits.max_playlist_items)",
                hint="Send the others in another message.",
            ),
            "Only the first 300 links of a message are taken. Send the others in another message.",
        ),
        (
            UnsupportedSource("this chat takes direct and x_spaces", hint="Its rules say so."),
            "No media was found behind this link: this chat takes direct. Its rules say so.",
        ),
    ],
)
def test_a_refusal_is_a_sentence_without_settings(error, shown):
    assert refusal(error, is_owner=False) == shown


def test_the_owner_hears_which_setting_it_is():
    error = LimitReached("maintenance mode is on", hint="POST /api/v1/maintenance")
    assert refusal(error, is_owner=True) == f"{error}. POST /api/v1/maintenance"
