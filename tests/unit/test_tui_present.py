from __future__ import annotations

import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain import figures
from core.domain.errors import ERRORS
from core.domain.job import WAITING_DISK, WAITING_LIVE, WAITING_RETRY, Control, JobStatus, Stage
from core.domain.text import cell_width
from core.domain.wording import title_of
from tests.fakes.engine import FakeEngine
from tui import present
from tui.present import state_of
from tui.rows import STATE_CELLS, column_heads, columns_for, row

HOSTILE = [
    "plain", "", "東京の夜景を歩く" * 9, "محاضرة في تفسير سورة الكهف", "e\u0301" * 40, "a" + "\u0301" * 60,
    "👩‍👩‍👧‍👦 family 🏳️‍🌈", "\x1b[31mred\x1b]52;c;aGk=\x07", "\x9b31m\x9d0;x\x9c", "evil\u202egpj.exe",
    "line\nbreak\r\ttab", "\ud800", "[bold]not markup[/]", "[/", "\u200b\ufeff\u2060",
    "字" * 200, "ﷺ" * 20, "🇸🇾" * 30,
]  # fmt: skip
NOW = datetime(2026, 5, 4, 15, 0).astimezone().timestamp()
STATES = [
    {"status": JobStatus.RUNNING, "stage": Stage.DOWNLOAD, "size_bytes": 2**31,
     "bytes_done": 2**30, "rate": 5e6},
    {"status": JobStatus.RUNNING, "stage": Stage.DOWNLOAD, "bytes_done": 2**40, "rate": 9e12},
    {"status": JobStatus.RUNNING, "control": Control.CANCEL},
    {"status": JobStatus.QUEUED, "priority": 10**9},
    {"status": JobStatus.PAUSED, "size_bytes": 100, "bytes_done": 1},
    {"status": JobStatus.PENDING, "waiting_for": WAITING_RETRY, "not_before": NOW,
     "error_type": "NETWORK_ERROR"},
    {"status": JobStatus.PENDING, "waiting_for": "auth:\x1b[1m", "not_before": 1.0},
    {"status": JobStatus.FAILED, "error_type": "A\x1b[2J", "error_message": "字\x1b[2J" * 50},
    {"status": JobStatus.COMPLETED, "size_bytes": 2**60, "finished": NOW},
    {"status": JobStatus.CANCELLED, "finished": 0.0},
]  # fmt: skip


def text_of(line: present.Line) -> str:
    return "".join(text for text, _ in line)


def assert_is_safe(text: str) -> None:
    assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cs"} or char in "\u202e\u200b"]


@pytest.mark.parametrize("width", [10, 20, 40, 56, 57, 60, 78, 80, 90, 98, 104, 130, 140, 200])
@pytest.mark.parametrize("title", HOSTILE)
def test_a_row_fills_its_width_exactly_whatever_the_title_holds(width, title):
    engine = FakeEngine()
    for facts in STATES:
        job = engine.add(title=title, source_type=title[:9] or "x", **facts)
        for is_marked in (False, True):
            shown = text_of(row(job, columns_for(width), NOW, is_marked=is_marked, is_cursor=True))
            assert cell_len(shown) == width
            assert_is_safe(shown)


@given(st.text(max_size=80), st.integers(0, 60))
def test_fitted_text_has_exactly_the_cells_asked_for(text, cells):
    for right in (False, True):
        shown = present.fit(text, cells, right=right)
        assert cell_len(shown) == cells
        assert_is_safe(shown)


@given(
    st.lists(st.tuples(st.text(alphabet="aß字 ", max_size=9), st.just("text")), max_size=5),
    st.integers(0, 40),
)
def test_lines_are_clipped_and_padded_to_their_width(spans, cells):
    assert present.width_of(present.clip(tuple(spans), cells)) <= cells
    assert present.width_of(present.pad(tuple(spans), cells)) == cells
    assert present.width_of(present.join_sides(tuple(spans), (("right", "dim"),), cells)) == cells


def test_every_state_has_a_word_that_fits_its_column():
    engine = FakeEngine()
    waits = [
        None,
        WAITING_RETRY,
        WAITING_DISK,
        WAITING_LIVE,
        "auth:a",
        "source:b",
        "quiet_hours",
        "network",
        "job:7",
        "something new",
    ]
    jobs = [engine.add(status=status) for status in JobStatus]
    jobs += [engine.add(status=JobStatus.RUNNING, stage=stage) for stage in Stage]
    jobs += [engine.add(status=JobStatus.RUNNING, control=control) for control in Control]
    jobs += [engine.add(status=JobStatus.PENDING, waiting_for=waits_for) for waits_for in waits]
    for job in jobs:
        word, style = state_of(job)
        assert word
        assert len(word) <= STATE_CELLS
        assert style.startswith("state.")


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (10 * 1024**2, "10.0 MiB"),
        (999 * 2**20, "999 MiB"), (1023 * 2**20, "1.00 GiB"), (1.42 * 2**30, "1.42 GiB"),
        (412 * 2**30, "412 GiB"), (5 * 2**40, "5.00 TiB"),
    ],
)  # fmt: skip
def test_sizes(size_bytes, text):
    assert figures.size_text(size_bytes) == text


