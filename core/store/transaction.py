"""What the commands of one transaction have done so far, to be told once it is committed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus
from core.store.rows import EVENT, EventWithData, Row, placeholders, to_json


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction changed, told after it is safe on disk."""

    #: In the order of `seq`.
    events: tuple[Event, ...]
    #: Each changed job once, as it is now.
    jobs: tuple[Job, ...]
    #: Ids of deleted jobs.
    deleted: tuple[int, ...]
    #: Whether something may be sent that could not be sent before.
    is_due: bool = False


class Transaction:
    """The connection while a transaction is open.

    Commands write rows, and say what they changed with `changed`, `moved`, `event` and `deleted`. None of it
    is true before the commit; all of it is forgotten on a rollback. A transaction is run in the connection's
    thread: what is awaited here comes at once, and commands await nothing else.

    Attributes:
        last_seq: Number of the newest event.
        moves: By how much the number of jobs in each state changed.
        is_due: Whether a delivery became ready; commands set it.
        has_queued: Whether a job became QUEUED.
    """

    def __init__(self, connection: sqlite3.Connection, last_seq: int) -> None:
        self._connection = connection
        self.last_seq = last_seq
        self.moves: Counter[JobStatus] = Counter()
        self.is_due = False
        self.has_queued = False
        self._events: list[Event] = []
        self._unwritten: list[list[Any]] = []
        self._jobs: dict[int, Job] = {}
        self._deleted: list[int] = []
        self._touched: list[int] = []

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """All rows of a query, or of a statement with RETURNING."""
        return self._connection.execute(sql, values).fetchall()

    async def row(self, sql: str, *values: Any) -> Row | None:
        """The first row."""
        return next(iter(await self.rows(sql, *values)), None)

    async def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; returns the number of rows it wrote."""
        before = self._connection.total_changes
        self._connection.execute(sql, values).close()
        return self._connection.total_changes - before

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each of *rows*."""
        self._connection.executemany(sql, rows)

    def changed(self, job: Job) -> Job:
        """A job was written and is now *job*."""
        self._jobs[job.id] = job
        self._touched.append(job.id)
        return job

    def seen(self, job_id: int) -> Job | None:
        """The job as an earlier command of this transaction left it."""
        return self._jobs.get(job_id)

    def moved(self, job: Job, from_: JobStatus, events: Sequence[EventWithData], *, now: float) -> Job:
        """A job was written and is now *job*; it was *from_* before."""
        self.moves[from_] -= 1
        self.moves[job.status] += 1
        self.has_queued |= job.status is JobStatus.QUEUED
        self.event(job.id, EventType.STATUS_CHANGED, {"from": from_.value, "to": job.status.value}, now=now)
        self.events(job.id, events, now=now)
        return self.changed(job)

    def event(self, job_id: int | None, type_: EventType, data: Mapping[str, Any], *, now: float) -> None:
        """Something happened. It is written with the others at the end of the transaction."""
        self._unwritten.append([self.last_seq + 1, job_id, type_.value, to_json(data), now])
        self.last_seq += 1
        if job_id is not None:
            self._touched.append(job_id)
        self._events.append(Event(self.last_seq, job_id, type_, data, now))

    def events(self, job_id: int | None, events: Sequence[EventWithData], *, now: float) -> None:
        """Several things happened."""
        for type_, data in events:
            self.event(job_id, type_, data, now=now)

    def deleted(self, job_id: int, status: JobStatus) -> None:
        """A job in this state was deleted."""
        self.moves[status] -= 1
        self._jobs.pop(job_id, None)
        self._deleted.append(job_id)
        self._touched.append(job_id)

    async def flush(self) -> None:
        """Write the events that are not written yet."""
        if self._unwritten:
            await self.execute_many(
                f"INSERT INTO job_events ({EVENT}) VALUES ({placeholders(5)})",  # noqa: S608 -- constants
                self._unwritten,
            )
            self._unwritten = []

    async def keep_numbers(self) -> None:
        """Write the events, and remember the newest number: some of them are about to be deleted."""
        await self.flush()
        await self.execute("UPDATE engine SET event_floor = ? WHERE id = 1", self.last_seq)

    @property
    def mark(self) -> tuple[int, int]:
        """Grows with everything that a command does."""
        return self._connection.total_changes, len(self._touched)

    def jobs_since(self, mark: tuple[int, int]) -> list[int]:
        """Ids of the jobs that were changed, or that something happened to, since *mark*, each once."""
        return list(dict.fromkeys(self._touched[mark[1] :]))

    def outcome(self) -> Committed | None:
        """What is to be told, None when nothing is."""
        if not (self._events or self._jobs or self._deleted or self.is_due):
            return None
        return Committed(tuple(self._events), tuple(self._jobs.values()), tuple(self._deleted), self.is_due)
