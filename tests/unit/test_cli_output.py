"""What commands print."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from rich.cells import cell_len

from core.domain.errors import ERRORS, ConfigError, EngineUnreachable, JobError, NotFound
from core.domain.job import Control, JobStatus, Stage
from core.domain.snapshot import Submitted
from tests.fakes.engine import FakeEngine
from tui.console import exits, output


@pytest.fixture
def terminal(capsys, monkeypatch):
    """Stdout as a terminal of 60 cells without colours; what was printed to it."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    return lambda: capsys.readouterr().out


def job(**facts):
    return FakeEngine().add(**facts)


class TestFigures:
    @pytest.mark.parametrize(
        ("count", "text"),
        [
            (None, "-"), (0, "0 B"), (12.7, "13 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
            (5 * 2**20, "5.0 MiB"), (3 * 2**30, "3.0 GiB"), (2**40, "1.0 TiB"), (2**52, "4096.0 TiB"),
        ],
    )  # fmt: skip
    def test_sizes_are_in_binary_units(self, count, text):
        assert output.size(count) == text

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0 s"), (-5, "0 s"), (59.4, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"),
            (7500, "2 h 5 min"), (86400, "1 d"), (90000, "1 d 1 h"),
        ],
    )  # fmt: skip
    def test_spans_have_two_units_at_most(self, seconds, text):
        assert output.span(seconds) == text


RUNNING = {"status": JobStatus.RUNNING}


class TestStates:
    @pytest.mark.parametrize(
        ("facts", "text"),
        [
            ({"status": JobStatus.QUEUED}, ""),
            ({"status": JobStatus.COMPLETED}, ""),
            ({"status": JobStatus.RUNNING}, "begins"),
            ({"status": JobStatus.RUNNING, "stage": Stage.RESOLVE}, "resolve"),
            (RUNNING | {"stage": Stage.DOWNLOAD, "size_bytes": 200, "bytes_done": 50}, "download 25%"),
            (RUNNING | {"stage": Stage.CHECK, "control": Control.PAUSE}, "check, to pause"),
            ({"status": JobStatus.PENDING, "waiting_for": "disk"}, "waits for disk space"),
            ({"status": JobStatus.PENDING, "waiting_for": "auth:main"}, "waits for auth main"),
            ({"status": JobStatus.PENDING, "waiting_for": "source:youtube"}, "waits for source youtube"),
            ({"status": JobStatus.PENDING, "waiting_for": "quiet_hours"}, "waits for quiet hours"),
        ],
    )  # fmt: skip
    def test_what_a_job_does_or_waits_for_is_said_in_words(self, facts, text):
        assert output.state_of(job(**facts)) == text

    def test_a_wait_says_how_long(self):
        waiting = job(status=JobStatus.PENDING, waiting_for="retry", not_before=time.time() + 90)
        assert output.state_of(waiting).startswith("tries again in 1 min")
        waiting = job(status=JobStatus.PENDING, waiting_for="live", not_before=time.time() + 300)
        assert output.state_of(waiting).startswith("not available yet, looks again in ")


class TestTables:
    ROWS = (("1", "RUNNING", "a title"), ("20", "FAILED", "\x1b[2J字" * 20))

    def test_on_a_terminal_the_flexible_column_is_cut_to_the_width(self, terminal):
        output.table(("ID", "STATUS", "TITLE"), self.ROWS, flexible=2)
        lines = terminal().splitlines()
        assert all(cell_len(line) <= 60 for line in lines)
        assert lines[0].split() == ["ID", "STATUS", "TITLE"]
        assert lines[2].endswith("…")
        assert "\x1b" not in "".join(lines)

    def test_elsewhere_nothing_is_cut_and_nothing_coloured(self, capsys):
        output.table(("ID", "STATUS", "TITLE"), self.ROWS, flexible=2)
        printed = capsys.readouterr().out
        assert printed.count("字") == 20
        assert "\x1b" not in printed

    def test_columns_stay_aligned_beside_wide_letters(self, capsys):
        output.table(("A", "B"), [("字字", "x"), ("abcd", "y")], flexible=0)
        lines = capsys.readouterr().out.splitlines()
        assert [cell_len(line) for line in lines[1:]] == [7, 7]

    def test_a_terminal_gets_colours_unless_it_asked_for_none(self, terminal, monkeypatch):
        monkeypatch.delenv("NO_COLOR")
        output.table(("ID", "STATUS", "TITLE"), self.ROWS[:1], flexible=2)
        assert "\x1b[34mRUNNING\x1b[0m" in terminal()

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_colours_can_be_refused(self, terminal, monkeypatch, name, value):
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setenv(name, value)
        assert not output.has_colours(sys.stdout)

    def test_a_json_line_holds_no_byte_a_terminal_acts_on(self, capsys):
        value = {"title": "\x1b[2J\x9b\u202eعنوان\ud83d"}
        output.json_line(value)
        printed = capsys.readouterr().out
        assert printed.isascii()
        assert printed.count("\n") == 1
        assert "\x1b" not in printed
        assert json.loads(printed) == value


