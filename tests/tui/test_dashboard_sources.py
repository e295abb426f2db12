"""The page of sources, and how pages are changed."""

from __future__ import annotations

import time

import pytest

from core.domain.job import JobStatus, iso
from tests.fakes.limits import a_limit
from tests.tui.conftest import calls
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE


def breaker(state: str = "open", **facts):
    now = time.time()
    return {"state": state, "since": iso(now), "retry_at": iso(now + 60), "reason": "HTTP_ERROR"} | facts


async def test_each_source_tells_what_runs_and_whether_it_rests(dashboard, engine):
    engine.add(status=JobStatus.RUNNING)
    engine.source_facts["youtube"] = {"breaker": breaker(), "queued": 7}
    async with dashboard() as shown:
        await shown.press("2")
        await shown.shows("● runs", "Direct links", "1/3", "! rests", "youtube", "1 in trouble")
        await shown.press("g")
        await shown.shows("The server answered with an error", "Jobs of this source wait", "7 jobs")


async def test_a_breaker_that_closes_is_seen_without_a_key(dashboard, engine, monkeypatch):
    monkeypatch.setattr("tui.sync.STATUS_AT_MOST_EVERY_S", 0.01)
    monkeypatch.setattr("tui.screens.sources.SourcesScreen.REFRESH_S", 0.02)
    engine.source_facts["youtube"] = {"breaker": breaker("half_open")}
    async with dashboard() as shown:
        await shown.press("2")
        await shown.shows("▸ trying")
        del engine.source_facts["youtube"]
        await shown.until(lambda: shown.text.count("● ready") >= 2)


async def test_the_engine_is_asked_often_only_while_the_page_is_shown(dashboard):
    async with dashboard() as shown:
        await shown.press("2")
        page, sync = shown.app.screen, shown.app.deck.sync
        sync._look.clear()
        page._refresh()
        assert sync._look.is_set()
        await shown.press("1")
        sync._look.clear()
        page._refresh()
        assert not sync._look.is_set()


async def test_enter_shows_the_jobs_of_the_source(dashboard, engine):
    engine.add(title="A film", source_type="youtube")
    engine.add(title="A file")
    async with dashboard() as shown:
        await shown.press("2")
        await shown.shows("YouTube")
        await shown.press("j", "enter")
        await shown.shows("source:youtube", "A film", "1 of 2")
        assert "A file" not in shown.text
        await shown.press("escape")
        await shown.shows("A file")


async def test_a_filter_from_another_page_looks_for_older_jobs_too(dashboard, engine, monkeypatch):
    monkeypatch.setattr("tui.sync.HEAD_JOBS", 200)
    engine.add(title="Ancient", source_type="youtube", status=JobStatus.COMPLETED)
    engine.add_many(600, status=JobStatus.COMPLETED)
    async with dashboard() as shown:
        assert 1 not in shown.index.known
        engine.add_many(1, source_type="youtube", status=JobStatus.COMPLETED)
        await shown.press("2")
        await shown.shows("YouTube")
        await shown.press("j", "enter")
        await shown.shows("source:youtube", "1 of")
        await shown.until(lambda: any(query.limit == 200 for (query,) in calls(engine, "jobs")))


@pytest.mark.parametrize("key", ["j", "down", "G", "end", "ctrl+d"])
async def test_keys_move_the_cursor(dashboard, key):
    async with dashboard() as shown:
        await shown.press("2")
        await shown.shows("YouTube")
        await shown.press(key)
        assert shown.app.screen.roster.key == "youtube"
        await shown.press("g", "k", "ctrl+u")
        assert shown.app.screen.roster.key == "direct"


async def test_digits_and_clicks_change_the_page_and_every_page_keeps_its_place(dashboard, engine):
    engine.add_login()
    engine.add(title="A talk")
    async with dashboard() as shown:
        await shown.press("enter")
        await shown.shows("q Close")
        await shown.press("3")
        await shown.shows("Logins  1")
        await shown.press("2", "j", "3", "2")
        await shown.shows("Sources  2")
        assert shown.app.screen.roster.key == "youtube"
        await shown.press("1")
        await shown.shows("q Close")
        await shown.press("q")
        await shown.shows("PROGRESS")
        header = shown.app.screen.view.header
        await shown.pilot.click(header, offset=(shown.lines[0].index("3 Auth") + 1, 0))
        await shown.shows("Logins  1")
        await shown.press("escape")
        await shown.shows("PROGRESS")


async def test_links_pasted_on_any_page_are_links_to_add(dashboard):
    async with dashboard() as shown:
        for page in "23":
            await shown.press(page)
            await shown.paste("https://example.org/a.mp4")
            await shown.shows("Add links")
            await shown.press("escape")


async def test_every_page_has_its_keys_and_leaves_by_q(dashboard):
    async with dashboard((120, 60)) as shown:
        for page, name in (("2", "sources"), ("3", "auth")):
            await shown.press(page, "question_mark")
            await shown.shows(f"keys of the {name} page")
            await shown.press("escape")
        await shown.press("t")
        await shown.shows("Theme:")
        await shown.press("q")
        await shown.until(lambda: shown.app._exit)


async def test_the_detail_stands_beside_the_list_where_there_is_room_else_below(dashboard, engine):
    engine.source_facts["direct"] = {"hosts": [breaker(host="dead.example")], "breaker": None}
    async with dashboard((120, 30)) as shown:
        await shown.press("2")
        await shown.shows("│ dead.example", "PROXY")
        await shown.press("tab", "escape")
        assert shown.app.focused is shown.app.screen.roster
        await shown.pilot.resize_terminal(80, 24)
        await shown.until(lambda: "│" not in shown.text)
        await shown.shows(" dead.example: The server answered")


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (60, 15), (20, 5)])
async def test_hostile_hosts_put_no_control_character_on_the_page(dashboard, engine, size):
    async with dashboard(size) as shown:
        await shown.press("2")
        for text in HOSTILE:
            engine.source_facts["direct"] = {
                "label": text, "hosts": [breaker(host=text, reason=text)],
                "slowed": [{"host": text, "gap_s": 1.0}],
            }  # fmt: skip
            shown.app.deck.sync.status = await engine.status()
            shown.app.screen.paint()
            await shown.pilot.pause()
            assert controls(shown.text) == []
            strips = shown.app.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]


async def test_a_source_is_capped_from_its_page_and_that_is_taken_back(dashboard, engine):
    name = "direct.bandwidth_bps"
    engine.running_limits[name] = a_limit(name, 0, least=0, most=2**40, about="Bytes per second")
    async with dashboard() as shown:
        await shown.press("2", "b")
        await shown.shows("direct.bandwidth_bps", "From 0 (no limit)")
        await shown.press(*"2M", "enter")
        await shown.shows("direct.bandwidth_bps: 2.0M/s", "u takes it back")
        await shown.press("u")
        await shown.shows("direct.bandwidth_bps: no limit")
        assert calls(engine, "set_limit") == [(name, 2 * 2**20), (name, None)]
        await shown.press("j", "b")
        await shown.shows("This engine cannot change it")
