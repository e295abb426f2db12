"""A job, its states and the moves between them. Owns no clock and no database."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit


class JobStatus(StrEnum):
    """Where a job stands. `core.store` moves it, by one function, along TRANSITIONS only."""

    PENDING = "PENDING"
    """Accepted; waits for `not_before` or for what `waiting_for` names. The scheduler moves it on."""
    QUEUED = "QUEUED"
    """Ready to run; waits for a free slot. The scheduler claims it."""
    RUNNING = "RUNNING"
    """Claimed by a runner, which carries the attempt number in every write."""
    PAUSED = "PAUSED"
    """Held by a person, until a person resumes it."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Nothing happens any more unless somebody asks."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


_S = JobStatus
#: The legal moves. FAILED and CANCELLED go back to PENDING only by an explicit retry.
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.QUEUED, _S.PAUSED, _S.CANCELLED, _S.FAILED}),
        _S.QUEUED: frozenset({_S.RUNNING, _S.PAUSED, _S.CANCELLED, _S.FAILED, _S.PENDING}),
        _S.RUNNING: frozenset({_S.COMPLETED, _S.FAILED, _S.PENDING, _S.PAUSED, _S.CANCELLED}),
        _S.PAUSED: frozenset({_S.PENDING, _S.CANCELLED}),
        _S.FAILED: frozenset({_S.PENDING}),
        _S.CANCELLED: frozenset({_S.PENDING}),
        _S.COMPLETED: frozenset(),
    }
)


class Stage(StrEnum):
    """What a RUNNING job is doing. Each finished stage is a checkpoint."""

    RESOLVE = "RESOLVE"
    CHECK = "CHECK"
    DOWNLOAD = "DOWNLOAD"
    POSTPROCESS = "POSTPROCESS"
    VALIDATE = "VALIDATE"
    ARCHIVE = "ARCHIVE"


class Kind(StrEnum):
    """What the requester wants to have."""

    AUTO = "auto"
    """As the source offers it."""
    VIDEO = "video"
    AUDIO = "audio"


class Control(StrEnum):
    """What a person asked of a RUNNING job; its runner acknowledges."""

    PAUSE = "pause"
    CANCEL = "cancel"


#: `waiting_for` of a PENDING job that waits for its back-off.
WAITING_RETRY = "retry"
#: … for disk space.
WAITING_DISK = "disk"
#: … for something live or scheduled to become available.
WAITING_LIVE = "live"
#: … for another job, which does the same; its id follows.
WAITING_JOB = "job:"
#: … for the end of the owner's quiet hours.
WAITING_QUIET = "quiet_hours"
#: … for this machine to reach the internet again.
WAITING_NETWORK = "network"


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """The message that asked, which the file answers."""

    #: Marked, as Telegram's clients show it.
    chat_id: int
    message_id: int
    #: The forum topic that it stands in; 1 is "General".
    topic_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asked for, before it is a job."""

    url: str
    kind: Kind = Kind.AUTO
    #: A quality name such as `best`, `720p`, `audio_192`.
    quality: str = "best"
    #: A format id of the source, when an exact one is wanted.
    format: str | None = None
    priority: int = 0
    #: Download again even if the same thing is running or done.
    force: bool = False
    #: Name of the auth profile to begin with.
    profile: str | None = None
    #: Name of the source to use instead of the one that matches.
    source: str | None = None
    #: What its source has told already: the media that the link leads to, as `platform:id`.
    media_id: str | None = None
    #: A folder that takes the archive's place for this job. Only people on this machine may set it.
    out_dir: str | None = None
    user_id: int | None = None
    chat_id: int | None = None
    #: The message that the file is to answer.
    reply: ReplyTo | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of `jobs`. Times are seconds since the epoch, UTC."""

    id: int
    url: str
    source_type: str
    kind: Kind
    quality: str
    format: str | None
    status: JobStatus
    stage: Stage | None
    #: Higher runs first.
    priority: int
    #: Lower runs first within a priority.
    position: float
    #: Rises with every claim; the fencing token of all runner writes.
    attempt: int
    #: Automatic retries used up since the last explicit start.
    retry_count: int
    #: At most one job that is not final has this key.
    job_key: str
    media_id: str | None
    url_hash: str
    auth_profile_id: int | None
    group_id: int | None
    title: str | None
    duration_s: float | None
    size_bytes: int | None
    bytes_done: int
    #: Bytes per second, as last seen.
    rate: float | None
    file_path: str | None
    sha256: str | None
    not_before: float | None
    waiting_for: str | None
    error_type: str | None
    #: Why it failed or waits. Without an error it is what a finished job lacks, as gaps in a recording.
    error_message: str | None
    error_hint: str | None
    user_id: int | None
    chat_id: int | None
    created: float
    updated: float
    started: float | None
    finished: float | None
    out_dir: str | None = None
    profile: str | None = None
    #: The source that the requester named, whatever the link looks like.
    forced_source: str | None = None
    #: What a person asked of this running job and the runner has not yet acknowledged.
    control: Control | None = None
    #: What the finished stages left for the next ones (JSON values only).
    checkpoint: Mapping[str, Any] = field(default_factory=dict)

    def evolve(self, **changes: Any) -> Job:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def host(self) -> str:
        """Whose link it is, as `host_of` says."""
        return host_of(self.url)

    @property
    def is_list(self) -> bool:
        """Whether it ended as a list: it has no file of its own, and never had one."""
        return self.status is JobStatus.COMPLETED and self.file_path is None and self.sha256 is None

    @property
    def progress(self) -> float | None:
        """Share done, 0 to 1, or None when the size is unknown."""
        if self.status is JobStatus.COMPLETED:
            return 1.0
        if not self.size_bytes:
            return None
        return min(1.0, self.bytes_done / self.size_bytes)

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end of the transfer at the present rate."""
        if self.status is not JobStatus.RUNNING or not self.rate or not self.size_bytes:
            return None
        return max(0.0, (self.size_bytes - self.bytes_done) / self.rate)

    def to_json(self) -> dict[str, Any]:
        """The shape that the API, `--json` and the event stream share."""
        shown = {name: getattr(self, name) for name in _JSON_COLUMNS}
        for name in TIME_COLUMNS:
            shown[name] = iso(shown[name])
        return shown | {"progress": self.progress, "eta_s": self.eta_s}


#: Columns that hold a time: seconds in Python and the store, ISO 8601 UTC in JSON.
TIME_COLUMNS = ("not_before", "created", "updated", "started", "finished")
_HIDDEN_COLUMNS = frozenset({"checkpoint"})
_JSON_COLUMNS = tuple(f.name for f in dataclasses.fields(Job) if f.name not in _HIDDEN_COLUMNS)


def host_of(url: str) -> str:
    """The host of a normalised link, with its port where that is not the usual one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def iso(epoch_s: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC with milliseconds, as JSON shows times."""
    if epoch_s is None:
        return None
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str | None) -> float | None:
    """The reverse of `iso`."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def job_from_json(data: Mapping[str, Any]) -> Job:
    """Rebuild a job from `Job.to_json` output; keys this version does not know are left out.

    Raises:
        KeyError: A column is missing.
        ValueError: A value is not of its kind.
    """
    values = {name: data[name] for name in _JSON_COLUMNS}
    for name in TIME_COLUMNS:
        values[name] = from_iso(values[name])
    values["status"] = JobStatus(values["status"])
    values["kind"] = Kind(values["kind"])
    values["stage"] = Stage(values["stage"]) if values["stage"] else None
    values["control"] = Control(values["control"]) if values["control"] else None
    return Job(**values)
