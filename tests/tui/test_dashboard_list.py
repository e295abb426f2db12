from __future__ import annotations

import pytest

from core.domain.events import EventType
from core.domain.job import JobStatus, Stage
from tests.tui.conftest import calls
from tui.state import SORTS
from tui.sync import HEAD_JOBS, PAGE


async def test_an_empty_engine_is_met_with_the_next_steps(dashboard):
    async with dashboard() as shown:
        await shown.shows("No jobs yet", "add a link", "reeldeck add URL", "see all keys")


async def test_jobs_are_listed_with_state_progress_speed_and_time_left(dashboard, engine):
    job = engine.add(title="A concert", status=JobStatus.RUNNING, stage=Stage.DOWNLOAD)
    engine.add(title="A failure", status=JobStatus.FAILED, error_type="NOT_FOUND")
    async with dashboard((100, 30)) as shown:
        await shown.shows("A concert", "fetching", "A failure", "not found")
        engine.progress(job.id, 50 * 2**20, 100 * 2**20, 10 * 2**20)
        await shown.shows("50%", "10.0M/s")
        engine.move(job.id, JobStatus.COMPLETED, stage=None, bytes_done=100 * 2**20)
        await shown.shows("done", "100 MiB")


async def test_what_is_added_elsewhere_appears_by_itself_and_what_is_deleted_goes(dashboard, engine):
    async with dashboard() as shown:
        job = engine.add(title="From Telegram")
        engine.set(job.id)
        await shown.shows("From Telegram")
        engine.move(job.id, JobStatus.CANCELLED)
        await engine.delete(job.id)
        await shown.shows("No jobs yet")


@pytest.mark.parametrize(("key", "row"), [("j", 1), ("down", 1), ("G", 29), ("end", 29), ("ctrl+d", 7)])
async def test_keys_move_the_cursor(dashboard, engine, key, row):
    engine.add_many(30)
    async with dashboard() as shown:
        await shown.press(key)
        assert shown.index.cursor_row == row
        await shown.press("g")
        assert shown.index.cursor_row == 0
        await shown.press("k")
        assert shown.index.cursor_row == 0


async def test_only_the_row_under_the_cursor_looks_like_it(dashboard, engine):
    engine.add_many(5)
    async with dashboard() as shown:
        for row in range(1, 5):
            await shown.press("j")
            await shown.until(lambda row=row: shown.lines[3 + row].startswith("▌"))
            assert sum(line.startswith("▌") for line in shown.lines) == 1


async def test_the_view_follows_the_cursor(dashboard, engine):
    engine.add_many(200)
    async with dashboard() as shown:
        await shown.press("G")
        await shown.shows("Title 199", "200/200")
        await shown.press("home")
        await shown.shows("Title 0 ", "1/200")


async def test_the_row_under_the_cursor_keeps_its_job_and_its_place_while_others_move(dashboard, engine):
    jobs = engine.add_many(100)
    async with dashboard() as shown:
        await shown.press("G", "k", "k")
        job = shown.index.cursor_job
        table = shown.app.screen.view.table
        line = shown.index.cursor_row - table.scroll_offset.y
        for other in jobs[:5]:
            engine.move(other.id, JobStatus.RUNNING)
            engine.move(other.id, JobStatus.FAILED)  # to the far end of the list
        shown.index.release()
        await shown.until(lambda: shown.index.cursor_row == 92)
        await shown.until(lambda: shown.index.cursor_row - table.scroll_offset.y == line)
        assert shown.index.cursor_job.id == job.id


async def test_tabs_show_parts_of_the_list(dashboard, engine):
    engine.add(title="Waits")
    engine.add(title="Failed one", status=JobStatus.FAILED)
    async with dashboard() as shown:
        await shown.shows("All 2  Running 0  Waiting 1  Paused 0  Failed 1")
        await shown.press("right")
        await shown.shows("Nothing is running")
        await shown.press("l")
        await shown.until(lambda: "Waits" in shown.text and "Failed one" not in shown.text)
        await shown.press("escape")
        await shown.shows("Failed one")
        await shown.press("left")
        await shown.shows("Nothing is cancelled")


async def test_a_filter_works_while_it_is_typed_and_until_escape(dashboard, engine):
    engine.add(title="Concert")
    engine.add(title="Teaser", status=JobStatus.FAILED)
    async with dashboard() as shown:
        await shown.press("slash", *"conc")
        await shown.until(lambda: "Concert" in shown.text and "Teaser" not in shown.text)
        await shown.shows("1 of 2")
        await shown.press("enter")
        await shown.press("x")
        await shown.until(lambda: calls(engine, "cancel"))
        await shown.press("slash", *" !concert")
        await shown.shows("No job matches this filter")
        await shown.press("escape")
        await shown.shows("Concert", "Teaser")


async def test_arrows_move_through_what_a_filter_finds_while_it_is_typed(dashboard, engine):
    engine.add_many(5)
    async with dashboard() as shown:
        await shown.press("slash", *"title")
        await shown.press("down", "down")
        assert shown.index.cursor_row == 2


async def test_a_filter_also_finds_jobs_that_are_not_loaded(dashboard, engine):
    engine.add(title="Ancient recording", status=JobStatus.COMPLETED)
    engine.add_many(HEAD_JOBS, status=JobStatus.COMPLETED)
    async with dashboard() as shown:
        assert len(shown.index.known) == HEAD_JOBS
        await shown.press("slash", *"ancient")
        await shown.shows("Ancient recording")


