"""The palette, keys of one's own, what is remembered, and the page of settings."""

from __future__ import annotations

import pytest

from core.domain.errors import InvalidRequest
from core.domain.job import JobStatus
from tests.tui.conftest import calls
from tui.keymap import own_keys
from tui.memory import recall


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_an_action_is_found_by_a_few_letters_and_done(dashboard, engine, size):
    job = engine.add(status=JobStatus.RUNNING)
    async with dashboard(size) as shown:
        await shown.press("colon")
        await shown.shows("a few letters", "Pause", "Enter does it")
        await shown.press(*"paus", "enter")
        await shown.until(lambda: calls(engine, "pause") == [(job.id,)])
        assert "a few letters" not in shown.text


async def test_what_cannot_be_done_now_says_why_and_stays_open(dashboard):
    async with dashboard() as shown:
        await shown.press("ctrl+p", *"add chat")
        await shown.shows("not now: On the chats page")
        await shown.press("enter")
        await shown.shows("not now:")
        await shown.press("escape", "4", "colon", *"add chat")
        await shown.shows("Enter does it")
        await shown.press("enter")
        await shown.shows("Watch a chat")


async def test_operations_are_begun_from_any_page(dashboard):
    async with dashboard() as shown:
        await shown.press("6", "colon", *"tokens")
        await shown.shows("Enter does it")
        await shown.press("enter")
        await shown.shows("There are no tokens")
        await shown.press("escape")
        await shown.shows("what is done now and then")


async def test_pages_are_found_from_any_page_and_nothing_fits_nonsense(dashboard):
    async with dashboard() as shown:
        await shown.press("5", "colon", *"xqz")
        await shown.shows("Nothing is called so")
        await shown.press(*["backspace"] * 3, *"sources", "enter")
        await shown.shows("Sources  2")


async def test_own_keys_work_are_shown_and_take_the_place_of_the_usual_ones(dashboard, engine):
    job = engine.add(status=JobStatus.RUNNING)
    keys = own_keys({"pause": "F5 z", "show_auth": "n"})
    async with dashboard((140, 40), keys=keys) as shown:
        await shown.shows("F5 Pause", "n Auth")
        await shown.press("p")
        assert calls(engine, "pause") == []
        await shown.press("z")
        await shown.until(lambda: calls(engine, "pause") == [(job.id,)])
        await shown.press("question_mark")
        await shown.shows("F5 z")
        await shown.press("escape", "n")
        await shown.shows("Logins")


async def test_sort_tab_filter_and_theme_are_as_they_were_left(dashboard, engine, tmp_path):
    engine.add(title="A talk", status=JobStatus.FAILED)
    engine.add(title="A song", status=JobStatus.FAILED)
    file = tmp_path / "dashboard.json"
    async with dashboard(memory=file) as shown:
        await shown.press("t", "s", "S", "h", "h", "h", "slash", *"talk", "enter")
        await shown.shows("1 of 2")
        left = shown.index.sort, shown.index.is_reversed, shown.index.view, shown.app.theme
    assert recall(file).filter == "talk"
    async with dashboard(memory=file) as shown:
        await shown.shows("/ talk", "1 of 2")
        assert (shown.index.sort, shown.index.is_reversed, shown.index.view, shown.app.theme) == left
    file.write_text('{"sort": 5, "view": []')
    async with dashboard(memory=file) as shown:
        await shown.shows("A talk", "A song")


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_limits_are_changed_by_keys_and_by_typing(dashboard, engine, size):
    async with dashboard(size) as shown:
        await shown.press("comma")
        await shown.shows("Settings", "max_parallel_jobs", "○ off")
        await shown.press("j")
        await shown.shows("as configured")
        await shown.press("plus")
        await shown.shows("max_parallel_jobs: 5", "1 changed")
        await shown.press("backspace")
        await shown.shows("max_parallel_jobs: 4")
        await shown.press("j", "enter", *"5T", "enter")
        await shown.shows("From 0 (no limit) to")
        await shown.press("backspace", "backspace", *"2.5M")
        await shown.shows("= 2.5M/s")
        await shown.press("enter")
        await shown.shows("bandwidth_bps: 2.5M/s")
        assert calls(engine, "set_limit")[-1] == ("bandwidth_bps", 2_621_440)
        await shown.press("q")
        await shown.shows("No jobs yet")


async def test_maintenance_is_asked_for_and_ended_without_a_question(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("comma")
        await shown.shows("maintenance")
        await shown.press("enter", "y")
        await shown.shows("● on", "Nothing new is taken")
        await shown.press("enter")
        await shown.shows("○ off", "Links are taken again")
        assert calls(engine, "set_maintenance") == [(True,), (False,)]


async def test_a_refusal_is_said_and_an_engine_without_limits_too(dashboard, engine):
    engine.fail_next("limits", InvalidRequest("there is no such address"))
    async with dashboard() as shown:
        await shown.press("comma")
        await shown.shows("The settings cannot be shown", "there is no such address")
        await shown.press("escape", "comma")
        await shown.shows("max_parallel_jobs")
        engine.fail_next("set_limit", InvalidRequest("not so"))
        await shown.press("j", "plus")
        await shown.shows("not so")


async def test_a_key_that_comes_before_anything_has_the_focus_is_typed_nowhere(dashboard, engine):
    engine.add(title="A talk")
    async with dashboard() as shown:
        shown.app.screen.set_focus(None)
        await shown.press("2", "1", "z")
        await shown.shows("A talk")
        assert shown.index.filter.is_empty
        await shown.press("6")
        await shown.shows("The engine keeps no log")
