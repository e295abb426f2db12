"""What a person sees while jobs go on."""

from __future__ import annotations

import io
import sys
import time

import pytest
from rich.console import Console

from core.domain.job import JobStatus, Stage
from tests.fakes.engine import FakeEngine
from tui.console import progress
from tui.console.progress import Bars, Lines, progress_view


@pytest.fixture
def engine():
    return FakeEngine()


def downloading(engine, done, **facts):
    return engine.add(
        status=JobStatus.RUNNING, stage=Stage.DOWNLOAD, size_bytes=1000, bytes_done=done, rate=2048.0, **facts
    )


class TestLines:
    def test_a_line_a_stage_and_one_each_tenth(self, engine, capsys):
        job = engine.add(title="A [b]title\x1b[2J")
        with Lines() as view:
            for step in [
                job,
                job,
                job.evolve(status=JobStatus.RUNNING, stage=Stage.RESOLVE),
                *(
                    job.evolve(
                        status=JobStatus.RUNNING, stage=Stage.DOWNLOAD, size_bytes=1000, bytes_done=done
                    )
                    for done in range(0, 1000, 7)
                ),
                job.evolve(status=JobStatus.COMPLETED),
            ]:
                view.show(step)
        printed = capsys.readouterr()
        lines = printed.err.splitlines()
        assert printed.out == ""
        assert "\x1b" not in printed.err
        assert lines[0] == "1  QUEUED  A [b]title\u241b[2J"
        assert lines[1] == "1  RUNNING  resolve  A [b]title\u241b[2J"
        assert len(lines) == 3 + 10
        assert lines[-1].startswith("1  COMPLETED")

    def test_a_speed_is_told_where_there_is_one(self, engine, capsys):
        Lines().show(downloading(engine, 250))
        assert "download 25%, 2.0 KiB/s" in capsys.readouterr().err

    def test_a_failure_says_why_and_what_to_do(self, engine, capsys):
        Lines().show(engine.add(status=JobStatus.FAILED, error_type="NOT_FOUND", error_message="x"))
        lines = capsys.readouterr().err.splitlines()
        assert lines[1].startswith("job 1: error: Nothing is there (any more)")
        assert lines[2].startswith("hint: ")

    def test_a_job_that_waits_says_for_what(self, engine, capsys):
        Lines().show(
            engine.add(
                status=JobStatus.PENDING, waiting_for="retry", not_before=time.time() + 60,
                error_type="RATE_LIMIT", error_message="The site asks us to slow down: HTTP 429",
            )
        )  # fmt: skip
        said = capsys.readouterr().err
        assert "tries again in" in said
        assert "error: The site asks us to slow down: HTTP 429" in said


class TestBars:
    @pytest.fixture
    def drawn(self, monkeypatch):
        stream = io.StringIO()
        monkeypatch.setattr(
            progress,
            "Console",
            lambda **_: Console(file=stream, width=100, force_terminal=True, color_system=None),
        )
        return stream

    def test_a_bar_shows_name_amount_speed_and_time_left(self, engine, drawn):
        with Bars() as view:
            view.show(downloading(engine, 250, title="A [b]title\x1b[2J"))
        shown = drawn.getvalue()
        assert "A [b]title\u241b[2J" in shown
        assert "250 B of 1000 B  2.0 KiB/s  0 s left" in shown

    def test_an_unknown_size_is_no_share(self, engine, drawn):
        job = downloading(engine, 4096)
        with Bars() as view:
            view.show(job.evolve(size_bytes=None))
        assert "4.0 KiB  2.0 KiB/s" in drawn.getvalue()

    def test_a_finished_job_leaves_a_line_instead_of_its_bar(self, engine, drawn):
        job = downloading(engine, 1000, title="A title")
        with Bars() as view:
            view.show(job)
            view.show(job.evolve(status=JobStatus.COMPLETED))
            view.show(engine.add(status=JobStatus.COMPLETED, title="Never drawn"))
        assert "COMPLETED  A title, 1000 B" in drawn.getvalue()
        assert "COMPLETED  Never drawn" in drawn.getvalue()

    def test_the_cursor_comes_back_whatever_happens(self, engine, drawn):
        def interrupted():
            with Bars() as view:
                view.show(downloading(engine, 1))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert drawn.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in drawn.getvalue()


def test_bars_are_for_terminals_only(monkeypatch):
    assert isinstance(progress_view(), Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(progress_view(), Bars)
    assert isinstance(progress_view(plain=True), Lines)
