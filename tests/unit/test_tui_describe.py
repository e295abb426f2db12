from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.errors import ERRORS, JobError
from core.domain.events import Event, EventType
from core.domain.job import JobStatus, Stage
from core.domain.wording import event_words
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, STATES, assert_is_safe, text_of
from tui.describe import detail, strip
from tui.paragraphs import wrap
from tui.timeline import attempts_of, stages_of

E = EventType


def happened(*events: tuple[EventType, dict]) -> list[Event]:
    return [Event(seq, 1, kind, data, NOW + seq) for seq, (kind, data) in enumerate(events, 1)]


def shown(lines) -> str:
    return "\n".join(text_of(line).rstrip() for line in lines)


@pytest.mark.parametrize("width", [30, 42, 60, 80, 109, 110, 140, 200])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_the_job_holds(width, text):
    engine = FakeEngine()
    nasty = {"message": text, "error_type": text, "attempt": text, "wait_s": text, "waiting_for": text,
             "size_bytes": text, "bytes_on_disk": text, "from": text, "to": text,
             "entries": text}  # fmt: skip
    events = happened(*((kind, nasty) for kind in EventType))
    for facts in STATES:
        more = {"title": text, "file_path": f"/a/{text}", "error_hint": text, "profile": text} | facts
        job = engine.add(f"https://example.org/{text}", **more)
        lines = detail(job, events, [1.0, 2.0], NOW, width, height=30)
        lines += strip(job, events, [1.0, 2.0], NOW, width)
        for line in lines:
            assert cell_len(text_of(line)) == width
            assert_is_safe(text_of(line))


def test_the_strip_has_five_lines():
    job = FakeEngine().add(status=JobStatus.RUNNING)
    assert len(strip(job, [], [], NOW, 80)) == 5


def test_every_event_has_words_of_its_own():
    words = {kind: event_words(Event(1, 1, kind, {}, NOW))[0] for kind in EventType}
    assert all(words.values())
    assert not [kind for kind, text in words.items() if text == kind.value.replace("_", " ").lower()
                and not kind.value.endswith("_FAILED")]  # fmt: skip


def test_a_failure_in_an_event_is_told_with_its_message():
    event = Event(
        1, 1, E.DOWNLOAD_FAILED, {"error_type": "TIMEOUT", "message": "It took too long: 30 s"}, NOW
    )
    assert event_words(event) == ("download failed: It took too long: 30 s", "bad")


def test_a_file_that_was_not_sent_says_whether_it_is_tried_again():
    facts = {"error_type": "FLOOD_WAIT", "message": "Telegram asks us to wait: 300 s"}
    event = Event(1, 1, E.FLOOD_WAIT, facts | {"wait_s": 300.0}, NOW)
    assert event_words(event) == ("not sent, tried again in 5:00: Telegram asks us to wait: 300 s", "warn")
    event = Event(1, 1, E.TELEGRAM_SEND_FAILED, {"error_type": "FORBIDDEN", "message": "Not allowed"}, NOW)
    assert event_words(event) == ("not sent: Not allowed", "bad")


def test_attempts_are_read_off_the_events_with_what_ended_each():
    events = happened(
        (E.JOB_CREATED, {}),
        (E.WORKER_ASSIGNED, {"attempt": 1}),
        (E.RETRY_SCHEDULED, {"error_type": "TIMEOUT", "wait_s": 60.0}),
        (E.WORKER_ASSIGNED, {"attempt": 2}),
        (E.STATUS_CHANGED, {"from": "RUNNING", "to": "PAUSED"}),
        (E.WORKER_ASSIGNED, {"attempt": 3}),
    )
    found = attempts_of(events)
    assert [(attempt.number, attempt.outcome[0]) for attempt in found] == [
        (1, "tried again in 1:00: It took too long"),
        (2, "paused"),
        (3, "running"),
    ]


def test_stages_before_the_present_one_are_done_even_without_events():
    job = FakeEngine().add(status=JobStatus.RUNNING, stage=Stage.DOWNLOAD)
    assert list(stages_of(job, []).values()) == ["done", "done", "running", "waiting", "waiting", "waiting"]


def test_a_failed_job_shows_the_stage_at_which_it_stopped():
    job = FakeEngine().add(status=JobStatus.FAILED)
    events = happened((E.METADATA_FETCH_FINISHED, {}), (E.CAPABILITY_CHECKED, {}))
    words = stages_of(job, events)
    assert words[Stage.CHECK] == "done"
    assert words[Stage.DOWNLOAD] == "failed"
    assert words[Stage.ARCHIVE] == "waiting"


def test_a_completed_job_has_all_stages_done():
    job = FakeEngine().add(status=JobStatus.COMPLETED)
    assert set(stages_of(job, []).values()) == {"done"}


