"""What jobs and events are called in front of people, on every face. Pure; remote text is not made safe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.errors import ERRORS
from core.domain.events import Event, EventType
from core.domain.figures import percent_text, rate_text, rough_text, size_text, span_text
from core.domain.job import (
    WAITING_DISK,
    WAITING_LIVE,
    WAITING_NETWORK,
    WAITING_QUIET,
    WAITING_RETRY,
    Control,
    Job,
    JobStatus,
    Stage,
)

_STAGE_WORDS = {
    None: "starting",
    Stage.RESOLVE: "resolving",
    Stage.CHECK: "checking",
    Stage.DOWNLOAD: "fetching",
    Stage.POSTPROCESS: "finishing",
    Stage.VALIDATE: "verifying",
    Stage.ARCHIVE: "archiving",
}
_CONTROL_WORDS = {Control.PAUSE: "pausing", Control.CANCEL: "stopping"}
_STATUS_WORDS = {
    JobStatus.QUEUED: "queued",
    JobStatus.PAUSED: "paused",
    JobStatus.COMPLETED: "done",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
_WAITING_WORDS = {
    WAITING_RETRY: "retrying",
    WAITING_DISK: "disk full",
    WAITING_LIVE: "not yet",
    WAITING_QUIET: "quiet",
    WAITING_NETWORK: "offline",
    "auth": "login",
    "source": "held",
}


def state_word(job: Job) -> str:
    """The word for where *job* stands, at most nine cells."""
    if job.status is JobStatus.RUNNING:
        return _CONTROL_WORDS[job.control] if job.control else _STAGE_WORDS[job.stage]
    if job.status is JobStatus.PENDING:
        return _WAITING_WORDS.get((job.waiting_for or "").partition(":")[0], "waiting")
    return _STATUS_WORDS[job.status]


def standing_facts(job: Job, now: float, *, of_size: bool = False) -> list[str]:
    """How *job* stands, in a few words each: `fetching`, `45%`, `4.2M/s`, `2:10 left`; only what is known.

    Args:
        job: Whose facts.
        now: Seconds since the epoch.
        of_size: A share says of how much.
    """
    word = state_word(job)
    if job.status is JobStatus.RUNNING:
        share = percent_text(job.progress) if job.progress is not None else ""
        if share and of_size and job.size_bytes:
            share = f"{share} of {size_text(job.size_bytes)}"
        left = f"{span_text(job.eta_s)} left" if job.eta_s is not None else ""
        return [fact for fact in (word, share, rate_text(job.rate), left) if fact]
    if job.status is JobStatus.PENDING and job.not_before is not None and job.not_before > now:
        return [f"{word} in {rough_text(job.not_before - now)}"]
    if job.status is JobStatus.COMPLETED and job.size_bytes:
        return [word, size_text(job.size_bytes)]
    return [word]


def title_of(job: Job) -> str:
    """What people know *job* by: its title, else its link without the scheme. Not yet safe to print."""
    return job.title or job.url.split("://", 1)[-1].removeprefix("www.")


def problem_of(job: Job) -> str:
    """One line on what went wrong with *job*, in the words that stand for its error everywhere."""
    known = ERRORS.get(job.error_type or "")
    return known.summary if known else (job.error_message or job.error_type or "")


#: What events are called when they carry nothing that says more.
_PLAIN_WORDS: Mapping[EventType, tuple[str, str]] = {
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
    EventType.FILE_REMOVED: ("kept long enough: the file was deleted", "text"),
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


def event_words(event: Event) -> tuple[str, str]:  # noqa: C901, PLR0911 -- one for each kind of event
    """What an event says to people, and its tone: good, warn, bad, text, dim or faint."""
    data = event.data
    problem = _problem(data)
    wait_s = data.get("wait_s")
    soon = f" in {span_text(float(wait_s))}" if isinstance(wait_s, int | float) else ""
    match event.type:
        case EventType.STATUS_CHANGED:
            return f"{data.get('from', '')} → {data.get('to', '')}".lower(), "faint"
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
        case EventType.FLOOD_WAIT | EventType.TELEGRAM_SEND_FAILED if problem:
            again = f", tried again{soon}" if soon else ""
            return f"not sent{again}: {problem}", "warn" if soon else "bad"
        case _ if problem and event.type not in {EventType.RETRY_SKIPPED, EventType.MAX_RETRIES_REACHED}:
            return f"{event.type.value.replace('_', ' ').lower()}: {problem}", "bad"
    return _PLAIN_WORDS.get(event.type, (event.type.value.replace("_", " ").lower(), "text"))


def _problem(data: Mapping[str, Any]) -> str:
    known = ERRORS.get(str(data.get("error_type")))
    return str(data.get("message") or (known.summary if known else data.get("error_type") or ""))


def _size(value: Any) -> str:
    return size_text(value) if isinstance(value, int | float) else ""
