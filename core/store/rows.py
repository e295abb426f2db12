"""Between rows and the values of `core.domain`."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Any, Protocol, TypeVar

from core.domain.events import Event, EventType
from core.domain.job import Control, Job, JobStatus, Kind, Stage

T = TypeVar("T")

#: Rows of one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
CHUNK = 400
#: What an event is before the writer numbers it.
EventWithData = tuple[EventType, Mapping[str, Any]]

JOB_COLUMNS = tuple(field.name for field in dataclasses.fields(Job))
#: The columns of a job, as every SELECT and RETURNING of jobs lists them.
JOB = ", ".join(JOB_COLUMNS)
EVENT = "seq, job_id, type, data, created"

#: SQL lists of states. Spelled out, so that the conditions of partial indexes are recognised.
UNFINISHED = ", ".join(f"'{status.value}'" for status in JobStatus if not status.is_final)

#: Columns that only the store itself writes.
_OWN = frozenset(
    {"id", "status", "attempt", "job_key", "url", "url_hash", "created", "updated", "started", "finished"}
)
#: Columns that may be given as facts with a move or a record.
FACTS = frozenset(JOB_COLUMNS) - _OWN


class Row(Protocol):
    """What a driver gives back: values in order, and by name."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """What can be asked: the connection, or a transaction on it."""

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """All rows of a query."""
        ...


def job_of(row: Row) -> Job:
    """A row that was selected as `JOB`."""
    values = dict(zip(JOB_COLUMNS, row, strict=True))
    values["kind"] = Kind(values["kind"])
    values["status"] = JobStatus(values["status"])
    if values["stage"] is not None:
        values["stage"] = Stage(values["stage"])
    if values["control"] is not None:
        values["control"] = Control(values["control"])
    values["checkpoint"] = json.loads(values["checkpoint"])
    return Job(**values)


def event_of(row: Row) -> Event:
    """A row that was selected as `EVENT`."""
    return Event(row["seq"], row["job_id"], EventType(row["type"]), json.loads(row["data"]), row["created"])


def to_json(value: Any) -> str:
    """JSON text as it is stored; pure ASCII, so that no text is too broken to be kept."""
    return json.dumps(value, separators=(",", ":"))


def to_cells(facts: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """Facts as the database takes them.

    Raises:
        TypeError: A name is not a column that may be written this way.
    """
    if unknown := facts.keys() - allowed:
        raise TypeError(f"not facts of a job: {', '.join(sorted(unknown))}")
    return {name: to_cell(name, value) for name, value in facts.items()}


def to_cell(name: str, value: Any) -> Any:
    """One value as the database takes it."""
    if name == "checkpoint":
        return to_json(dict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and not value.isascii():
        # Remote JSON can hold half a surrogate pair, which is no text that UTF-8 can carry.
        return value.encode("utf-8", "replace").decode()
    return value


def chunked(items: Iterable[T]) -> Iterator[list[T]]:
    """As many at a time as one statement takes."""
    left = iter(items)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def placeholders(count: int) -> str:
    """`?, ?, …` for an IN list or a row of values."""
    return ", ".join(["?"] * count)
