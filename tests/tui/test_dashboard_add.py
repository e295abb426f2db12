from __future__ import annotations

import pytest
from textual import events

from core.domain.errors import EngineUnreachable
from core.domain.job import JobStatus, Kind, Request
from tests.tui.conftest import calls
from tui.screens.add import BATCH

A, B = "https://example.org/a.mp4", "https://example.org/b.mp4"


def asked(engine) -> list[Request]:
    return [request for requests in calls(engine, "submit_many") for request in requests]


async def test_one_typed_link_is_added_with_enter_and_the_cursor_goes_to_it(dashboard, engine):
    engine.add_many(3, priority=5)
    async with dashboard() as shown:
        await shown.press("a")
        await shown.shows("Add links")
        await shown.press(*A)
        await shown.press("enter")
        await shown.shows("Added 1 job", "example.org/a.mp4")
        assert [request.url for request in asked(engine)] == [A]
        assert shown.index.cursor_id == 4


async def test_a_link_that_follows_its_key_at_once_is_not_lost(dashboard, engine):
    engine.add(B)
    async with dashboard() as shown:
        for char in f"a{A}":
            shown.app.post_message(events.Key(char, char))
        await shown.until(lambda: shown.app.focused and getattr(shown.app.focused, "value", "") == A)
        await shown.press("enter")
        await shown.shows("Added 1 job")
        assert [request.url for request in asked(engine)] == [A]


async def test_pasted_text_shows_its_links_without_repetitions_before_anything_is_sent(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("a")
        await shown.paste(f"Look: {A}?utm_source=x\nand {A} and\n{B}")
        await shown.shows("2 links · 1 repeated left out", "ready    example.org/b.mp4", "Enter add 2")
        assert asked(engine) == []
        await shown.press("enter")
        await shown.shows("Added 2 jobs", "created  example.org/b.mp4", "job 2")
        await shown.press("enter")
        await shown.shows("PROGRESS")


async def test_links_pasted_anywhere_open_the_dialog_filled(dashboard, engine):
    engine.add()
    async with dashboard() as shown:
        await shown.paste(f"{A} {B}")
        await shown.shows("Add links", "2 links")
        await shown.press("escape", "enter")
        await shown.shows("q Close")
        await shown.paste(A)
        await shown.shows("Add links", "1 link")


async def test_a_paste_without_links_changes_nothing(dashboard):
    async with dashboard() as shown:
        await shown.paste("nothing here")
        assert "Add links" not in shown.text
        await shown.press("a")
        await shown.paste("nothing here")
        await shown.shows("no link in that text")


async def test_each_link_gets_its_answer(dashboard, engine):
    engine.add(A, title="Known talk", status=JobStatus.COMPLETED)
    async with dashboard((120, 30)) as shown:
        await shown.paste(f"{A} {B} https://user:secret@example.org/c")
        await shown.shows("refused")
        await shown.press("enter")
        await shown.shows("joined", "there already, done · Known talk", "created", "refused", "→")
        await shown.shows("Added 1 job, 1 was there already, 1 was refused")


async def test_something_that_is_no_link_is_refused_with_what_a_link_looks_like(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("a", *"what", "enter")
        await shown.shows("refused", "The request is not valid")
        assert asked(engine) == []


async def test_choices_go_with_the_request(dashboard, engine):
    async with dashboard() as shown:
        await shown.paste(A)
        await shown.press("tab", "right", "tab", "right", "right", "right", "tab", "space")
        await shown.shows("[video]", "[1080p]", "[download again]")
        await shown.press("left", "right", "enter")
        await shown.until(lambda: asked(engine))
        request = asked(engine)[0]
        assert (request.kind, request.quality, request.force) == (Kind.VIDEO, "1080p", True)


async def test_each_kind_offers_its_own_qualities(dashboard, engine):
    async with dashboard() as shown:
        await shown.paste(A)
        await shown.press("tab", "right", "right", "tab", "right", "right")
        await shown.shows("[audio]", "[audio_192]")
        await shown.press("shift+tab", "left")
        await shown.shows("[video]", "[best]", "2160p")


async def test_backspace_in_an_empty_line_takes_the_last_link_back(dashboard):
    async with dashboard() as shown:
        await shown.paste(f"{A} {B}")
        await shown.press("x", "backspace", "backspace")
        await shown.shows("1 link")
        assert "b.mp4" not in shown.text


async def test_escape_sends_nothing(dashboard, engine):
    async with dashboard() as shown:
        await shown.paste(A)
        await shown.press("escape")
        await shown.shows("No jobs yet")
        assert asked(engine) == []


async def test_thousands_of_links_go_in_batches(dashboard, engine):
    count = 2 * BATCH + 5
    async with dashboard() as shown:
        await shown.paste(" ".join(f"https://example.org/{number}.mp4" for number in range(count)))
        await shown.shows(f"{count} links")
        await shown.press("enter")
        await shown.shows(f"Added {count} jobs")
        assert [len(requests) for requests in calls(engine, "submit_many")] == [BATCH, BATCH, 5]
        await shown.press("down", "up", "escape")


async def test_an_engine_that_refuses_all_says_so_at_each_link(dashboard, engine):
    engine.fail_next("submit_many", EngineUnreachable())
    async with dashboard() as shown:
        await shown.paste(f"{A} {B}")
        await shown.press("enter")
        await shown.shows("2 were refused", "No engine is running")


async def test_without_an_engine_adding_says_why_not(dashboard, engine):
    engine.fail_next("stream", EngineUnreachable())
    async with dashboard(waits=False, backoff_s=(60.0,)) as shown:
        await shown.shows("engine lost")
        await shown.press("a")
        await shown.shows("The engine is not connected")


@pytest.mark.parametrize("key", ["a", "slash"])
async def test_escapes_in_a_paste_never_reach_the_screen(dashboard, key):
    async with dashboard() as shown:
        await shown.press(key)
        await shown.paste("\x1b]52;c;aGk=\x07 https://example.org/\x1b[2J\x9b1m.mp4\r\n second line")
        await shown.pilot.pause()
        assert not [
            char for char in shown.text if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0
        ]
