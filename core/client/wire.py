"""What travels between the API and its client, read back into the domain's values."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery
from core.domain.errors import JobError, LimitReached, ReeldeckError, Unknown, from_code
from core.domain.events import Event, EventType, event_from_json
from core.domain.history import DayFigures
from core.domain.job import Job, JobStatus, Request, iso, job_from_json
from core.domain.library import Copies, FacetCounts, Imported, LibraryEntry, LibraryPage, MediaItem
from core.domain.limit import RunningLimit
from core.domain.messenger import Chats, Collect, Collected
from core.domain.profile import Profile, profile_from_json
from core.domain.snapshot import Frame, MetadataPreview, Submitted
from core.domain.token import AuditEntry, Token, audit_entry_from_json, token_from_json

LibraryValue = TypeVar("LibraryValue", MediaItem, LibraryEntry, Copies, FacetCounts, Imported)
_REQUEST_DEFAULTS = Request(url="")
#: What is the path's, or the engine's own.
_NO_RULES = frozenset({"chat_id", "last_message_id"})
#: Events that are held back for their progress at most; a long replay passes in pieces.
MAX_HELD_EVENTS = 1_000


def request_body(request: Request) -> dict[str, Any]:
    """A request as `POST /jobs` takes it; what is as by default is left out."""
    return {
        field.name: getattr(request, field.name)
        for field in dataclasses.fields(Request)
        if getattr(request, field.name) != getattr(_REQUEST_DEFAULTS, field.name)
    }


def error_from(problem: Mapping[str, Any]) -> ReeldeckError:
    """The error that a problem document stands for."""
    error = from_code(str(problem.get("type")), str(problem.get("detail") or ""), hint=problem.get("hint"))
    if isinstance(error, JobError | LimitReached):
        error.retry_after_s = problem.get("retry_after_s")
    if isinstance(error, JobError):
        error.remote_status = problem.get("remote_status")
    return error


def document(content: bytes | str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        Unknown: It is none.
    """
    try:
        data = json.loads(content)
    except ValueError as error:
        raise foreign_version() from error
    if not isinstance(data, dict):
        raise foreign_version()
    return data


def answer(item: Mapping[str, Any]) -> Submitted | ReeldeckError:
    """One answer of a batch."""
    if "error" in item:
        return error_from(item["error"])
    return Submitted(job(item["job"]), joined=bool(item.get("joined")))


def job(data: Mapping[str, Any]) -> Job:
    """A job.

    Raises:
        Unknown: It has not the shape that this version knows.
    """
    try:
        return job_from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def events(items: list[Mapping[str, Any]]) -> list[Event]:
    """Events; kinds that a newer engine knows and this version does not are left out."""
    try:
        return [event_from_json(each) for each in items if each["type"] in EventType.__members__]
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def preview(data: Mapping[str, Any]) -> MetadataPreview:
    """What a link leads to."""
    try:
        return MetadataPreview.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def library_page(data: Mapping[str, Any]) -> LibraryPage:
    """Part of what a search found."""
    try:
        items = [MediaItem.from_json(each) for each in data["items"]]
        return LibraryPage(items, data["next"], data["meant"])
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def library_value(kind: type[LibraryValue], data: Mapping[str, Any]) -> LibraryValue:
    """An item of the library, all about one, or those that are the same."""
    try:
        return kind.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def profile(data: Mapping[str, Any]) -> Profile:
    """An auth profile."""
    try:
        return profile_from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def token(data: Mapping[str, Any]) -> Token:
    """A bearer token."""
    try:
        return token_from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def limit(data: Mapping[str, Any]) -> RunningLimit:
    """A limit that can be changed."""
    try:
        return RunningLimit.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def day_figures(data: Mapping[str, Any]) -> DayFigures:
    """What ended on a day."""
    try:
        return DayFigures.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def audit_entry(data: Mapping[str, Any]) -> AuditEntry:
    """Something that was changed from outside."""
    try:
        return audit_entry_from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def chat(data: Mapping[str, Any]) -> ChatRules:
    """The rules of a chat."""
    try:
        return ChatRules.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def chat_body(rules: ChatRules) -> dict[str, Any]:
    """Rules as `PUT /chats/{id}` takes them."""
    return {name: value for name, value in rules.to_json().items() if name not in _NO_RULES}


def chats(data: Mapping[str, Any]) -> Chats:
    """All rules, and what waits in each chat."""
    try:
        backlog = {int(chat_id): int(count) for chat_id, count in data["backlog"].items()}
        return Chats(rules=[chat(each) for each in data["items"]], backlog=backlog)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def delivery(data: Mapping[str, Any]) -> Delivery:
    """A file on its way to a chat."""
    try:
        return Delivery.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def collect_body(wanted: Collect) -> dict[str, Any]:
    """What is wanted of a chat as `POST /collect` takes it."""
    body = dataclasses.asdict(wanted) | {"types": sorted(wanted.types)}
    return body | {"since": iso(wanted.since), "until": iso(wanted.until)}


def collected(data: Mapping[str, Any]) -> Collected:
    """How a collection stands. Raises what ended it early."""
    if "error" in data:
        raise error_from(data["error"])
    try:
        return Collected.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error


def imported(data: Mapping[str, Any]) -> Imported:
    """How an import stands. Raises what ended it early."""
    if "error" in data:
        raise error_from(data["error"])
    return library_value(Imported, data)


def foreign_version() -> Unknown:
    """The answer is not of a shape that this version knows."""
    return Unknown(
        "the engine's answer cannot be read",
        hint="It may be another version's: restart it with `reeldeck stop` and `reeldeck serve`.",
    )


class FrameReader:
    """Puts frames together: events are held until the progress that belongs to them arrives."""

    def __init__(self) -> None:
        self._held: list[Event] = []

    def take(self, name: str, data: str) -> Frame | None:
        """Take one message of the stream; the frame that it completes, if it does."""
        if name == "progress":
            held, self._held = self._held, []
            return _frame(held, document(data))
        if data:
            self._held += events([document(data)])
        if len(self._held) < MAX_HELD_EVENTS:
            return None
        held, self._held = self._held, []
        return Frame(events=held)


def _frame(held: list[Event], data: Mapping[str, Any]) -> Frame:
    try:
        return Frame(
            events=held,
            jobs=[job(each) for each in data["jobs"]],
            counts={
                JobStatus(name): count
                for name, count in data["counts"].items()
                if name in JobStatus.__members__
            },
            speed_bps=data["speed_bps"] or 0.0,
            deleted=data["deleted"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise foreign_version() from error
