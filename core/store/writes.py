"""What is written about a job beside its moves from state to state, which are in `core.store.moves`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.errors import IllegalTransition, NoSuchJob
from core.domain.job import Job, JobStatus
from core.store import items, moves
from core.store.rows import JOB, EventWithData, job_of
from core.store.transaction import Transaction


async def record(
    transaction: Transaction,
    *,
    job_id: int,
    attempt: int,
    cells: Mapping[str, Any],
    events: Sequence[EventWithData],
) -> Job:
    """A runner's write. Raises NoSuchJob and StaleClaim as `Jobs.record` says."""
    row = await transaction.row(
        f"UPDATE jobs SET {_assignments(cells)} WHERE id = ? AND status = 'RUNNING' AND attempt = ?"  # noqa: S608 -- column names are checked
        f" RETURNING {JOB}",
        *(*cells.values(), job_id, attempt),
    )
    if row is None:
        raise await moves.lost_claim(transaction, job_id, attempt)
    transaction.events(job_id, events, now=cells["updated"])
    return transaction.changed(job_of(row))


async def note(
    transaction: Transaction, *, job_id: int | None, now: float, events: Sequence[EventWithData]
) -> None:
    """Store events. Raises NoSuchJob where there is no such job."""
    if job_id is not None and not await transaction.rows("SELECT 1 FROM jobs WHERE id = ?", job_id):
        raise NoSuchJob(f"job {job_id}")
    transaction.events(job_id, events, now=now)


async def amend(transaction: Transaction, *, job_id: int, cells: Mapping[str, Any]) -> Job:
    """Change columns in any state. Raises NoSuchJob where there is no such job."""
    row = await transaction.row(
        f"UPDATE jobs SET {_assignments(cells)} WHERE id = ? RETURNING {JOB}",  # noqa: S608 -- column names are checked
        *(*cells.values(), job_id),
    )
    if row is None:
        raise NoSuchJob(f"job {job_id}")
    job = transaction.changed(job_of(row))
    if "title" in cells:
        await items.rename(transaction, job)
    return job


def _assignments(cells: Mapping[str, Any]) -> str:
    # A wish that comes too late must not wait for the job's next run.
    late = {"control": "CASE WHEN status = 'RUNNING' THEN ? END"}
    return ", ".join(f"{name} = {late.get(name, '?')}" for name in cells)


async def progress(
    transaction: Transaction, *, job_id: int, attempt: int, figures: Mapping[str, Any]
) -> None:
    """Store how far a transfer is; nothing happens when the claim is lost."""
    written = await transaction.execute(
        "UPDATE jobs SET bytes_done = ?, size_bytes = COALESCE(?, size_bytes), rate = ?"
        " WHERE id = ? AND status = 'RUNNING' AND attempt = ?",
        *(*figures.values(), job_id, attempt),
    )
    told = transaction.seen(job_id)
    if written and told is not None:
        known = figures["size_bytes"] if figures["size_bytes"] is not None else told.size_bytes
        transaction.changed(told.evolve(**{**figures, "size_bytes": known}))


async def delete(transaction: Transaction, *, job_id: int) -> None:
    """Forget a final job and its events. Raises NoSuchJob and IllegalTransition."""
    row = await transaction.row("SELECT status FROM jobs WHERE id = ?", job_id)
    if row is None:
        raise NoSuchJob(f"job {job_id}")
    status = JobStatus(row["status"])
    if not status.is_final:
        raise IllegalTransition(
            f"job {job_id} is {status.value} and cannot be deleted", hint=f"First: reeldeck cancel {job_id}"
        )
    await transaction.keep_numbers()
    await transaction.execute("DELETE FROM jobs WHERE id = ?", job_id)
    transaction.deleted(job_id, status)
