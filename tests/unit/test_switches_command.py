"""`limits`, `maintenance`, `sources`, `move` and `debug`, against an engine in memory."""

from __future__ import annotations

import json

import pytest

from core.domain.errors import InvalidRequest
from core.domain.history import DayFigures
from core.domain.job import JobStatus
from tests.fakes.limits import a_limit
from tests.tui.conftest import calls
from tests.unit.conftest import invoke


@pytest.fixture
def engine(engine):
    engine.running_limits["quiet_hours"] = a_limit(
        "quiet_hours", 1, least=0, most=1, about="Nothing at 03:00"
    )
    return engine


def test_limits_are_shown_and_changed_in_the_words_of_people(engine):
    lines = [line.split() for line in invoke("limits").stdout.splitlines()]
    assert lines[1][:3] == ["max_parallel_jobs", "4", "4"]
    assert ["bandwidth_bps", "no", "limit"] in [line[:3] for line in lines]
    assert "2.5M/s" in invoke("limits", "bandwidth_bps", "2.5M").stdout
    assert invoke("limits", "quiet_hours", "off").stdout.splitlines()[1].split()[:3] == [
        "quiet_hours",
        "off",
        "on",
    ]
    assert json.loads(invoke("limits", "quiet_hours", "default", "--json").stdout)["value"] == 1
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
        invoke("limits", *arguments)
    assert calls(engine, "set_limit") == []


def test_maintenance_is_switched_and_told(engine):
    assert invoke("maintenance").stdout.startswith("off")
    assert invoke("maintenance", "on").stdout.startswith("on: nothing new is taken")
    assert invoke("maintenance", "off").stdout.startswith("off")


def test_sources_tell_how_the_last_days_went(engine):
    engine.ended = [DayFigures(day="2026-11-21", source="direct", completed=3, failed=1, size_bytes=5)]
    assert "3 done · 1 failed · 75 %" in invoke("sources").stdout
    told = {each["name"]: each for each in map(json.loads, invoke("sources", "--json").stdout.splitlines())}
    assert told["direct"]["history"] == [engine.ended[0].to_json()]
    assert told["youtube"]["history"] == []


def test_jobs_are_moved_within_the_queue(engine):
    engine.add_many(3)
    assert [line.split()[0] for line in invoke("move", "top", "3").stdout.splitlines()] == ["3"]
    assert calls(engine, "reorder") == [(3, "top")]
    assert "There is no other place" in invoke("move", "up", "3").stderr
    moved = [json.loads(line)["id"] for line in invoke("move", "down", "3", "--json").stdout.splitlines()]
    assert sorted(moved) == [1, 3]


def test_a_job_is_debugged_and_no_longer(engine):
    engine.add(status=JobStatus.RUNNING)
    assert "reeldeck logs --job 1 -f" in invoke("debug", "1").stdout
    assert engine.debugged == {1}
    assert "as usual" in invoke("debug", "1", "--off").stdout
    assert engine.debugged == set()


def test_a_job_gets_another_title(engine):
    engine.add(title="A tlk")
    assert "A talk" in invoke("rename", "1", "A talk").stdout
    assert calls(engine, "patch") == [(1, None, None, "A talk")]
