"""A job in full, as text: facts, stages, attempts, timeline. Pure; everything remote passes `for_terminal`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.errors import ERRORS
from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus, Kind, Stage
from core.domain.text import cell_width, for_terminal
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
    percent_text,
    rate_text,
    size_text,
    span_text,
    sparkline,
    state_of,
    title_of,
    width_of,
)

STAGE_NAMES = {
    Stage.RESOLVE: "resolve",
    Stage.CHECK: "check",
    Stage.DOWNLOAD: "fetch",
    Stage.POSTPROCESS: "finish",
    Stage.VALIDATE: "verify",
    Stage.ARCHIVE: "archive",
}
_STAGE_ENDS = {
    EventType.METADATA_FETCH_FINISHED: Stage.RESOLVE,
    EventType.CAPABILITY_CHECKED: Stage.CHECK,
    EventType.DOWNLOAD_FINISHED: Stage.DOWNLOAD,
    EventType.POSTPROCESS_FINISHED: Stage.POSTPROCESS,
    EventType.OUTPUT_VALIDATED: Stage.VALIDATE,
    EventType.ARCHIVED: Stage.ARCHIVE,
}
_ATTEMPT_ENDS = frozenset(
    {
        EventType.RETRY_SCHEDULED, EventType.PARKED, EventType.JOB_FAILED, EventType.JOB_CANCELLED,
        EventType.JOB_COMPLETED, EventType.JOB_RECOVERED,
    }
)  # fmt: skip
#: What events are called when they carry nothing that says more.
_PLAIN_WORDS: Mapping[EventType, Span] = {
    EventType.JOB_CREATED: ("added", "text"),
    EventType.JOB_JOINED: ("asked for again: joined this job", "text"),
    EventType.METADATA_FETCH_STARTED: ("looking at the link", "dim"),
    EventType.METADATA_FETCH_FINISHED: ("found what is behind the link", "text"),
    EventType.CAPABILITY_CHECKED: ("room and limits are fine", "dim"),
    EventType.DOWNLOAD_STARTED: ("fetching", "text"),
    EventType.DOWNLOAD_RESUMED: ("fetching goes on", "text"),
    EventType.DOWNLOAD_FINISHED: ("fetched", "text"),
    EventType.POSTPROCESS_STARTED: ("finishing the file", "dim"),
    EventType.POSTPROCESS_FINISHED: ("the file is made", "text"),
    EventType.OUTPUT_VALIDATED: ("the file is checked", "text"),
    EventType.ARCHIVED: ("filed in the archive", "text"),
    EventType.TELEGRAM_SEND_STARTED: ("sending to Telegram", "dim"),
    EventType.TELEGRAM_SEND_FINISHED: ("sent to Telegram", "good"),
    EventType.RETRY_SKIPPED: ("not tried again: it cannot heal by itself", "dim"),
    EventType.MAX_RETRIES_REACHED: ("all tries are used up", "dim"),
    EventType.UNPARKED: ("goes on", "text"),
    EventType.JOB_RECOVERED: ("taken up again after the engine stopped", "warn"),
    EventType.STALE_JOB_MARKED_FAILED: ("given up: the engine crashed on it too often", "bad"),
    EventType.PROFILE_FALLBACK: ("trying the next login", "warn"),
    EventType.FLOOD_WAIT: ("Telegram asks to wait", "warn"),
    EventType.DISK_LOW: ("the disk is almost full: jobs wait", "bad"),
    EventType.JOB_COMPLETED: ("done", "good"),
    EventType.JOB_CANCELLED: ("cancelled", "warn"),
}


#: Lines that an event may take.
EVENT_LINES = 3


def event_words(event: Event) -> Span:
    """What an event says to people, and its style. Remote text in it is not yet safe to print."""
    data = event.data
    problem = _problem(data)
    wait_s = data.get("wait_s")
    soon = f" in {span_text(float(wait_s))}" if isinstance(wait_s, int | float) else ""
    match event.type:
        case EventType.STATUS_CHANGED:
            return f"{data.get('from', '')} {ARROW} {data.get('to', '')}".lower(), "faint"
        case EventType.WORKER_ASSIGNED:
            return f"attempt {data.get('attempt', '')} begins", "text"
        case EventType.RETRY_SCHEDULED:
            return f"tried again{soon}: {problem}".rstrip(": "), "warn"
        case EventType.PARKED:
            return f"waits for {str(data.get('waiting_for') or 'later').replace(':', ' ')}{soon}", "warn"
        case EventType.DOWNLOAD_RESUMED if "bytes_on_disk" in data:
            return f"fetching goes on at {_size(data['bytes_on_disk'])}", "text"
        case EventType.DOWNLOAD_FINISHED | EventType.ARCHIVED if data.get("size_bytes"):
            return f"{_PLAIN_WORDS[event.type][0]}: {_size(data['size_bytes'])}", "text"
        case EventType.METADATA_FETCH_FINISHED if data.get("entries"):
            return f"found {data['entries']} items", "text"
        case EventType.JOB_FAILED:
            return f"failed: {problem}".rstrip(": "), "bad"
        case _ if problem and event.type not in {EventType.RETRY_SKIPPED, EventType.MAX_RETRIES_REACHED}:
            return f"{event.type.value.replace('_', ' ').lower()}: {problem}", "bad"
    return _PLAIN_WORDS.get(event.type, (event.type.value.replace("_", " ").lower(), "text"))


def _problem(data: Mapping[str, Any]) -> str:
    known = ERRORS.get(str(data.get("error_type")))
    return str(data.get("message") or (known.summary if known else data.get("error_type") or ""))


def _size(value: Any) -> str:
    return size_text(value) if isinstance(value, int | float) else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a job, as its events tell."""

    number: int
    started: float
    outcome: Span


