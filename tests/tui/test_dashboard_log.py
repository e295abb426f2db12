"""The page of the log."""

from __future__ import annotations

import json

import pytest

from core.domain.job import JobStatus
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Write lines: `log("event", level="info", …)`."""
    monkeypatch.setattr("tui.screens.log.LOOK_S", 0.02)
    file = tmp_path / "reeldeck.jsonl"
    file.touch()

    def write(event: str, level: str = "info", **facts) -> None:
        entry = {"event": event, "level": level, "time": "2026-11-20T14:00:00Z"} | facts
        with file.open("a") as stream:
            stream.write(json.dumps(entry) + "\n")

    write.file = file
    return write


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_what_is_written_is_shown_as_it_comes(dashboard, log, size):
    log("engine started")
    async with dashboard(size, log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("Log  1", "engine started", "follows")
        log("DOWNLOAD_FAILED", "warning", job_id=7, message="no route")
        await shown.shows("WARN       #7 DOWNLOAD_FAILED  message=no route", "Log  2")
        assert shown.app.screen.roster.row == 1


async def test_who_goes_up_stands_still_until_the_end_is_reached_again(dashboard, log):
    for number in range(40):
        log(f"line {number}")
    async with dashboard(log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("line 39")
        await shown.press("g")
        await shown.shows("stands still", "line 0")
        log("line 40")
        await shown.shows("1 new")
        assert "line 40" not in shown.text
        await shown.press("G")
        await shown.shows("follows", "line 40")
        await shown.press("f")
        await shown.shows("stands still")
        log("line 41")
        await shown.shows("1 new")
        await shown.press("f")
        await shown.shows("follows", "line 41")


async def test_levels_and_words_choose_what_is_shown(dashboard, log):
    log("trifle", "debug")
    log("news", job_id=12)
    log("trouble", "error", job_id=12)
    async with dashboard(log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("Log  2", "info and above")
        await shown.press("v", "v")
        await shown.shows("Log  1", "error and above")
        await shown.press("v")
        await shown.shows("Log  3", "debug and above", "trifle")
        await shown.press("slash", *"job:12 !trouble", "enter")
        await shown.shows("Log  1", "1 of 3", "news")
        await shown.press("escape")
        await shown.shows("Log  3")


async def test_a_jobs_lines_are_shown_from_its_row_and_its_job_from_a_line(dashboard, engine, log):
    job = engine.add(title="A talk", status=JobStatus.RUNNING)
    log("about it", "debug", job_id=job.id)
    log("about another", job_id=99)
    async with dashboard(log_file=log.file) as shown:
        await shown.press("L")
        await shown.shows("Log  1", "about it", f"job:{job.id}")
        await shown.press("enter")
        await shown.shows(f"job {job.id}", "A talk", "q Close")
        await shown.press("q", "escape", "G", "enter")
        await shown.shows("There is no such job: 99")


async def test_only_so_many_lines_are_kept(dashboard, log, monkeypatch):
    monkeypatch.setattr("tui.screens.log.KEPT", 50)
    for number in range(200):
        log(f"line {number}")
    async with dashboard(log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("Log  50", "line 199")
        for number in range(200, 230):
            log(f"line {number}")
        await shown.shows("line 229", "Log  50")
        await shown.press("g")
        await shown.shows("line 180")


async def test_without_a_log_the_page_says_why(dashboard, tmp_path):
    async with dashboard() as shown:
        await shown.press("6")
        await shown.shows("The engine keeps no log", "json_file = true")
        await shown.press("enter")
        await shown.shows("This line is about no job")
    async with dashboard(log_file=tmp_path) as shown:
        await shown.press("6")
        await shown.shows("The log cannot be read", "Is a directory")


async def test_a_line_can_be_copied(dashboard, log):
    log("trouble", "error", job_id=3, message="no route")
    async with dashboard((120, 30), log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("trouble")
        await shown.press("y")
        await shown.shows("Sent the line to the clipboard")
        assert shown.app.clipboard.endswith("ERROR trouble job_id=3 message=no route")


async def test_the_file_is_read_only_while_the_page_is_shown(dashboard, log):
    log("first")
    async with dashboard(log_file=log.file) as shown:
        await shown.press("6")
        await shown.shows("first")
        await shown.press("1")
        page = shown.app.get_screen_stack("log")[0]
        log("second")
        page._look()
        assert not page._is_reading
        await shown.press("6")
        await shown.shows("second")


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (20, 5)])
async def test_hostile_lines_put_no_control_character_on_the_page(dashboard, log, size):
    for text in HOSTILE:
        log(text, text, message=text, exception=[text])
    async with dashboard(size, log_file=log.file) as shown:
        await shown.press("6")
        await shown.until(lambda: shown.app.screen.roster.count == len(HOSTILE))
        for _ in HOSTILE:
            await shown.press("k")
            assert controls(shown.text) == []
            strips = shown.app.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
