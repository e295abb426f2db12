from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.log_lines import LEVELS, Entry, LogFilter, log_detail, log_heads, log_row, no_lines

WIDTHS = [20, 40, 79, 97, 140]


def entry(event: str = "DOWNLOAD_FAILED", level: str = "warning", **facts) -> Entry:
    return Entry.of(1, {"event": event, "level": level, "time": "2026-11-20T14:00:00Z", **facts})


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", HOSTILE)
def test_rows_and_details_are_safe_and_as_wide_as_they_must_be(width, text):
    hostile = entry(text, text, message=text, logger=text, exception=[text], **{text: text})
    for line in (log_row(hostile, width), log_heads(width), *log_detail(hostile, NOW, width)):
        assert cell_len(text_of(line)) == width
        assert_is_safe(text_of(line))


def test_a_row_tells_what_happened_to_which_job_and_the_message_first():
    shown = text_of(log_row(entry(job_id=7, stage="DOWNLOAD", logger="reeldeck", message="no route"), 97))
    assert "WARN       #7 DOWNLOAD_FAILED  message=no route stage=DOWNLOAD" in shown
    assert "logger" not in shown


def test_the_detail_tells_everything():
    shown = "\n".join(
        text_of(line) for line in log_detail(entry(logger="reeldeck", exception=["Trace", "  back"]), NOW, 60)
    )
    assert all(text in shown for text in ("WARNING", "logger reeldeck", "WHERE", "Trace", "back"))


@pytest.mark.parametrize(
    "fields", [{}, {"time": 5, "level": None, "event": ["x"], "job_id": "7", "exception": "x"}, {"time": "x"}]
)
def test_a_line_of_another_shape_is_shown_all_the_same(fields):
    odd = Entry.of(1, fields)
    assert odd.job_id is None
    assert odd.at is None
    assert cell_len(text_of(log_row(odd, 79))) == 79


@pytest.mark.parametrize("lowest", LEVELS)
def test_a_level_shows_itself_and_what_is_worse(lowest):
    shown = [level for level in LEVELS if LogFilter(level=lowest).matches(entry(level=level))]
    assert shown == list(LEVELS[LEVELS.index(lowest) :])
    assert LogFilter(level=lowest).matches(entry(level="critical"))


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("", True),
        ("failed", True),
        ("FAILED 503", True),
        ("failed 404", False),
        ("!404", True),
        ("!503", False),
        ("job:7", True),
        ("job:77", False),
        ("!job:7", False),
        ("!", True),
        ("job:", False),
    ],
)
def test_words_and_job_numbers_choose_lines(text, is_shown):
    assert LogFilter(text=text).matches(entry(job_id=7, status=503)) is is_shown


def test_an_empty_list_says_why():
    def told(**state) -> str:
        known = {"is_kept": True, "is_filtered": False, "problem": ""} | state
        return " ".join(text_of(line) for line in no_lines(**known))

    assert "json_file = true" in told(is_kept=False)
    assert "No line matches" in told(is_filtered=True)
    assert "Permission denied" in told(problem="Permission denied")
    assert "Nothing was written yet" in told()