async def test_older_jobs_are_loaded_when_the_end_comes_near(dashboard, engine):
    engine.add_many(HEAD_JOBS + PAGE + 3, status=JobStatus.COMPLETED)
    async with dashboard() as shown:
        await shown.shows(f"1/{HEAD_JOBS}+")
        await shown.press("G")
        await shown.until(lambda: len(shown.index) >= HEAD_JOBS + PAGE)
        await shown.press("G")
        await shown.until(lambda: len(shown.index) == HEAD_JOBS + PAGE + 3)
        await shown.shows(f"/{HEAD_JOBS + PAGE + 3} ")
        assert "+" not in shown.lines[1]


async def test_all_unfinished_jobs_are_loaded_however_old(dashboard, engine):
    engine.add(title="Old but running", status=JobStatus.RUNNING)
    engine.add_many(HEAD_JOBS, status=JobStatus.COMPLETED)
    async with dashboard() as shown:
        await shown.shows("Old but running")


async def test_ten_thousand_jobs_can_be_walked_through(dashboard, engine):
    engine.add_many(10_000)
    async with dashboard((140, 40)) as shown:
        assert len(shown.index) == 10_000
        await shown.press("G")
        await shown.shows("Title 9999")
        await shown.press("s", "S")
        await shown.shows("sort added ↑")


async def test_sorting_steps_through_the_orders_and_turns_round(dashboard, engine):
    engine.add(title="Beta", size_bytes=5)
    engine.add(title="Alpha", size_bytes=9)
    async with dashboard((120, 30)) as shown:
        for name in [*list(SORTS)[1:], next(iter(SORTS))]:
            await shown.press("s")
            assert shown.index.sort == name
        shown.index.set_sort("title")
        await shown.press("S")
        await shown.until(lambda: shown.text.index("Beta") < shown.text.index("Alpha"))


async def test_the_detail_stands_beside_the_list_where_there_is_room_else_below(dashboard, engine):
    job = engine.add(
        "https://example.org/a.mp4", title="A talk", status=JobStatus.RUNNING, stage=Stage.DOWNLOAD
    )
    engine.emit(EventType.WORKER_ASSIGNED, job.id, attempt=1)
    async with dashboard((100, 30)) as shown:
        await shown.shows("STAGES", "EVENTS, NEWEST FIRST", "attempt 1 begins")
        await shown.pilot.resize_terminal(80, 24)
        await shown.shows("▸ fetch", "Enter all about it", "attempt 1 begins")
        assert "STAGES" not in shown.text
        await shown.pilot.resize_terminal(200, 60)
        await shown.shows("STAGES")
        engine.emit(EventType.DOWNLOAD_RESUMED, job.id, bytes_on_disk=2**30)
        await shown.shows("fetching goes on at 1.00 GiB")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 40), (200, 60), (60, 15), (20, 5)])
async def test_every_size_fills_the_screen_without_spilling(dashboard, engine, size):
    engine.add_many(100, title="字" * 100, status=JobStatus.RUNNING)
    async with dashboard(size) as shown:
        strips = shown.app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [size[0]] * size[1]


async def test_the_last_thing_that_happened_is_told_in_a_line(dashboard, engine):
    job = engine.add(title="A talk", status=JobStatus.RUNNING)
    async with dashboard() as shown:
        engine.emit(EventType.JOB_COMPLETED, job.id)
        await shown.shows(f"{job.id} A talk: done")


async def test_marks_are_counted_and_cleared(dashboard, engine):
    engine.add_many(3)
    async with dashboard() as shown:
        await shown.press("space", "space")
        await shown.shows("2 marked")
        assert shown.index.cursor_row == 2
        await shown.press("escape")
        await shown.until(lambda: "marked" not in shown.text)
        await shown.press("asterisk")
        await shown.shows("3 marked")


async def test_the_mouse_selects_opens_sorts_and_presses_keys(dashboard, engine):
    engine.add_many(5)
    async with dashboard((100, 30)) as shown:
        table = shown.app.screen.view.table
        await shown.pilot.click(table, offset=(5, 2))
        assert shown.index.cursor_row == 2
        await shown.pilot.click(table, offset=(5, 20))
        assert shown.index.cursor_row == 2, "there is no row to click"
        heads = shown.app.screen.view.heads
        await shown.pilot.click(heads, offset=(heads.lines[0][0][0].index(" ") + 12, 0))
        assert shown.index.sort == "title"
        tabs = shown.app.screen.view.tabs
        await shown.pilot.click(tabs, offset=(10, 0))
        assert shown.index.view == "Running"
        await shown.pilot.click(tabs, offset=(2, 0))
        assert shown.index.view == "All"
        footer = shown.app.screen.view.footer
        await shown.pilot.click(footer, offset=(2, 0))
        await shown.shows("Add links")
        await shown.press("escape")
        await shown.pilot.click(table, offset=(5, 1), times=2)
        await shown.shows("job 2", "q Close")


async def test_the_tab_key_reaches_the_detail_and_escape_comes_back(dashboard, engine):
    engine.add_many(3)
    async with dashboard((100, 12)) as shown:
        await shown.press("tab")
        assert shown.app.focused is shown.app.screen.view.pane
        await shown.press("j")
        assert shown.index.cursor_row == 1
        await shown.press("escape")
        assert shown.app.focused is shown.app.screen.view.table


async def test_leaving_ends_the_dashboard_and_nothing_else(dashboard, engine):
    engine.add(status=JobStatus.RUNNING)
    async with dashboard() as shown:
        before = [name for name, _ in engine.calls]
        await shown.press("q")
        await shown.until(lambda: not shown.app.is_running or shown.app._exit)
    told = [name for name, _ in engine.calls][len(before) :]
    assert not set(told) & {"stop_engine", "pause", "cancel"}
    assert engine.listeners == 0