def attempts_of(events: Sequence[Event]) -> list[Attempt]:
    """The tries so far, oldest first; the last one may be running."""
    found: list[Attempt] = []
    for event in events:
        if event.type is EventType.WORKER_ASSIGNED:
            number = event.data.get("attempt")
            found.append(
                Attempt(number if isinstance(number, int) else len(found) + 1, event.created, ("running", "state.run"))
            )
        elif found and event.type in _ATTEMPT_ENDS:
            found[-1] = Attempt(found[-1].number, found[-1].started, event_words(event))
        elif found and event.type is EventType.STATUS_CHANGED and event.data.get("from") == JobStatus.RUNNING:
            found[-1] = Attempt(found[-1].number, found[-1].started, (f"{event.data.get('to', '')}".lower(), "text"))
    return found


def stages_of(job: Job, events: Sequence[Event]) -> dict[Stage, str]:
    """For each stage: done, running, waiting, failed or held."""
    finished = {_STAGE_ENDS[event.type] for event in events if event.type in _STAGE_ENDS}
    if job.status is JobStatus.COMPLETED:
        finished = set(Stage)
    order = list(Stage)
    if job.status is JobStatus.RUNNING and job.stage:
        # Events may not be loaded yet; a stage is reached only when all before it are done.
        before = order[: order.index(job.stage)]
        return {
            stage: "running" if stage is job.stage else "done" if stage in before else "waiting" for stage in order
        }
    stopped = next((stage for stage in order if stage not in finished), None)
    word = {JobStatus.FAILED: "failed", JobStatus.PAUSED: "paused"}.get(job.status, "waiting")
    return {stage: "done" if stage in finished else word if stage is stopped else "waiting" for stage in order}


_STAGE_LOOKS = {
    "done": (TICK, "good"),
    "running": (NOW, "state.run"),
    "waiting": (LATER, "faint"),
    "failed": ("!", "bad"),
    "paused": ("=", "state.pause"),
}


def wrap(text: str, cells: int) -> list[str]:
    """*text*, made safe, in lines of at most *cells* cells, broken at spaces where that is possible."""
    lines: list[str] = []
    line = ""
    for word in for_terminal(text).split(" "):
        joined = f"{line} {word}" if line else word
        if cell_width(joined) <= cells:
            line = joined
            continue
        if line:
            lines.append(line)
        while cell_width(word) > cells:
            head = _head(word, cells)
            lines.append(head)
            word = word[len(head) :]  # noqa: PLW2901 -- what is left of the word
        line = word
    return [*lines, line] if line or not lines else lines


def _head(word: str, cells: int) -> str:
    end, room = 0, max(cells, 2)
    for char in word:
        room -= cell_width(char)
        if room < 0:
            break
        end += 1
    return word[: max(end, 1)]


def detail(
    job: Job, events: Sequence[Event], speeds: Sequence[float], now: float, width: int, *, height: int = 0
) -> list[Line]:
    """Everything about a job in lines of exactly *width* cells; in two columns, *height* long, where there is room."""
    if width < 110:
        lines = [*_facts(job, now, width), *_course(job, events, speeds, now, width)]
        return lines + _timeline(events, now, width)
    left_width = (width - 3) // 2
    right_width = width - 3 - left_width
    left = [*_facts(job, now, left_width), *_course(job, events, speeds, now, left_width)]
    right = _timeline(events, now, right_width)[1:]
    rows = max(len(left), len(right), height)
    blank_left, blank_right = pad((), left_width), pad((), right_width)
    left += [blank_left] * (rows - len(left))
    right += [blank_right] * (rows - len(right))
    return [(*a, (" │ ", "rule"), *b) for a, b in zip(left, right, strict=True)]


