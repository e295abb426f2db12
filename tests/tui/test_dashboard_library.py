"""The page of the library."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import InvalidRequest
from core.domain.job import JobStatus
from tests.fakes.library import an_item
from tests.tui.conftest import calls
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE
from tui.terminal import file_browser


@pytest.fixture
def stocked(engine):
    engine.media = [an_item(number, title=f"Talk {number}") for number in range(1, 8)]
    return engine


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_what_was_fetched_is_listed_with_details(dashboard, stocked, size):
    stocked.gone = {"/archive/2.mp3"}
    async with dashboard(size) as shown:
        await shown.press("5")
        await shown.shows("Library  7", "the newest first", "Talk 7", "/archive/1.mp3")
        await shown.press("j")
        await shown.shows("/archive/2.mp3", "moved or deleted")


async def test_it_is_searched_as_somebody_types(dashboard, stocked):
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        stocked.media, stocked.meant = [an_item(9, title="Tafsir")], "tafsir"
        await shown.press("slash", *"tafsyr")
        await shown.shows("Library  1", "near what was typed: tafsir", "1 found")
        await shown.until(lambda: calls(stocked, "library")[-1][0] == "tafsyr")
        await shown.press("enter")
        assert shown.app.focused is shown.app.screen.roster
        await shown.press("escape")
        await shown.until(lambda: calls(stocked, "library")[-1][0] == "")


async def test_an_answer_to_an_earlier_question_is_dropped(dashboard, stocked, monkeypatch):
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        asked, slow = stocked.library, asyncio.Event()
        answered = asyncio.Event()

        async def library(query="", **more):
            page = await asked(query, **more)
            if query == "slow":
                await slow.wait()
                answered.set()
            return page

        monkeypatch.setattr(stocked, "library", library)
        stocked.media = [an_item(1, title="Late")]
        await shown.press("slash", *"slow")
        await shown.until(lambda: calls(stocked, "library")[-1][0] == "slow")
        stocked.media = [an_item(2, title="Newest")]
        await shown.press("x")
        await shown.shows("Newest")
        slow.set()
        await answered.wait()
        await shown.pilot.pause()
        assert "Late" not in shown.text


async def test_what_cannot_be_understood_is_pointed_at_and_the_list_stays(dashboard, stocked):
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        stocked.fail_next("library", InvalidRequest("column 3: there is no field 'titel'", hint="title:?"))
        await shown.press("slash")
        shown.app.screen.search._input.value = "a titel:b"  # at once: each pause in typing asks
        await shown.shows("there is no field 'titel'  title:?", "Talk 1")
        bar = next(number for number, line in enumerate(shown.lines) if "titel:b" in line)
        assert shown.lines[bar + 1].index("^") == shown.lines[bar].index("titel:b")
        await shown.press("backspace")
        await shown.until(lambda: "^" not in shown.text)


async def test_more_is_asked_for_near_the_end(dashboard, engine):
    engine.media = [an_item(number, title=f"Talk {number}") for number in range(1, 121)]
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  50+")
        for count in ("100+", "120"):
            await shown.press("G")
            await shown.shows(f"Library  {count}")
        await shown.press("G")
        await shown.shows("Talk 120")
        assert [arguments[2] for arguments in calls(engine, "library")][-2:] == ["50", "100"]


async def test_a_file_is_sent_to_a_chat_that_is_chosen(dashboard, stocked):
    stocked.telegram = {"state": "online"}
    stocked.dialogs = [stocked.watch(-1001, "Lectures")]
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        await shown.press("j", "s")
        await shown.shows("Send to", "Lectures", "send it there")
        await shown.press("enter")
        await shown.shows("On its way to Lectures")
        assert calls(stocked, "send_item") == [(2, "-1001", None)]


async def test_a_file_is_given_tags_and_others_are_taken(dashboard, stocked):
    stocked.media[1] = an_item(2, title="Second", tags=("later", "music"))
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        await shown.press("T")
        await shown.shows("Tags of", "There are: later, music")
        await shown.press(*"To hear,", "comma", *"&")
        await shown.press("enter")
        await shown.shows("a tag needs a letter or a digit")
        await shown.press("backspace", *" Music", "enter")
        await shown.shows("Tags: Music, To hear")
        await shown.press("j", "T")
        await shown.shows("Tags of Second")
        await shown.press(*["backspace"] * len(", music"), "enter")
        await shown.shows("Tags: later")
        assert calls(stocked, "tag_item") == [(1, ("To hear", "Music"), ()), (2, ("later",), ("music",))]


async def test_what_cannot_be_sent_says_why(dashboard, stocked):
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        await shown.press("s")
        await shown.shows("Telegram is off")
        stocked.telegram = {"state": "online"}
        stocked.dialogs = [stocked.watch(-1001, "Lectures")]
        shown.app.deck.sync.look()
        await shown.until(lambda: shown.app.deck.account.is_on)
        stocked.fail_next("send_item", InvalidRequest("no such chat"))
        await shown.press("s")
        await shown.shows("Lectures")
        await shown.press("enter")
        await shown.shows("no such chat")


async def test_path_link_and_folder_are_copied_where_no_file_browser_is(dashboard, stocked, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "x")
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("Library  7")
        await shown.press("Y")
        await shown.shows("Sent the path to the clipboard")
        assert shown.app.clipboard == "/archive/1.mp3"
        await shown.press("Y")
        await shown.shows("to be copied by hand", "/archive/1.mp3")
        await shown.press("escape", "o")
        assert shown.app.clipboard == "/archive"
        await shown.press("y")
        assert shown.app.clipboard == "https://a.example/x"


def test_a_file_browser_is_only_where_somebody_sees_it(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("sys.platform", "linux")
    assert file_browser({"DISPLAY": ":0"}) == "/usr/bin/xdg-open"
    assert file_browser({"DISPLAY": ":0", "SSH_CONNECTION": "x"}) is None
    assert file_browser({}) is None


async def test_a_job_that_ends_brings_its_file_to_the_list(dashboard, stocked, monkeypatch):
    monkeypatch.setattr("tui.screens.library.FRESH_S", 0.01)
    job = stocked.add(status=JobStatus.RUNNING)
    async with dashboard() as shown:
        await shown.press("5", "j")
        await shown.shows("Library  7")
        stocked.media = [an_item(99, title="New"), *stocked.media]
        stocked.move(job.id, JobStatus.COMPLETED)
        await shown.shows("Library  8", "New")
        assert shown.app.screen.roster.key == 2


async def test_an_empty_library_a_lost_engine_and_one_that_is_back(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("5")
        await shown.shows("The library is empty", "add a link")
        engine.fail_next("stream", InvalidRequest("x"))
        engine.cut_streams()
        engine.media = [an_item()]
        await shown.shows("A talk")


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (20, 5)])
async def test_hostile_titles_put_no_control_character_on_the_page(dashboard, engine, size):
    engine.media = [
        an_item(number, title=text, artist=text, album=text, url=text, file_path=f"/{text}")
        for number, text in enumerate(HOSTILE)
    ]
    async with dashboard(size) as shown:
        await shown.press("5")
        await shown.until(lambda: shown.app.screen.roster.count == len(HOSTILE))
        for text in HOSTILE:
            engine.meant = text
            await shown.press("j")
            assert controls(shown.text) == []
            strips = shown.app.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
