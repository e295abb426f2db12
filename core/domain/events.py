"""What can happen to a job, by names that are part of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.job import from_iso, iso


class EventType(StrEnum):
    """Names of events: rows of `job_events`, log lines and stream frames alike."""

    JOB_CREATED = "JOB_CREATED"
    JOB_JOINED = "JOB_JOINED"
    STATUS_CHANGED = "STATUS_CHANGED"
    WORKER_ASSIGNED = "WORKER_ASSIGNED"
    METADATA_FETCH_STARTED = "METADATA_FETCH_STARTED"
    METADATA_FETCH_FINISHED = "METADATA_FETCH_FINISHED"
    METADATA_FETCH_FAILED = "METADATA_FETCH_FAILED"
    CAPABILITY_CHECKED = "CAPABILITY_CHECKED"
    DOWNLOAD_STARTED = "DOWNLOAD_STARTED"
    DOWNLOAD_RESUMED = "DOWNLOAD_RESUMED"
    DOWNLOAD_FINISHED = "DOWNLOAD_FINISHED"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    POSTPROCESS_STARTED = "POSTPROCESS_STARTED"
    POSTPROCESS_FINISHED = "POSTPROCESS_FINISHED"
    POSTPROCESS_FAILED = "POSTPROCESS_FAILED"
    OUTPUT_VALIDATED = "OUTPUT_VALIDATED"
    ARCHIVED = "ARCHIVED"
    FILE_REMOVED = "FILE_REMOVED"
    TELEGRAM_SEND_STARTED = "TELEGRAM_SEND_STARTED"
    TELEGRAM_SEND_FINISHED = "TELEGRAM_SEND_FINISHED"
    TELEGRAM_SEND_FAILED = "TELEGRAM_SEND_FAILED"
    RETRY_SCHEDULED = "RETRY_SCHEDULED"
    RETRY_SKIPPED = "RETRY_SKIPPED"
    MAX_RETRIES_REACHED = "MAX_RETRIES_REACHED"
    PARKED = "PARKED"
    UNPARKED = "UNPARKED"
    JOB_RECOVERED = "JOB_RECOVERED"
    STALE_JOB_MARKED_FAILED = "STALE_JOB_MARKED_FAILED"
    PROFILE_FALLBACK = "PROFILE_FALLBACK"
    FLOOD_WAIT = "FLOOD_WAIT"
    DISK_LOW = "DISK_LOW"
    JOB_COMPLETED = "JOB_COMPLETED"
    JOB_FAILED = "JOB_FAILED"
    JOB_CANCELLED = "JOB_CANCELLED"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; stored before anybody hears of it."""

    #: Rises over all jobs, without gaps that matter: a stream is replayed from any of them.
    seq: int
    #: None for what concerns no single job (DISK_LOW).
    job_id: int | None
    type: EventType
    #: JSON values, named as in the lines of the log.
    data: Mapping[str, Any]
    #: Seconds since the epoch, UTC.
    created: float

    def to_json(self) -> dict[str, Any]:
        """The shape that the API and the stream share."""
        return {
            "seq": self.seq,
            "job_id": self.job_id,
            "type": self.type.value,
            "data": dict(self.data),
            "created": iso(self.created),
        }


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Rebuild an event from `Event.to_json` output."""
    created = from_iso(data["created"])
    assert created is not None
    return Event(data["seq"], data["job_id"], EventType(data["type"]), data["data"], created)