def _facts(job: Job, now: float, width: int) -> list[Line]:
    word, style = state_of(job)
    heading = join_sides(((f" {word}", style),), ((f"{job.id} ", "dim"),), width)
    lines = [heading, *(pad(((f" {text}", "strong"),), width) for text in wrap(title_of(job), width - 2)[:3]), _blank(width)]
    asked = job.kind.value if job.kind is not Kind.AUTO else "as offered"
    asked += f" {SEPARATOR} {job.quality}" + (f" {SEPARATOR} format {job.format}" if job.format else "")
    who = f" {SEPARATOR} Telegram chat {job.chat_id}" if job.chat_id else ""
    facts: list[tuple[str, str, int]] = [
        ("link", job.url, 3),
        ("source", job.source_type + (f" {SEPARATOR} login {job.profile}" if job.profile else ""), 1),
        ("asked", asked + (f" {SEPARATOR} priority {job.priority:+}" if job.priority else ""), 1),
        ("added", clock_text(job.created, now, seconds=True) + who, 1),
        ("size", _amount(job), 1),
        ("length", span_text(job.duration_s), 1),
        ("ended", clock_text(job.finished, now, seconds=True), 1),
        ("file", job.file_path or "", 4),
        ("sha256", job.sha256 or "", 2),
    ]
    for name, value, most in facts:
        if not value:
            continue
        for number, text in enumerate(wrap(value, width - 10)[:most]):
            lines.append(pad(((f" {name if not number else '':<7} ", "dim"), (text, "text")), width))
    if job.status is JobStatus.PENDING:
        note = note_of(job, now)[0]
        lines += [_blank(width), *_paragraph(note, "warn", width)] if note else []
    if job.error_type and job.status is not JobStatus.COMPLETED:
        lines += [_blank(width), _heading("PROBLEM", width)]
        lines += _paragraph(job.error_message or job.error_type, "bad", width)
        hint = job.error_hint or (ERRORS[job.error_type].default_hint if job.error_type in ERRORS else "")
        lines += _paragraph(hint, "text", width, first=f"{ARROW} ")
    return lines


def _course(job: Job, events: Sequence[Event], speeds: Sequence[float], now: float, width: int) -> list[Line]:
    lines = [_blank(width), _heading("STAGES", width)]
    for stage, word in stages_of(job, events).items():
        sign, style = _STAGE_LOOKS[word]
        spans: list[Span] = [(f" {sign} ", style), (f"{STAGE_NAMES[stage]:<9}", "text"), (f"{word:<8} ", style)]
        if stage is Stage.DOWNLOAD and word in {"running", "paused"} and job.progress is not None:
            cells = max(4, min(30, width - 28))
            spans += bar(job.progress, cells, "bar.full" if word == "running" else "bar.held")
            spans.append((f" {percent_text(job.progress)}", "text"))
        lines.append(pad(tuple(spans), width))
    if any(speeds):
        peak = f"  peak {rate_text(max(speeds))}"
        lines += [_blank(width), pad(((" SPEED, LAST MINUTE", "head"), (peak, "dim")), width)]
        shown = sparkline(speeds[-max(1, width - 2) :]).replace(" ", SPARKS[0])
        lines.append(pad(((f" {shown}", "spark"),), width))
    tries = attempts_of(events)
    if tries:
        lines += [_blank(width), _heading("ATTEMPTS", width)]
    for attempt in tries:
        text, style = attempt.outcome
        begun = clock_text(attempt.started, now, seconds=True)
        start = f" {attempt.number}  {begun}  "
        for number, part in enumerate(wrap(text, max(8, width - len(start) - 1))[:EVENT_LINES]):
            lines.append(pad(((start if not number else " " * len(start), "dim"), (part, style)), width))
    return lines


def _timeline(events: Sequence[Event], now: float, width: int) -> list[Line]:
    if not events:
        return []
    lines = [_blank(width), _heading("EVENTS, NEWEST FIRST", width)]
    for event in reversed(events):
        words, style = event_words(event)
        begun = f" {clock_text(event.created, now, seconds=True)}  "
        for number, text in enumerate(wrap(words, max(8, width - len(begun) - 1))[:EVENT_LINES]):
            start = begun if not number else " " * len(begun)
            lines.append(pad(((start, "dim"), (text, style)), width))
    return lines


def strip(job: Job, events: Sequence[Event], speeds: Sequence[float], now: float, width: int) -> list[Line]:
    """A job in five lines, for terminals without room for more."""
    rule: Line = ((RULE * 2, "rule"), (f" {job.id} ", "dim"), (f"{fit(title_of(job), width)}".rstrip(), "strong"), (" ", "rule"))
    end: Line = ((RULE, "rule"), (" Enter ", "key"), ("all about it ", "label"), (RULE, "rule"))
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
        parts = [amount, rate_text(job.rate) if job.status is JobStatus.RUNNING else "", f"{eta} left" if eta else ""]
        shown = f" {SEPARATOR} ".join(part for part in parts if part) or note_of(job, now)[0]
        third = ((f" {for_terminal(shown.strip())}", "text"), ("   ", "text"), (sparkline(speeds[-24:]), "spark"))
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


def _paragraph(text: str, style: str, width: int, *, first: str = "") -> list[Line]:
    indent = " " * len(first)
    return [
        pad(((f" {indent if number else first}{line}", style),), width)
        for number, line in enumerate(wrap(text, width - 2 - len(first)))
    ]


def _heading(text: str, width: int) -> Line:
    return pad(((f" {text}", "head"),), width)


def _blank(width: int) -> Line:
    return ((" " * width, "text"),)