@given(st.integers(0, 2**49))
def test_sizes_and_rates_keep_to_their_columns(value):
    assert len(figures.size_text(value)) <= 8
    assert len(figures.rate_text(min(value, 2**39))) <= 7


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, ""), (0.0, ""), (0.4, ""), (900, "900B/s"), (4.2 * 2**20, "4.2M/s"), (150 * 2**20, "150M/s")],
)
def test_rates(rate, text):
    assert figures.rate_text(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0:00"), (41.9, "0:41"), (3599, "59:59"), (3600, "1h00m"), (86_399, "23h59m"),
     (86_400, "1d 0h"), (99 * 86_400, "99d 0h"), (1e9, ">99d")],
)  # fmt: skip
def test_spans_of_time_fit_six_cells(seconds, text):
    assert figures.span_text(seconds) == text
    assert len(text) <= 6


@pytest.mark.parametrize(
    ("seconds", "ago", "until"),
    [(5, "just now", "in <1 min"), (60, "1 min ago", "in 1 min"), (3599, "59 min ago", "in 59 min"),
     (7200, "2 h ago", "in 2 h"), (86_400 * 400, "400 d ago", "in 400 d")],
)  # fmt: skip
def test_moments_near_and_far_are_told_roughly(seconds, ago, until):
    assert present.ago_text(NOW - seconds, NOW) == ago
    assert present.until_text(NOW + seconds, NOW) == until
    assert len(ago) <= 10
    assert len(until) <= 9


def test_moments_that_are_unknown_or_past_are_told_so():
    assert present.ago_text(None, NOW) == present.until_text(None, NOW) == ""
    assert present.ago_text(NOW + 5, NOW) == "just now"
    assert present.until_text(NOW, NOW) == "ended"


def test_moments_are_shown_so_that_they_never_age():
    assert present.clock_text(NOW - 60, NOW) == "14:59"
    assert present.clock_text(NOW - 60, NOW, seconds=True) == "14:59:00"
    assert present.clock_text(NOW - 86_400, NOW) == "03 May"
    assert present.clock_text(NOW - 400 * 86_400, NOW) == "Mar'25"
    assert present.clock_text(None, NOW) == ""


@pytest.mark.parametrize(("share", "full"), [(0, 0), (0.5, 5), (0.999, 9), (1, 10), (None, 0), (7.0, 10)])
def test_a_bar_is_full_only_when_all_is_there(share, full):
    line = present.bar(share, 10)
    assert text_of(line) == present.BAR_FULL * full + present.BAR_REST * (10 - full)


def test_a_percentage_is_a_hundred_only_when_all_is_there():
    assert figures.percent_text(0.9999) == "99%"
    assert figures.percent_text(1.0) == "100%"


def test_a_sparkline_scales_to_its_peak():
    assert present.sparkline([0, 1, 50, 100]) == " ▁▅█"
    assert present.sparkline([0, 0]) == "  "
    assert present.sparkline([]) == ""


def test_ascii_replaces_everything_that_is_drawn_cell_by_cell():
    job = FakeEngine().add(status=JobStatus.RUNNING, title="x" * 99, size_bytes=10, bytes_done=5, rate=1000.0)
    shown = text_of(row(job, columns_for(100), NOW, is_cursor=True)) + present.sparkline(range(9))
    assert shown.translate(present.TO_ASCII).isascii()
    assert len(shown.translate(present.TO_ASCII)) == len(shown)


def test_a_failure_is_told_in_the_words_of_its_class_or_its_code_where_room_is_short():
    job = FakeEngine().add(status=JobStatus.FAILED, error_type="NOT_FOUND")
    assert present.note_of(job, NOW)[0] == ERRORS["NOT_FOUND"].summary
    assert present.note_of(job, NOW, 12)[0] == "not found"


def test_what_waits_says_until_when_and_for_what():
    engine = FakeEngine()

    def note(waiting_for, **facts):
        job = engine.add(status=JobStatus.PENDING, waiting_for=waiting_for, attempt=2, **facts)
        return present.note_of(job, NOW)[0]

    assert (
        note(WAITING_RETRY, not_before=NOW + 60, error_type="TIMEOUT") == "try 3 at 15:01: It took too long"
    )
    assert note("auth:main") == "waits for main"
    assert note(WAITING_DISK) == "waits for disk space"
    assert note("source:vimeo", not_before=NOW + 60) == "vimeo rests until 15:01"
    assert note("job:7") == "job 7 does the same"
    assert note("network") == "waits for the internet"
    assert note("quiet_hours", not_before=NOW + 60) == "quiet hours until 15:01"
    assert note(None) == ""


def test_a_job_without_a_title_is_known_by_its_link():
    assert title_of(FakeEngine().add("https://www.example.org/a")) == "example.org/a"


@pytest.mark.parametrize("width", range(40, 220, 7))
def test_heads_stand_over_their_columns(width):
    columns = columns_for(width)
    heads = text_of(column_heads(columns, "title", is_reversed=True))
    assert cell_width(heads) == width
    assert "TITLE" + present.UP in heads
    job = FakeEngine().add(title="TITLE-HERE", status=JobStatus.QUEUED)
    shown = text_of(row(job, columns, NOW))
    assert shown.index("TITLE-H") == heads.index("TITLE")
