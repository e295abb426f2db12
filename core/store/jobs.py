"""The jobs, as everybody above the store sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from core.domain.interface import QueueMove
from core.domain.job import Job, JobStatus
from core.domain.snapshot import JobQuery, Page, Submitted
from core.store import joining, moves, order, queries, recipients, submission, writes
from core.store.rows import FACTS, EventWithData, Reader, to_cells
from core.store.submission import NewJob
from core.store.writer import Writer

__all__ = ["Jobs", "NewJob"]

#: What people may change, whatever the job is doing.
_AMENDABLE = frozenset({"priority", "position", "title", "control", "not_before", "waiting_for"})
#: Jobs that one transaction moves at most.
_MOVES = 500


class Jobs:
    """Reads jobs, and changes them through the writer.

    Every write is on disk when its method returns. Times are seconds since the epoch. Besides what is
    listed, every method raises StoreFailure when the database cannot be used, and every write DiskFull when
    it cannot grow; both leave things as they were.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def submit(self, new: NewJob, *, now: float) -> Submitted:
        """Store a request as a QUEUED job, or join one.

        Joined is: the job of the same idempotency key, whatever became of it; else the unfinished job with
        the same `job_key`; else, unless `force`, the newest COMPLETED one.
        """
        return (await self.submit_many([new], now=now))[0]

    async def submit_many(self, news: Sequence[NewJob], *, now: float) -> Sequence[Submitted]:
        """`submit` for each, in one transaction; one answer for each, in order."""
        return await self._writer.run(partial(submission.submit, news=list(news), now=now))

    async def inherit_items(self, list_id: int, twin_id: int) -> None:
        """A job turned out to be the same list as another: it has its items."""
        await self._writer.run(partial(recipients.inherit, list_id=list_id, twin_id=twin_id))

    async def get(self, job_id: int) -> Job:
        """One job.

        Raises:
            NoSuchJob: There is none.
        """
        return await queries.get(self._reader, job_id)

    async def page(self, query: JobQuery) -> Page[Job]:
        """Jobs, newest id first. Pages stay true while jobs are added.

        Raises:
            InvalidRequest: `query.after` did not come from a page.
        """
        return await queries.page(self._reader, query)

    async def ids(self, statuses: frozenset[JobStatus], *, group_id: int | None = None) -> list[int]:
        """Ids of the jobs in these states, oldest first."""
        return await queries.ids(self._reader, statuses, group_id)

    async def keys(self, group_id: int) -> Mapping[str, int]:
        """Ids of a group's jobs by their keys, the newest of each."""
        return await queries.keys(self._reader, group_id)

    async def transition(
        self,
        job_id: int,
        from_: JobStatus,
        to: JobStatus,
        *,
        attempt: int,
        now: float,
        events: Sequence[EventWithData] = (),
        **facts: Any,
    ) -> Job:
        """Move a job along `core.domain.job.TRANSITIONS`; returns it as it is then.

        Together with the move are stored: STATUS_CHANGED, *events*, and *facts* (other columns). What a state
        alone gives meaning to is emptied with it: `not_before` and `waiting_for` on leaving PENDING; `stage`,
        `control`, `rate` and the claim on leaving RUNNING; `finished` and the error on leaving a final state.

        Raises:
            NoSuchJob: There is none.
            StaleClaim: *attempt* is not the current one.
            IllegalTransition: The move is not in the table, or the job is not in *from_*, or it would be the
                second unfinished one with its key.
        """
        moves.check_legal(job_id, from_, to)
        return await self._writer.run(
            partial(
                moves.transition,
                job_id=job_id,
                from_=from_,
                to=to,
                attempt=attempt,
                now=now,
                events=tuple(events),
                facts=facts,
            )
        )

    async def become(self, job_id: int, *, attempt: int, new: NewJob, now: float) -> Job:
        """What a runner found out about its job's link: it names what *new* does.

        The job goes on as *new*; but where another unfinished job has that key, it goes to PENDING with the
        checkpoint of *new* until that one has ended.

        Raises:
            NoSuchJob: There is none.
            StaleClaim: *attempt* is not the current one, or the job does not run any more.
        """
        return await self._writer.run(
            partial(joining.become, job_id=job_id, attempt=attempt, new=new, now=now)
        )

    async def result_of(self, job_key: str, *, besides: int | None = None) -> Job | None:
        """The newest COMPLETED job with this key; None where an unfinished one but *besides* has it."""
        return await joining.result_of(self._reader, job_key, besides=besides)

    async def record(
        self, job_id: int, *, attempt: int, now: float, events: Sequence[EventWithData] = (), **facts: Any
    ) -> Job:
        """A runner's write that is no move.

        Raises:
            NoSuchJob: There is none.
            StaleClaim: *attempt* is not the current one, or the job does not run any more.
        """
        cells = to_cells(facts, FACTS) | {"updated": now}
        return await self._writer.run(
            partial(writes.record, job_id=job_id, attempt=attempt, cells=cells, events=tuple(events))
        )

    async def note(self, job_id: int | None, *, now: float, events: Sequence[EventWithData]) -> None:
        """Store events of a job in any state, or of no job.

        Raises:
            NoSuchJob: There is none.
        """
        await self._writer.run(partial(writes.note, job_id=job_id, now=now, events=tuple(events)))

    async def amend(self, job_id: int, *, now: float, **facts: Any) -> Job:
        """Change `priority`, `position`, `title`, `control`, `not_before` or `waiting_for` in any state.

        `control` is a wish to a runner: a job that does not run keeps None.

        Raises:
            NoSuchJob: There is none.
        """
        cells = to_cells(facts, _AMENDABLE) | {"updated": now}
        return await self._writer.run(partial(writes.amend, job_id=job_id, cells=cells))

    async def reorder(self, job_ids: Sequence[int], to: QueueMove, *, now: float) -> list[Job]:
        """Move QUEUED jobs within the queue; all jobs whose place changed.

        Raises:
            IllegalTransition: None of them is QUEUED.
        """
        return await self._writer.run(partial(order.reorder, ids=tuple(job_ids), to=to, now=now))

    async def promote(self, *, now: float, limit: int = _MOVES) -> int:
        """Queue the PENDING jobs that wait for nothing, or for a time that has come; returns how many.

        A job that waits for something and has a `not_before` looks again at that time.
        """
        return await self._writer.run(partial(moves.promote, now=now, limit=limit))

    async def unpark(self, waiting_for: str, *, now: float, source: str | None = None) -> int:
        """Queue every PENDING job with exactly this `waiting_for`, whatever its time; returns how many.

        With *source*, only its jobs.
        """
        command = partial(moves.unpark, waiting_for=waiting_for, source=source, now=now, limit=_MOVES)
        total = 0
        while count := await self._writer.run(command):
            total += count
        return total

    async def next_due(self) -> float | None:
        """The smallest `not_before` of PENDING jobs."""
        return await queries.next_due(self._reader)

    async def upcoming(self, limit: int) -> Sequence[Job]:
        """Waiting jobs in the order in which they begin; those that wait for an event are last."""
        return await queries.upcoming(self._reader, limit)

    async def parked(self, waiting_for: str, *, source: str) -> int:
        """How many PENDING jobs of *source* have this `waiting_for`."""
        return await queries.parked(self._reader, waiting_for, source)

    async def is_waited_for(self, waiting_for: str) -> bool:
        """Whether a PENDING job has this `waiting_for`."""
        return await queries.is_waited_for(self._reader, waiting_for)

    async def claim(
        self,
        *,
        engine: str,
        epoch: int,
        now: float,
        limit: int,
        exclude_sources: frozenset[str] = frozenset(),
        exclude_hosts: frozenset[tuple[str, str]] = frozenset(),
        only: frozenset[int] | None = None,
    ) -> list[Job]:
        """Start up to *limit* QUEUED jobs for this start (*epoch*) of *engine*; `attempt` rises.

        Order: highest priority, lowest position, oldest. Jobs of *exclude_sources*, and of *exclude_hosts*
        (source and host), are passed over, and so are all but *only* when given.
        """
        if limit <= 0:
            return []
        return await self._writer.run(
            partial(
                moves.claim,
                engine=engine,
                epoch=epoch,
                now=now,
                limit=limit,
                exclude_sources=exclude_sources,
                exclude_hosts=exclude_hosts,
                only=only,
            )
        )

    async def claimed_by_older(self, *, engine: str, epoch: int) -> list[Job]:
        """RUNNING jobs that another start claimed. As only one engine can run, their claimers are dead."""
        return await queries.claimed_by_others(self._reader, engine, epoch)

    async def progress(
        self, job_id: int, *, attempt: int, bytes_done: int, size_bytes: int | None, rate: float | None
    ) -> None:
        """Store how far a transfer is, without an event; nothing happens when the claim is lost.

        A *size_bytes* of None keeps the size that is known.
        """
        figures = {"bytes_done": bytes_done, "size_bytes": size_bytes, "rate": rate}
        await self._writer.run(partial(writes.progress, job_id=job_id, attempt=attempt, figures=figures))

    async def delete(self, job_id: int) -> None:
        """Forget a job and its events.

        Raises:
            NoSuchJob: There is none.
            IllegalTransition: It is not final.
        """
        await self._writer.run(partial(writes.delete, job_id=job_id))

    async def ended_between(self, begin: float, end: float) -> Mapping[str, tuple[int, int, int]]:
        """By source: jobs that were completed and failed in this time, and the bytes of the former."""
        return await queries.ended_between(self._reader, begin, end)

    async def counts_by_source(self) -> Mapping[str, Mapping[JobStatus, int]]:
        """Unfinished jobs by source and state."""
        return await queries.counts_by_source(self._reader)

    async def created_since(
        self, *, user_id: int | None = None, chat_id: int | None = None, since: float
    ) -> int:
        """How many jobs a user, or a chat, or a user in a chat, added at *since* or later."""
        return await queries.created_since(self._reader, user_id, chat_id, since)

    async def unfinished_of(self, user_id: int) -> int:
        """How many unfinished jobs a user has."""
        return await queries.unfinished_of(self._reader, user_id)
