"""What a job's events tell: each in words, the tries so far, and how far its stages got. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.errors import ERRORS
from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus, Stage
from tui.present import ARROW, Span, size_text, span_text

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


def event_words(event: Event) -> Span:  # noqa: PLR0911 -- one for each kind of event
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
            note = f". {data['note']}" if data.get("note") else ""
            words = f"{_PLAIN_WORDS[event.type][0]}: {_size(data['size_bytes'])}{note}"
            return words, "warn" if note else "text"
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
                Attempt(
                    number if isinstance(number, int) else len(found) + 1,
                    event.created,
                    ("running", "state.run"),
                )
            )
        elif found and event.type in _ATTEMPT_ENDS:
            found[-1] = Attempt(found[-1].number, found[-1].started, event_words(event))
        elif found and event.type is EventType.STATUS_CHANGED and event.data.get("from") == JobStatus.RUNNING:
            found[-1] = Attempt(
                found[-1].number, found[-1].started, (f"{event.data.get('to', '')}".lower(), "text")
            )
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
            stage: "running" if stage is job.stage else "done" if stage in before else "waiting"
            for stage in order
        }
    stopped = next((stage for stage in order if stage not in finished), None)
    word = {JobStatus.FAILED: "failed", JobStatus.PAUSED: "paused"}.get(job.status, "waiting")
    return {
        stage: "done" if stage in finished else word if stage is stopped else "waiting" for stage in order
    }
