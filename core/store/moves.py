"""Every change of a job's status, each with its event. No other module changes `status`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from core.domain.errors import IllegalTransition, NoSuchJob, ReeldeckError, StaleClaim
from core.domain.events import EventType
from core.domain.job import TRANSITIONS, WAITING_JOB, WAITING_RETRY, Job, JobStatus
from core.store import items, recipients, webhooks
from core.store.rows import FACTS, JOB, UNFINISHED, EventWithData, Row, job_of, placeholders, to_cells
from core.store.transaction import Transaction

log = logging.getLogger("reeldeck.store")

E = TypeVar("E", bound=ReeldeckError)

#: Jobs that one statement lets go of at most.
_WAITERS = 500
_TO_QUEUED = "status = 'QUEUED', waiting_for = NULL, not_before = NULL, updated = ?"


def check_legal(job_id: int, from_: JobStatus, to: JobStatus) -> None:
    """Let legal moves pass.

    Raises:
        IllegalTransition: The table of moves does not hold this one.
    """
    if to not in TRANSITIONS[from_]:
        error = IllegalTransition(f"job {job_id} cannot go from {from_.value} to {to.value}")
        # Whoever asks knows the table: this one is a fault of the program.
        log.error("a move that no rule allows: %s", error.detail)
        raise error


async def transition(
    transaction: Transaction,
    job_id: int,
    from_: JobStatus,
    to: JobStatus,
    *,
    attempt: int,
    now: float,
    events: Sequence[EventWithData],
    facts: Mapping[str, Any],
) -> Job:
    """Move a job that is in *from_* at this *attempt*.

    Raises:
        NoSuchJob: There is none.
        StaleClaim: Another attempt is the current one.
        IllegalTransition: It is in another state, or another unfinished job took its key meanwhile.
    """
    if from_.is_final:
        await _require_free_key(transaction, job_id)
    cells = to_cells(facts, FACTS) | _implied(from_, to, now)
    settings, values = ", ".join(f"{name} = ?" for name in cells), list(cells.values())
    if to is JobStatus.RUNNING:
        settings += ", started = COALESCE(started, ?)"
        values.append(now)
    left = await _checkpoint(transaction, job_id) if to is JobStatus.COMPLETED else {}
    row = await transaction.row(
        f"UPDATE jobs SET {settings} WHERE id = ? AND status = ? AND attempt = ? RETURNING {JOB}",  # noqa: S608 -- column names are checked
        *values,
        job_id,
        from_.value,
        attempt,
    )
    if row is None:
        raise await refusal(transaction, job_id, from_, attempt)
    job = transaction.moved(job_of(row), from_, events, now=now)
    if to is JobStatus.COMPLETED:
        # The move empties the checkpoint, which knows what the file holds.
        await items.add(transaction, job.evolve(checkpoint=job.checkpoint or left))
    if from_.is_final:
        await recipients.job_begins_again(transaction, job, now=now)
    if to.is_final:
        await recipients.job_ended(transaction, job, now=now)
        await webhooks.job_ended(transaction, job, now=now)
        # In the same transaction: whatever stops the engine, nobody waits for a job that has ended.
        while await unpark(transaction, f"{WAITING_JOB}{job_id}", now=now, limit=_WAITERS):
            pass
    return job


async def _checkpoint(transaction: Transaction, job_id: int) -> dict[str, Any]:
    row = await transaction.row("SELECT checkpoint FROM jobs WHERE id = ?", job_id)
    return dict(json.loads(row["checkpoint"])) if row else {}


def _implied(from_: JobStatus, to: JobStatus, now: float) -> dict[str, Any]:
    """The columns that follow from the move itself."""
    cells: dict[str, Any] = {"status": to.value, "updated": now}
    if from_ is JobStatus.PENDING:
        cells |= dict.fromkeys(("not_before", "waiting_for"))
    if from_ is JobStatus.RUNNING:
        cells |= dict.fromkeys(("stage", "control", "rate", "claimed_by", "claim_epoch"))
    if from_.is_final:
        cells |= dict.fromkeys(("finished", "error_type", "error_message", "error_hint"))
    if to.is_final:
        cells["finished"] = now
    return cells


async def _require_free_key(transaction: Transaction, job_id: int) -> None:
    other = await transaction.row(
        f"SELECT other.id AS id FROM jobs job JOIN jobs other ON other.job_key = job.job_key"  # noqa: S608 -- constants
        f" WHERE job.id = ? AND other.id <> job.id AND other.status IN ({UNFINISHED})",
        job_id,
    )
    if other is not None:
        raise IllegalTransition(
            f"job {other['id']} already downloads the same as job {job_id}",
            hint=f"See how far it is with: reeldeck job {other['id']}",
        )


async def lost_claim(transaction: Transaction, job_id: int, attempt: int) -> NoSuchJob | StaleClaim:
    """Why no RUNNING job with this id and attempt was found."""
    row = await transaction.row("SELECT status, attempt FROM jobs WHERE id = ?", job_id)
    if row is None:
        return NoSuchJob(f"job {job_id}")
    return _late(StaleClaim(f"job {job_id} is {row['status']} at attempt {row['attempt']}, not {attempt}"))


async def refusal(
    transaction: Transaction, job_id: int, status: JobStatus, attempt: int
) -> NoSuchJob | IllegalTransition:
    """Why no row of this id, state and attempt was found."""
    row = await transaction.row("SELECT status, attempt FROM jobs WHERE id = ?", job_id)
    if row is None:
        return NoSuchJob(f"job {job_id}")
    if row["attempt"] != attempt:
        return _late(StaleClaim(f"job {job_id} is at attempt {row['attempt']}, not {attempt}"))
    return _late(IllegalTransition(f"job {job_id} is {row['status']}, not {status.value}"))


async def promote(transaction: Transaction, *, now: float, limit: int) -> int:
    """Queue PENDING jobs whose time has come, and those that wait for nothing; returns how many."""
    rows = await transaction.rows(
        f"UPDATE jobs SET {_TO_QUEUED} WHERE id IN ("  # noqa: S608 -- constants
        "SELECT id FROM jobs WHERE status = 'PENDING' AND not_before <= ? UNION "
        "SELECT id FROM jobs WHERE status = 'PENDING' AND not_before IS NULL AND waiting_for IS NULL UNION "
        "SELECT id FROM jobs WHERE status = 'PENDING' AND not_before IS NULL AND waiting_for = ? "
        f"ORDER BY id LIMIT ?) RETURNING {JOB}",
        now,
        now,
        WAITING_RETRY,
        limit,
    )
    return _queued(transaction, rows, [], now=now)


async def unpark(
    transaction: Transaction, waiting_for: str, *, now: float, limit: int, source: str | None = None
) -> int:
    """Queue PENDING jobs that wait for exactly this, of *source* when given; returns how many."""
    rows = await transaction.rows(
        f"UPDATE jobs SET {_TO_QUEUED} WHERE id IN ("  # noqa: S608 -- constants
        "SELECT id FROM jobs WHERE status = 'PENDING' AND waiting_for = ?"
        " AND source_type = COALESCE(?, source_type) LIMIT ?) "
        f"RETURNING {JOB}",
        now,
        waiting_for,
        source,
        limit,
    )
    told = [(EventType.UNPARKED, {"waiting_for": waiting_for})]
    return _queued(transaction, rows, told, now=now)


async def claim(
    transaction: Transaction,
    *,
    engine: str,
    epoch: int,
    now: float,
    limit: int,
    exclude_sources: frozenset[str],
    exclude_hosts: frozenset[tuple[str, str]],
    only: frozenset[int] | None,
) -> list[Job]:
    """Start the first QUEUED jobs, highest priority first; `Jobs.claim` says the rest."""
    conditions, values = "status = 'QUEUED'", list[Any]()
    if exclude_sources:
        conditions += f" AND source_type NOT IN ({placeholders(len(exclude_sources))})"
        values += exclude_sources
    for source in sorted({source for source, _ in exclude_hosts}):
        # Measured: three times as quick as one list of pairs.
        hosts = [host for of, host in exclude_hosts if of == source]
        conditions += f" AND NOT (source_type = ? AND host IN ({placeholders(len(hosts))}))"
        values += [source, *hosts]
    if only is not None:
        conditions += f" AND id IN ({placeholders(len(only))})"
        values += only
    rows = await transaction.rows(
        "UPDATE jobs SET status = 'RUNNING', attempt = attempt + 1, updated = ?, "  # noqa: S608 -- constants
        "started = COALESCE(started, ?), claimed_by = ?, claim_epoch = ? WHERE id IN ("
        f"SELECT id FROM jobs WHERE {conditions} ORDER BY priority DESC, position, id LIMIT ?) "
        f"RETURNING {JOB}",
        *(now, now, engine, epoch, *values, limit),
    )
    # RETURNING keeps no order.
    jobs = sorted(map(job_of, rows), key=lambda job: (-job.priority, job.position, job.id))
    for job in jobs:
        told = [(EventType.WORKER_ASSIGNED, {"engine": engine, "attempt": job.attempt})]
        transaction.moved(job, JobStatus.QUEUED, told, now=now)
    return jobs


def _queued(
    transaction: Transaction, rows: Sequence[Row], events: Sequence[EventWithData], *, now: float
) -> int:
    for job in sorted(map(job_of, rows), key=lambda job: job.id):
        transaction.moved(job, JobStatus.PENDING, events, now=now)
    return len(rows)


def _late(error: E) -> E:
    """Two moves met, such as a cancel and the end of a download: the second one is told, and looks again."""
    log.info("a move came too late: %s", error.detail)
    return error