def test_a_problem_stands_with_what_to_do_next():
    job = FakeEngine().add(status=JobStatus.FAILED, error_type="GEO_BLOCK", error_message="Not here: DE only")
    for lines in (detail(job, [], [], NOW, 100), strip(job, [], [], NOW, 100)):
        assert "Not here: DE only" in shown(lines)
        assert ERRORS["GEO_BLOCK"].default_hint in shown(lines)


def test_a_hint_of_the_job_itself_comes_before_that_of_its_class():
    job = FakeEngine().add(status=JobStatus.FAILED, error_type="GEO_BLOCK", error_hint="Ask Ann.")
    assert "Ask Ann." in shown(detail(job, [], [], NOW, 100))


def test_wide_pages_have_two_columns_and_the_height_asked_for():
    job = FakeEngine().add(title="Left")
    lines = detail(job, happened((E.JOB_CREATED, {})), [], NOW, 140, height=40)
    assert len(lines) == 40
    assert "EVENTS" in text_of(lines[0])
    assert all("│" in text_of(line) for line in lines)


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_lines_fit(text, cells):
    assert all(cell_len(line) <= cells for line in wrap(text, cells))


def test_wrapping_keeps_words_whole_where_it_can():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 4) == [""]


def test_a_very_long_timeline_is_shown_from_its_newest_end():
    job = FakeEngine().add()
    lines = detail(job, happened(*[(E.DOWNLOAD_RESUMED, {})] * 250), [], NOW, 80)
    assert len([line for line in lines if "goes on" in text_of(line)]) == 200
    assert "and 50 earlier: reeldeck job 1" in text_of(lines[-1])


@pytest.mark.parametrize("code", sorted(code for code, kind in ERRORS.items() if issubclass(kind, JobError)))
@pytest.mark.parametrize("width", [40, 78])
def test_every_job_error_is_shown_with_its_summary_and_hint(code: str, width: int) -> None:
    error = ERRORS[code]("detail")
    job = FakeEngine().add(
        status=JobStatus.FAILED, error_type=code, error_message=str(error), error_hint=error.hint
    )
    words = " ".join(shown(detail(job, [], [], NOW, width)).split())
    assert error.summary in words
    assert error.hint in words


def test_who_gets_the_file_stands_between_facts_and_stages_and_in_the_strip_of_what_is_done():
    job = FakeEngine().add(status=JobStatus.COMPLETED, size_bytes=2**20)
    text = shown(detail(job, [], [], NOW, 60, sent=lambda _: [(("SENT TO", "head"),)]))
    assert text.index("added") < text.index("SENT TO") < text.index("STAGES")
    assert "1.00 MiB   ✓ sent" in shown(strip(job, [], [], NOW, 80, sent=("✓ sent", "good")))
    running = FakeEngine().add(status=JobStatus.RUNNING)
    assert "sent" not in shown(strip(running, [], [], NOW, 80, sent=("✓ sent", "good")))


def test_a_job_tells_what_was_chosen_and_what_came_of_it():
    job = FakeEngine().add(status=JobStatus.COMPLETED)
    events = happened(
        (E.METADATA_FETCH_FINISHED, {"formats": ["video mp4 137", "audio m4a \x1b[31m140"]}),
        (E.OUTPUT_VALIDATED, {"container": "mov", "streams": ["h264 1920x1080 25 fps", "aac 2 channels"]}),
    )
    shown = "\n".join(map(text_of, detail(job, events, (), NOW, 100)))
    assert "FORMATS" in shown
    assert "fetched video mp4 137 · audio m4a" in shown
    assert "result  mov · h264 1920x1080 25 fps · aac 2 channels" in shown
    assert "\x1b" not in shown
    older = happened((E.METADATA_FETCH_FINISHED, {"formats": None}), (E.OUTPUT_VALIDATED, {"streams": 5}))
    assert "FORMATS" not in "\n".join(map(text_of, detail(job, older, (), NOW, 100)))


@pytest.mark.parametrize(("height", "rows"), [(24, 1), (40, 4)])
def test_a_tall_page_draws_a_tall_graph_of_the_speed(height, rows):
    job = FakeEngine().add(status=JobStatus.RUNNING)
    lines = [text_of(line) for line in detail(job, (), [0, 5e6, 1e6], NOW, 140, height=height)]
    start = next(number for number, line in enumerate(lines) if "LAST MINUTE" in line)
    graph = lines[start + 1 : start + 1 + rows]
    assert all("█" in line[:5] for line in graph)
    assert graph[-1][:4].strip() == "▁█" + ("▂" if rows == 1 else "▆")
    assert "█" not in lines[start + 1 + rows][:10]
