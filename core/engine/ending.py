"""How an attempt can end: the move, what is told, and what becomes of what was fetched."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.config.settings import Retries
from core.domain.errors import (
    InvalidRequest,
    JobError,
    ParserFailure,
    RequestError,
    RetryPolicy,
    StageTimeout,
    Unknown,
)
from core.domain.events import EventType
from core.domain.job import WAITING_DISK, WAITING_NETWORK, WAITING_QUIET, Job, JobStatus, iso
from core.engine import checkpoint as keys
from core.engine import recording
from core.engine.attempt import Attempt, EventWithData, failure
from core.engine.logins import LoginWanted
from core.engine.retry import Decision, decide
from core.engine.twins import taken_over


class Interruption(StrEnum):
    """Why a running attempt is cancelled from outside."""

    PAUSE = "pause"
    CANCEL = "cancel"
    STOP = "stop"
    """The engine stops: the job goes back into the queue."""
    DISK = "disk"
    """The disk is too full to go on."""
    QUIET = "quiet"
    """The owner's quiet hours have begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an attempt ends: the move, what is told, and what becomes of the fetched files."""

    to: JobStatus
    events: Sequence[EventWithData]
    facts: dict[str, Any]
    is_cleaned: bool = False


#: What a finished job has left behind.
_NO_TROUBLE: Mapping[str, Any] = {
    "checkpoint": {},
    **dict.fromkeys(("error_type", "error_message", "error_hint", "waiting_for", "not_before")),
}


def completed(attempt: Attempt, path: Path) -> End:
    """It is done: its file is at *path*."""
    info, digest = attempt.info, attempt.checkpoint[keys.DIGEST]
    seen = {"file_path": str(path), "size_bytes": info.size_bytes, "sha256": digest}
    return End(
        to=JobStatus.COMPLETED,
        events=[(EventType.ARCHIVED, seen), (EventType.JOB_COMPLETED, seen)],
        facts={
            "file_path": str(path),
            "size_bytes": info.size_bytes,
            "bytes_done": info.size_bytes,
            "sha256": digest,
            **_NO_TROUBLE,
            "error_message": attempt.checkpoint.get(keys.NOTE),
        },
        is_cleaned=True,
    )


def again(attempt: Attempt) -> End:
    """The job has another link now: back into the queue, where the limits of its source hold."""
    led = {"leads_to": urlsplit(attempt.job.url).hostname}
    return End(
        to=JobStatus.PENDING,
        events=[(EventType.METADATA_FETCH_FINISHED, led)],
        facts={"checkpoint": attempt.checkpoint, "forced_source": None},
        is_cleaned=True,
    )


def as_twin(attempt: Attempt, twin: Job) -> End:
    """It is done with the result of *twin*."""
    events, facts = taken_over(attempt, twin)
    return End(to=JobStatus.COMPLETED, events=events, facts={**_NO_TROUBLE, **facts}, is_cleaned=True)


def failed(attempt: Attempt, error: JobError, settings: Retries, *, is_offline: bool) -> End:
    """It failed: what its class asks for next, or the end."""
    job = attempt.job
    told: dict[str, Any] = {
        "error_type": error.code,
        "error_message": str(error),
        "error_hint": error.hint,
    }
    decision = decide(
        error,
        retry_count=job.retry_count,
        settings=settings,
        chance=random.random(),  # noqa: S311 -- jitter, not a secret
    )
    seen = failure(error)
    if is_offline and error.retry_policy is RetryPolicy.BACKOFF:
        # Nothing can be reached: that is no fault of the job's, and uses up none of its retries.
        decision = Decision(event=EventType.PARKED, waiting_for=WAITING_NETWORK)
    if decision.from_clean and recording.is_kept(attempt):
        decision = replace(decision, from_clean=False)
    if decision.is_final:
        events = [(decision.event, seen), (EventType.JOB_FAILED, seen | {"hint": error.hint})]
        return End(to=JobStatus.FAILED, events=events, facts=told | {"checkpoint": attempt.checkpoint})
    if isinstance(error, LoginWanted):
        # It says whose login is waited for, which the link alone may not have told.
        told["source_type"] = error.source
    facts = told | {
        "waiting_for": decision.waiting_for,
        "not_before": None if decision.wait_s is None else time.time() + decision.wait_s,
        "retry_count": job.retry_count + decision.counts,
        "checkpoint": {} if decision.from_clean else attempt.checkpoint,
    }
    events = [(decision.event, seen | {"waiting_for": decision.waiting_for, "wait_s": decision.wait_s})]
    return End(to=JobStatus.PENDING, events=events, facts=facts, is_cleaned=decision.from_clean)


def interrupted(reason: Interruption, until: float | None) -> End:
    """It was stopped from outside; *until* is when that ends, since the epoch, where it is known."""
    match reason:
        case Interruption.PAUSE:
            return End(to=JobStatus.PAUSED, events=[], facts={})
        case Interruption.CANCEL:
            events: list[EventWithData] = [(EventType.JOB_CANCELLED, {})]
            return End(to=JobStatus.CANCELLED, events=events, facts={"checkpoint": {}}, is_cleaned=True)
        case Interruption.DISK:
            parked: list[EventWithData] = [(EventType.PARKED, {"waiting_for": WAITING_DISK})]
            return End(to=JobStatus.PENDING, events=parked, facts={"waiting_for": WAITING_DISK})
        case Interruption.QUIET:
            waits = {"waiting_for": WAITING_QUIET, "not_before": until}
            quiet: list[EventWithData] = [
                (EventType.PARKED, {"waiting_for": WAITING_QUIET, "until": iso(until)})
            ]
            return End(to=JobStatus.PENDING, events=quiet, facts=waits)
        case _:
            return End(to=JobStatus.PENDING, events=[], facts={})


def as_job_error(error: Exception, job: Job) -> JobError:
    """Every end of an attempt has one of the job classes."""
    match error:
        case JobError():
            return error
        case ExceptionGroup():
            return as_job_error(error.exceptions[0], job)
        case TimeoutError():
            return StageTimeout(f"in stage {job.stage.value}" if job.stage else "")
        case InvalidRequest():
            return ParserFailure(f"an address that the source gave cannot be used: {error.detail}")
        case RequestError():
            return Unknown(str(error), hint=error.hint)
        case _:
            return Unknown(type(error).__name__)
