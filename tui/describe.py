"""A job in full, as text: facts, stages, attempts, timeline. Pure; remote text passes `for_terminal`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.domain.errors import ERRORS
from core.domain.events import Event, EventType
from core.domain.figures import percent_text, rate_text, size_text, span_text
from core.domain.job import Job, JobStatus, Kind, Stage
from core.domain.text import for_terminal
from core.domain.wording import event_words, title_of
from tui.history import bars
from tui.paragraphs import Fact, blank, fact_lines, heading, paragraph, wrap
from tui.present import (
    ARROW,
    LATER,
    NOW,
    RULE,
    SEPARATOR,
    SPARKS,
    TICK,
    Line,
    Span,
    bar,
    clip,
    clock_text,
    fit,
    join_sides,
    note_of,
    pad,
    sparkline,
    state_of,
    width_of,
)
from tui.timeline import attempts_of, stages_of

#: Lines that an event may take.
EVENT_LINES = 3
#: A page so high has a graph of so many rows.
TALL, GRAPH_ROWS = 30, 4
#: More are not looked at on a screen that is painted four times a second.
MAX_EVENTS = 200
MAX_ATTEMPTS = 20
STAGE_NAMES = {
    Stage.RESOLVE: "resolve",
    Stage.CHECK: "check",
    Stage.DOWNLOAD: "fetch",
    Stage.POSTPROCESS: "finish",
    Stage.VALIDATE: "verify",
    Stage.ARCHIVE: "archive",
}
_STAGE_LOOKS = {
    "done": (TICK, "good"),
    "running": (NOW, "state.run"),
    "waiting": (LATER, "faint"),
    "failed": ("!", "bad"),
    "paused": ("=", "state.pause"),
}


def detail(
    job: Job,
    events: Sequence[Event],
    speeds: Sequence[float],
    now: float,
    width: int,
    *,
    height: int = 0,
    held: str = "",
    sent: Callable[[int], Sequence[Line]] = lambda _: (),
) -> list[Line]:
    """Everything about a job in lines of *width* cells; in two columns, *height* long, if there is room.

    *held* says why it does not start although it could, *sent* in lines of a width who gets its file.
    """
    if width < 110:
        lines = [*_facts(job, now, width, held), *sent(width), *_course(job, events, speeds, now, width)]
        return lines + _timeline(events, now, width)
    left_width = (width - 3) // 2
    right_width = width - 3 - left_width
    left = [*_facts(job, now, left_width, held), *sent(left_width)]
    left += _course(job, events, speeds, now, left_width, rows=GRAPH_ROWS if height >= TALL else 1)
    right = _timeline(events, now, right_width)[1:]
    rows = max(len(left), len(right), height)
    blank_left, blank_right = pad((), left_width), pad((), right_width)
    left += [blank_left] * (rows - len(left))
    right += [blank_right] * (rows - len(right))
    return [(*a, (" │ ", "rule"), *b) for a, b in zip(left, right, strict=True)]


def _facts(job: Job, now: float, width: int, held: str) -> list[Line]:
    word, style = state_of(job)
    lines = [
        join_sides(((f" {word}", style),), ((f"{job.id} ", "dim"),), width),
        *(pad(((f" {text}", "strong"),), width) for text in wrap(title_of(job), width - 2)[:3]),
        blank(width),
    ]
    asked = job.kind.value if job.kind is not Kind.AUTO else "as offered"
    asked += f" {SEPARATOR} {job.quality}" + (f" {SEPARATOR} format {job.format}" if job.format else "")
    who = f" {SEPARATOR} Telegram chat {job.chat_id}" if job.chat_id else ""
    login = f" {SEPARATOR} login {job.profile}" if job.profile else ""
    playlist = f" {SEPARATOR} playlist {job.group_id}" if job.group_id is not None else ""
    facts = [
        ("link", job.url, 3),
        ("source", job.source_type + login + playlist, 1),
        ("asked", asked + (f" {SEPARATOR} priority {job.priority:+}" if job.priority else ""), 1),
        ("added", clock_text(job.created, now, seconds=True) + who, 1),
        ("size", _amount(job), 1),
        ("length", span_text(job.duration_s), 1),
        ("ended", clock_text(job.finished, now, seconds=True), 1),
        ("file", job.file_path or "", 4),
        ("sha256", job.sha256 or "", 2),
    ]
    lines += fact_lines(facts, width)
    notes = [note_of(job, now)[0] if job.status is JobStatus.PENDING else "", held]
    for note in filter(None, notes):
        lines += [blank(width), *paragraph(note, "warn", width)]
    if job.error_message and not job.error_type:
        lines += [blank(width), *paragraph(job.error_message, "warn", width)]
    if job.error_type and job.status is not JobStatus.COMPLETED:
        lines += [blank(width), heading("PROBLEM", width)]
        lines += paragraph(job.error_message or job.error_type, "bad", width)
        hint = job.error_hint or (ERRORS[job.error_type].default_hint if job.error_type in ERRORS else "")
        lines += paragraph(hint, "text", width, first=f"{ARROW} ")
    return lines


def _course(
    job: Job, events: Sequence[Event], speeds: Sequence[float], now: float, width: int, *, rows: int = 1
) -> list[Line]:
    """Stages, a graph of the speed so many rows high, formats, attempts."""
    lines = [blank(width), heading("STAGES", width)]
    for stage, word in stages_of(job, events).items():
        sign, style = _STAGE_LOOKS[word]
        spans: list[Span] = [
            (f" {sign} ", style),
            (f"{STAGE_NAMES[stage]:<9}", "text"),
            (f"{word:<8} ", style),
        ]
        if stage is Stage.DOWNLOAD and word in {"running", "paused"} and job.progress is not None:
            cells = max(4, min(30, width - 28))
            spans += bar(job.progress, cells, "bar.full" if word == "running" else "bar.held")
            spans.append((f" {percent_text(job.progress)}", "text"))
        lines.append(pad(tuple(spans), width))
    if any(speeds):
        peak = f"  peak {rate_text(max(speeds))}"
        lines += [blank(width), pad(((" SPEED, LAST MINUTE", "head"), (peak, "dim")), width)]
        graph = bars(speeds[-max(1, width - 2) :], rows)
        graph[-1] = graph[-1].replace(" ", SPARKS[0])
        lines += [pad(((f" {row}", "spark"),), width) for row in graph]
    if forms := list(_forms(events)):
        lines += [blank(width), heading("FORMATS", width), *fact_lines(forms, width)]
    tries = attempts_of(events)
    if tries:
        lines += [blank(width), heading("ATTEMPTS", width)]
    for attempt in tries[-MAX_ATTEMPTS:]:
        text, style = attempt.outcome
        begun = clock_text(attempt.started, now, seconds=True)
        start = f" {attempt.number}  {begun}  "
        for number, part in enumerate(wrap(text, max(8, width - len(start) - 1))[:EVENT_LINES]):
            lines.append(pad(((start if not number else " " * len(start), "dim"), (part, style)), width))
    return lines


def _forms(events: Sequence[Event]) -> Iterator[Fact]:
    """What was chosen to be fetched, and what is in the file that came of it."""
    last = {event.type: event.data for event in events}
    fetched = last.get(EventType.METADATA_FETCH_FINISHED, {}).get("formats")
    if isinstance(fetched, list) and fetched:
        yield "fetched", f" {SEPARATOR} ".join(map(str, fetched)), 2
    result = last.get(EventType.OUTPUT_VALIDATED, {})
    streams = result.get("streams")
    if isinstance(streams, list):
        yield "result", f" {SEPARATOR} ".join(map(str, (result.get("container") or "?", *streams))), 3


def _timeline(events: Sequence[Event], now: float, width: int) -> list[Line]:
    if not events:
        return []
    lines = [blank(width), heading("EVENTS, NEWEST FIRST", width)]
    for event in reversed(events[-MAX_EVENTS:]):
        words, style = event_words(event)
        begun = f" {clock_text(event.created, now, seconds=True)}  "
        for number, text in enumerate(wrap(words, max(8, width - len(begun) - 1))[:EVENT_LINES]):
            start = begun if not number else " " * len(begun)
            lines.append(pad(((start, "dim"), (text, style)), width))
    if len(events) > MAX_EVENTS:
        earlier = f" … and {len(events) - MAX_EVENTS} earlier: reeldeck job {events[0].job_id}"
        lines.append(pad(((earlier, "dim"),), width))
    return lines


def strip(
    job: Job,
    events: Sequence[Event],
    speeds: Sequence[float],
    now: float,
    width: int,
    *,
    held: str = "",
    sent: Span = ("", "text"),
    opener: str = "Enter",
) -> list[Line]:
    """A job in five lines, for terminals without room for more; *held* as in `detail`, *sent* in a phrase.

    *opener* is the key that opens all about it.
    """
    rule: Line = (
        (RULE * 2, "rule"),
        (f" {job.id} ", "dim"),
        (f"{fit(title_of(job), width)}".rstrip(), "strong"),
        (" ", "rule"),
    )
    end: Line = ((RULE, "rule"), (f" {opener} ", "key"), ("all about it ", "label"), (RULE, "rule"))
    top = clip(rule, width - width_of(end) - 1)
    top = (*top, (RULE * (width - width_of(top) - width_of(end)), "rule"), *end)
    stages: list[Span] = [(" ", "text")]
    for stage, word in stages_of(job, events).items():
        sign, style = _STAGE_LOOKS[word]
        stages += [(f"{sign} ", style), (f"{STAGE_NAMES[stage]}  ", "dim" if word == "waiting" else "text")]
    amount = _amount(job)
    if job.error_type and job.status is not JobStatus.COMPLETED:
        hint = job.error_hint or (ERRORS[job.error_type].default_hint if job.error_type in ERRORS else "")
        third: Line = ((f" {for_terminal(job.error_message or job.error_type)}", "bad"),)
        fourth: Line = ((f" {ARROW} {for_terminal(hint)}", "text"),)
    else:
        eta = span_text(job.eta_s)
        parts = [
            amount,
            rate_text(job.rate) if job.status is JobStatus.RUNNING else "",
            f"{eta} left" if eta else "",
        ]
        shown = f" {SEPARATOR} ".join(part for part in parts if part) or note_of(job, now)[0]
        third = (
            (f" {for_terminal(held or shown.strip())}", "warn" if held else "text"),
            ("   ", "text"),
            sent if job.status is JobStatus.COMPLETED else (sparkline(speeds[-24:]), "spark"),
        )
        fourth = ((f" {for_terminal(job.file_path or job.url)}", "dim"),)
    last: Line = ()
    if events:
        words, style = event_words(events[-1])
        begun = clock_text(events[-1].created, now, seconds=True)
        last = ((f" {begun}  ", "dim"), (for_terminal(words), style))
    return [top, *(pad(line, width) for line in (tuple(stages), third, fourth, last))]


def _amount(job: Job) -> str:
    if job.status is JobStatus.COMPLETED or not job.bytes_done or job.bytes_done == job.size_bytes:
        return size_text(job.size_bytes) if job.size_bytes else ""
    done = size_text(job.bytes_done)
    return f"{done} of {size_text(job.size_bytes)}" if job.size_bytes else done
