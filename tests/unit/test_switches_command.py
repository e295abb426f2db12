"""`limits`, `maintenance`, `sources`, `move` and `debug`, against an engine in memory."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from core.domain.errors import InvalidRequest
from core.domain.history import DayFigures
from core.domain.job import JobStatus
from tests.fakes.engine import FakeEngine
from tests.fakes.limits import a_limit
from tests.tui.conftest import calls
from tui.cli import reeldeck
from tui.console import connect


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """The engine that commands reach."""
    fake = FakeEngine()
    fake.running_limits["quiet_hours"] = a_limit("quiet_hours", 1, least=0, most=1, about="Nothing at 03:00")
    monkeypatch.setattr(connect, "HttpEngineClient", lambda _: fake)
    monkeypatch.setenv("REELDECK_PATHS__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return fake


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(reeldeck, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_limits_are_shown_and_changed_in_the_words_of_people(engine):
    lines = [line.split() for line in run("limits").stdout.splitlines()]
    assert lines[1][:3] == ["max_parallel_jobs", "4", "4"]
    assert ["bandwidth_bps", "no", "limit"] in [line[:3] for line in lines]
    assert "2.5M/s" in run("limits", "bandwidth_bps", "2.5M").stdout
    assert run("limits", "quiet_hours", "off").stdout.splitlines()[1].split()[:3] == [
        "quiet_hours",
        "off",
        "on",
    ]
    assert json.loads(run("limits", "quiet_hours", "default", "--json").stdout)["value"] == 1
    assert calls(engine, "set_limit") == [
        ("bandwidth_bps", int(2.5 * 2**20)), ("quiet_hours", 0), ("quiet_hours", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bandwidths", "1"), "there is no limit bandwidths"),
        (("max_parallel_jobs", "65"), "from 1 to 64"),
        (("quiet_hours", "2"), "on or off"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_does(engine, arguments, told):
    with pytest.raises(InvalidRequest, match=told):
        run("limits", *arguments)
    assert calls(engine, "set_limit") == []


def test_maintenance_is_switched_and_told(engine):
    assert run("maintenance").stdout.startswith("off")
    assert run("maintenance", "on").stdout.startswith("on: nothing new is taken")
    assert run("maintenance", "off").stdout.startswith("off")


def test_sources_tell_how_the_last_days_went(engine):
    engine.ended = [DayFigures(day="2026-11-21", source="direct", completed=3, failed=1, size_bytes=5)]
    assert "3 done · 1 failed · 75 %" in run("sources").stdout
    told = {each["name"]: each for each in map(json.loads, run("sources", "--json").stdout.splitlines())}
    assert told["direct"]["history"] == [engine.ended[0].to_json()]
    assert told["youtube"]["history"] == []


def test_jobs_are_moved_within_the_queue(engine):
    engine.add_many(3)
    assert [line.split()[0] for line in run("move", "top", "3").stdout.splitlines()] == ["3"]
    assert calls(engine, "reorder") == [(3, "top")]
    assert "There is no other place" in run("move", "up", "3").stderr
    moved = [json.loads(line)["id"] for line in run("move", "down", "3", "--json").stdout.splitlines()]
    assert sorted(moved) == [1, 3]


def test_a_job_is_debugged_and_no_longer(engine):
    engine.add(status=JobStatus.RUNNING)
    assert "reeldeck logs --job 1 -f" in run("debug", "1").stdout
    assert engine.debugged == {1}
    assert "as usual" in run("debug", "1", "--off").stdout
    assert engine.debugged == set()


def test_a_job_gets_another_title(engine):
    engine.add(title="A tlk")
    assert "A talk" in run("rename", "1", "A talk").stdout
    assert calls(engine, "patch") == [(1, None, None, "A talk")]
