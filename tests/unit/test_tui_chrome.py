from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.errors import EngineUnreachable
from core.domain.events import Event, EventType
from core.domain.job import JobStatus
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui import chrome
from tui.filter import parse_filter
from tui.situation import Situation, situation_of
from tui.state import JobIndex
from tui.sync import Connection, Link

LIVE, LOST = Connection(Link.LIVE), Connection(Link.LOST, EngineUnreachable(), NOW + 4, NOW - 60)
STATUS = {
    "engine": {"state": "running"},
    "disk": {"free_bytes": 412 * 2**30, "min_free_bytes": 2**30},
    "telegram": {"state": "online", "account": "Ann"},
    "cpu_percent": 3.2,
    "memory_bytes": 80 * 2**20,
}
WIDTHS = [40, 60, 80, 100, 120, 140, 200]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("connection", [Connection(), LIVE, LOST])
@pytest.mark.parametrize("word", ["running", "disk_low", *HOSTILE])
def test_the_header_fills_its_width(width, connection, word):
    status = STATUS | {"engine": {"state": word}, "telegram": {"state": word}}
    shown = text_of(chrome.header(connection, status, 5e6, [1.0] * 10, width, now=NOW))
    assert cell_len(shown) == width
    assert_is_safe(shown)


def test_the_header_tells_speed_and_free_disk_and_says_idle():
    assert "4.8M/s   412 GiB free" in text_of(chrome.header(LIVE, STATUS, 5e6, [1.0], 100, now=NOW))
    calls = {"auth": 1, "chats": 1}
    assert "4.8M/s  412G " in text_of(chrome.header(LIVE, STATUS, 5e6, [], 80, now=NOW, calls=calls))
    assert "● engine    4.8M/s  412G " in text_of(chrome.header(LIVE, STATUS, 5e6, [], 80, now=NOW))
    assert "idle" in text_of(chrome.header(LIVE, STATUS, 0.0, [0.0], 80, now=NOW))
    assert "engine lost" in text_of(chrome.header(LOST, STATUS, 5e6, [1.0], 80, now=NOW))


@pytest.mark.parametrize("page", ["jobs", "sources", "auth", "chats", "library", "log"])
def test_the_header_names_the_pages_and_marks_the_one_shown_and_those_that_call(page):
    line = chrome.header(LIVE, STATUS, 5e6, [1.0] * 10, 80, now=NOW, page=page, calls={"auth": 2})
    assert "1 Jobs  2 Sources  3 Auth !2  4 Chats  5 Library  6 Log" in text_of(line)
    assert [text.split()[-1].lower() for text, style in line if style == "tab.on"] == [page]
    assert "!" not in text_of(chrome.header(LIVE, STATUS, 5e6, [], 80, now=NOW, page=page, calls={"auth": 0}))


def test_a_narrow_header_keeps_the_keys_of_all_pages_and_the_name_of_one():
    line = chrome.header(LIVE, STATUS, 5e6, [], 50, now=NOW, page="chats")
    assert text_of(line).startswith(" 1  2  3  4 Chats  5  6  ●")


def test_what_is_amiss_is_named_however_narrow_it_is():
    status = STATUS | {"engine": {"state": "disk_low"}}
    assert "disk is low" in text_of(chrome.header(LIVE, status, 0.0, [], 60, now=NOW))


def test_keys_that_people_chose_are_shown_in_header_and_footer():
    keys = {"show_chats": ("F",), "pause": ("ctrl+x", "f5")}
    assert "F Chats" in text_of(chrome.header(LIVE, STATUS, 0.0, [], 140, now=NOW, keys=keys))
    assert "Ctrl+x Pause" in text_of(chrome.footer("jobs", Situation(), 140, keys))


def test_the_sparkline_takes_only_the_room_that_is_left():
    narrow, wide = (chrome.header(LIVE, STATUS, 5e6, [1.0] * 20, width, now=NOW) for width in (72, 200))
    assert text_of(wide).count("█") == 20
    assert text_of(narrow).count("█") < 10


def test_the_header_says_that_this_machine_is_offline():
    status = STATUS | {"network": {"is_away": True}}
    assert "○ no internet" in text_of(chrome.header(LIVE, status, 0.0, [], 80, now=NOW))


def test_the_header_says_that_nothing_new_is_taken():
    status = STATUS | {"limits": {"maintenance": True}}
    assert "● maintenance" in text_of(chrome.header(LIVE, status, 0.0, [], 80, now=NOW))


def test_a_disk_below_its_limit_is_marked():
    status = STATUS | {"disk": {"free_bytes": 5, "min_free_bytes": 10}}
    assert chrome.header(LIVE, status, 0.0, [], 100, now=NOW)[-1] == ("   5 B free ", "bad")


@pytest.mark.parametrize("width", WIDTHS)
def test_tabs_count_what_the_engine_counts(width):
    counts = {JobStatus.RUNNING: 7, JobStatus.QUEUED: 200, JobStatus.PENDING: 31, JobStatus.FAILED: 3}
    shown = text_of(chrome.tabs(JobIndex(), counts, has_older=True, width=width))
    assert cell_len(shown) == width
    if width >= 80:
        assert "All 241  Running 7  Waiting 231  Paused 0  Failed 3  Done 0" in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_the_footer_always_tells_how_to_leave_and_where_the_keys_are(width):
    shown = text_of(chrome.footer("jobs", Situation(), width))
    assert cell_len(shown) == width
    assert "? Keys" in shown
    assert "q Leave" in shown


def test_the_footer_dims_what_cannot_be_done_and_says_resume_where_that_is_meant():
    done = situation_of([FakeEngine().add(status=JobStatus.COMPLETED)])
    assert (" p", "key.off") in chrome.footer("jobs", done, 140)
    paused = situation_of([FakeEngine().add(status=JobStatus.PAUSED)])
    assert "p Resume" in text_of(chrome.footer("jobs", paused, 140))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_banner_counts_down(width):
    shown = text_of(chrome.banner(LOST, NOW, width))
    assert cell_len(shown) == width
    if width >= 80:
        assert "looking again in 4 s; shown as of 14:59" in shown


def test_a_dashboard_that_never_saw_an_engine_says_how_to_start_one():
    assert "reeldeck serve" in text_of(chrome.banner(Connection(Link.LOST, EngineUnreachable()), NOW, 100))


def empty(index: JobIndex, *, is_loaded: bool = True, is_lost: bool = False) -> str:
    return " ".join(text_of(line) for line in chrome.empty_list(index, is_loaded=is_loaded, is_lost=is_lost))


def test_an_empty_list_says_what_to_do_next():
    index = JobIndex()
    assert "Loading" in empty(index, is_loaded=False)
    assert "reeldeck serve" in empty(index, is_loaded=False, is_lost=True)
    assert "add a link" in empty(index)
    index.set_view("Failed")
    assert "Nothing is failed" in empty(index)
    index.set_filter(parse_filter("x"))
    assert "No job matches" in empty(index)


@pytest.mark.parametrize("title", HOSTILE)
def test_news_is_safe_and_fits(title):
    event = Event(1, 5, EventType.JOB_FAILED, {"message": title}, NOW)
    shown = text_of(chrome.news(event, title, NOW, 60))
    assert cell_len(shown) <= 60
    assert_is_safe(shown)