class TestExits:
    def run(self, program, *, debug=False):
        return exits.run_to_exit(program, debug=lambda: debug)

    def raising(self, fault):
        def program():
            raise fault

        return program

    def test_what_a_program_returns_is_its_exit_code(self):
        assert self.run(lambda: 15) == 15
        assert self.run(lambda: None) == 0

    @pytest.mark.parametrize("kind", ERRORS.values(), ids=ERRORS)
    def test_every_error_class_ends_in_one_line_a_hint_and_its_code(self, kind, capsys):
        error = kind("the\ndetail \x1b[2J")
        assert self.run(self.raising(error)) == kind.exit_code
        said = capsys.readouterr().err
        assert said == f"error: {kind.summary}: the detail \u241b[2J\nhint: {error.hint}\n"

    def test_ctrl_c_is_130_and_says_nothing(self, capsys):
        assert self.run(self.raising(KeyboardInterrupt())) == 130
        assert capsys.readouterr().err == ""

    def test_sigterm_is_143(self):
        assert self.run(self.raising(exits.Terminated())) == 143

    def test_a_fault_of_ours_is_one_line_and_a_traceback_only_on_request(self, capsys):
        assert self.run(self.raising(KeyError("x"))) == 30
        said = capsys.readouterr().err
        assert "error: Something unexpected went wrong: KeyError: 'x'" in said
        assert "Traceback" not in said
        assert self.run(self.raising(KeyError("x")), debug=True) == 30
        assert "Traceback" in capsys.readouterr().err

    def test_a_place_that_the_system_refuses_is_no_fault_of_ours(self, capsys):
        assert self.run(lambda: Path("/proc/reeldeck").mkdir()) == 2
        said = capsys.readouterr().err
        assert "error: The configuration is not valid: /proc/reeldeck cannot be used: " in said
        assert "reeldeck doctor" in said
        assert "Traceback" not in said

    def test_a_stored_error_is_rebuilt_without_doubling_its_summary(self):
        stored = NotFound("HTTP 404", hint="Look elsewhere.")
        failed = job(
            status=JobStatus.FAILED, error_type=stored.code, error_message=str(stored), error_hint=stored.hint
        )
        error = exits.error_of(failed)
        assert isinstance(error, NotFound)
        assert str(error) == str(stored)
        assert error.hint == stored.hint
        assert exits.error_of(job()) is None

    def test_the_exit_code_is_that_of_the_first_failure_in_the_order_asked(self):
        engine = FakeEngine()
        done = engine.add(status=JobStatus.COMPLETED)
        gone = engine.add(status=JobStatus.FAILED, error_type="NOT_FOUND")
        limited = engine.add(status=JobStatus.FAILED, error_type="RATE_LIMIT")
        cancelled = engine.add(status=JobStatus.CANCELLED, error_type="NOT_FOUND")
        child = engine.add(status=JobStatus.FAILED, error_type="DISK_FULL")
        answers = [Submitted(one, joined=False) for one in (done, limited, gone, cancelled)]
        finished = [done, gone, limited, cancelled]
        assert exits.first_code(answers, finished) == ERRORS["RATE_LIMIT"].exit_code
        assert exits.first_code([ConfigError(), *answers], finished) == 2
        assert exits.first_code(answers[:1], [done, child]) == ERRORS["DISK_FULL"].exit_code
        assert exits.first_code(answers[3:], [cancelled]) == 1
        assert exits.first_code(answers[:1], [done]) == 0
        assert exits.first_code(answers[:2], []) == 0

    def test_a_job_that_is_left_waiting_for_a_login_counts_as_failed(self):
        engine = FakeEngine()
        parked = engine.add(status=JobStatus.PENDING, error_type="AUTH_ERROR", waiting_for="auth:main")
        assert exits.exit_code_of(parked) == ERRORS["AUTH_ERROR"].exit_code
        assert exits.exit_code_of(engine.add(status=JobStatus.PENDING, error_type="NETWORK_ERROR")) == 1

    def test_all_codes_of_job_errors_differ_from_shell_codes(self):
        codes = [kind.exit_code for kind in ERRORS.values() if issubclass(kind, JobError)]
        assert len(set(codes)) == len(codes)
        assert all(2 < code < 126 for code in codes)
        assert EngineUnreachable.exit_code not in codes
