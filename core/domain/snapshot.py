"""What faces see: pages, frames of the live stream, the engine's state at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Generic, Self, TypeVar

from core.domain.events import Event
from core.domain.job import Job, JobStatus, Kind
from core.domain.media import FormatInfo, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list; `next` is the cursor of the following part, None at the end."""

    items: Sequence[T]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Which jobs to list, newest first."""

    statuses: frozenset[JobStatus] = frozenset()
    source: str | None = None
    #: Words that title or URL contain.
    text: str | None = None
    chat_id: int | None = None
    group_id: int | None = None
    limit: int = 100
    #: `Page.next` of the page before.
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a request: its job, and whether that job was there before."""

    job: Job
    joined: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of the live stream.

    `jobs` holds each changed job once, newest state; `events` what was stored since the frame before.
    `counts` and `speed_bps` describe the whole engine at this instant.
    """

    events: Sequence[Event] = ()
    jobs: Sequence[Job] = ()
    counts: Mapping[JobStatus, int] = field(default_factory=dict)
    #: Bytes per second of all transfers together.
    speed_bps: float = 0.0
    #: Ids of jobs whose record was deleted.
    deleted: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataPreview:
    """What a link leads to, before it is downloaded (`GET /metadata`)."""

    url: str
    source: str
    title: str | None
    kind: Kind
    duration_s: float | None
    size_bytes: int | None
    #: The best first.
    formats: Sequence[FormatInfo] = ()
    #: How many items were found behind it, None when it is no list.
    entries: int | None = None
    #: How many of them would become jobs; the cap may leave some out.
    taken: int | None = None
    #: Titles of the first items.
    sample: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /metadata`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        formats = tuple(
            FormatInfo(**{**each, "role": Role(each["role"])}) for each in data.get("formats", ())
        )
        return cls(**{**known, "kind": Kind(data["kind"]), "formats": formats})
