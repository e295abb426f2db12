from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.errors import ERRORS
from core.domain.job import JobStatus, iso
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.describe import detail, strip
from tui.present import clock_text
from tui.sources import held, rests_of, source_detail, source_heads, source_row, state_of_source

OPEN = {"state": "open", "since": iso(NOW - 60), "retry_at": iso(NOW + 30), "reason": "RATE_LIMIT"}
TRYING = {"state": "half_open", "since": iso(NOW - 60), "retry_at": None, "reason": "NETWORK_ERROR"}
CLOSED = {"state": "closed", "since": None, "retry_at": None, "reason": None}


def source(**facts):
    return {
        "name": "youtube", "label": "YouTube", "enabled": True, "max_parallel": 3, "in_flight": 0,
        "queued": 0, "waiting": 0, "rate_per_s": None, "bandwidth_bps": 0, "is_proxied": False,
        "quiet_until": None, "slowed": [], "breaker": CLOSED, "hosts": [],
    } | facts  # fmt: skip


def shown(facts, width: int = 60) -> str:
    return " ".join(" ".join(text_of(line) for line in source_detail(facts, NOW, width)).split())


@pytest.mark.parametrize("width", [20, 42, 49, 57, 79, 97, 139])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_a_host_is_called(width, text):
    nasty = source(
        name=text, label=text, in_flight=10**6, queued=10**6, rate_per_s=1e9, bandwidth_bps=2**50,
        is_proxied=True, quiet_until=iso(NOW), slowed=[{"host": text, "gap_s": 1e9}],
        hosts=[{"host": text, **OPEN, "reason": text}], breaker=TRYING,
    )  # fmt: skip
    for line in [source_row(nasty, NOW, width), *source_detail(nasty, NOW, width)]:
        assert cell_len(text_of(line)) == width
        assert_is_safe(text_of(line))


def test_an_engine_that_tells_little_is_no_fault():
    assert cell_len(text_of(source_row({}, NOW, 79))) == 79
    assert source_detail({"name": "x"}, NOW, 79)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "● ready"), ({"in_flight": 1}, "● runs"), ({"enabled": False}, "○ off"),
        ({"breaker": OPEN}, "! rests"), ({"breaker": TRYING}, "▸ trying"),
        ({"breaker": None, "hosts": [{"host": "a", **OPEN}]}, "! 1 host"),
        ({"hosts": [{"host": "a", **OPEN}, {"host": "b", **TRYING}]}, "! 2 hosts"),
        ({"slowed": [{"host": "a", "gap_s": 4.0}]}, "● slowed"), ({"quiet_until": iso(NOW)}, "○ quiet"),
    ],
)  # fmt: skip
def test_a_source_has_a_sign_and_a_word_for_how_it_is(facts, state):
    word, _ = state_of_source(source(**facts))
    assert word == state
    assert len(word) <= 10


def test_a_row_tells_what_runs_what_waits_and_when_a_resting_source_is_tried():
    text = text_of(
        source_row(
            source(in_flight=2, queued=3, waiting=4, breaker=OPEN, rate_per_s=0.5, is_proxied=True), NOW, 79
        )
    )
    clock = clock_text(NOW + 30, NOW, seconds=True)
    assert text.split() == ["!", "rests", "youtube", "YouTube", "2/3", "7", clock, "0.5/s", "yes"]


@pytest.mark.parametrize("width", [61, 79, 139])
def test_heads_stand_over_their_columns(width):
    heads, row = text_of(source_heads(width)), text_of(source_row(source(breaker=OPEN), NOW, width))
    assert cell_len(heads) == width
    assert heads.index("TRIES AT") == row.index(clock_text(NOW + 30, NOW, seconds=True))
    assert heads.index("SITE") == row.index("YouTube")


def test_a_detail_says_why_a_source_rests_in_the_words_of_the_error_and_what_happens_next():
    text = shown(source(breaker=OPEN))
    assert ERRORS["RATE_LIMIT"].summary in text
    assert f"One tries at {clock_text(NOW + 30, NOW, seconds=True)}" in text
    assert "r on a job tries now" in text
    assert "One job tries now" in shown(source(breaker=TRYING))


def test_a_detail_names_the_hosts_that_rest_and_those_that_are_slowed():
    facts = source(
        breaker=None, hosts=[{"host": "dead.example", **OPEN}], slowed=[{"host": "b", "gap_s": 4.0}]
    )
    assert "dead.example: " in shown(facts)
    assert "Jobs of this host wait" in shown(facts)
    assert "b every 4 s" in shown(facts)


def test_a_detail_tells_pace_proxy_and_how_to_switch_on():
    text = shown(source(enabled=False, rate_per_s=2.0, bandwidth_bps=2**20, is_proxied=True))
    assert "[sources.youtube] enabled = true" in text
    assert "at most 2 requests a second" in text
    assert "at most 1.0M/s" in text
    assert "through a proxy" in text


def test_only_breakers_that_are_not_closed_count():
    assert rests_of(source()) == []
    assert rests_of(source(breaker=None)) == []
    both = rests_of(source(breaker=OPEN, hosts=[{"host": "a", **TRYING}]))
    assert [(rest.host, rest.is_tried) for rest in both] == [(None, False), ("a", True)]
    assert rests_of(source(breaker=OPEN | {"since": "odd"}))[0].since is None


def test_a_job_that_its_source_or_host_holds_says_so():
    engine = FakeEngine()
    waits, runs = engine.add("https://dead.example/a"), engine.add(status=JobStatus.RUNNING)
    direct = source(name="direct", breaker=None, hosts=[{"host": "dead.example", **OPEN}])
    clock = clock_text(NOW + 30, NOW, seconds=True)
    assert held(waits, [direct], NOW) == f"dead.example rests until {clock}: The site asks us to slow down"
    assert held(engine.add("https://other.example/a"), [direct], NOW) == ""
    assert held(runs, [source(name="direct", breaker=OPEN)], NOW) == ""
    assert held(waits, [source(name="direct", breaker=TRYING)], NOW).startswith("direct rests: ")
    assert held(waits, [source()], NOW) == held(waits, [], NOW) == ""
    for lines in (
        detail(waits, [], [], NOW, 60, held="h rests"),
        strip(waits, [], [], NOW, 60, held="h rests"),
    ):
        assert any("h rests" in text_of(line) for line in lines)
