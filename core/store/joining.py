"""A running job turns out to want what another does: at most one of them goes on, the other waits."""

from __future__ import annotations

from core.domain.events import EventType
from core.domain.job import WAITING_JOB, Job, JobStatus, host_of
from core.store import moves
from core.store.rows import JOB, Reader, job_of
from core.store.submission import NewJob, with_keys
from core.store.transaction import Transaction


async def result_of(reader: Reader, job_key: str, *, besides: int | None) -> Job | None:
    """The newest COMPLETED job with this key, unless an unfinished one has it; *besides* does not count."""
    jobs = [job for job in await with_keys(reader, [job_key]) if job.id != besides]
    if any(not job.status.is_final for job in jobs):
        return None
    done = [job for job in jobs if job.status is JobStatus.COMPLETED]
    return max(done, key=lambda job: job.id, default=None)


async def become(transaction: Transaction, *, job_id: int, attempt: int, new: NewJob, now: float) -> Job:
    """Give a running job the link and key of *new*, or let it wait for the one that has this key.

    Which of the two is in the returned job's status: RUNNING or PENDING. One that waits keeps its own link
    and key, so that its link is known again, and gets the checkpoint of *new*. `Jobs.become` says the rest.
    """
    owner = await _owner(transaction, new.job_key, besides=job_id)
    worker = await _worker(transaction, owner) if owner is not None else None
    if worker is not None and worker.id != job_id:
        waits = {"waiting_for": f"{WAITING_JOB}{worker.id}"}
        waiting = await moves.transition(
            transaction,
            job_id,
            JobStatus.RUNNING,
            JobStatus.PENDING,
            attempt=attempt,
            now=now,
            events=[(EventType.PARKED, {**waits, "reason": "it downloads the same"})],
            facts={**waits, "media_id": new.media_id, "checkpoint": new.checkpoint},
        )
        transaction.event(worker.id, EventType.JOB_JOINED, {"joined_by": job_id}, now=now)
        return waiting
    # Where the owner waits for this very job, it keeps its key: both will have one result.
    cells = {"media_id": new.media_id, "source_type": new.source_type, "updated": now}
    if owner is None:
        cells |= {"url": new.url, "url_hash": new.url_hash, "host": host_of(new.url), "job_key": new.job_key}
    row = await transaction.row(
        f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in cells)}"  # noqa: S608 -- constants
        f" WHERE id = ? AND status = 'RUNNING' AND attempt = ? RETURNING {JOB}",
        *(*cells.values(), job_id, attempt),
    )
    if row is None:
        raise await moves.lost_claim(transaction, job_id, attempt)
    return transaction.changed(job_of(row))


async def _owner(transaction: Transaction, job_key: str, *, besides: int) -> Job | None:
    jobs = await with_keys(transaction, [job_key])
    return next((job for job in jobs if job.id != besides and not job.status.is_final), None)


async def _worker(transaction: Transaction, job: Job) -> Job:
    """Who works for *job*: nobody waits for one that waits, so that there is no circle."""
    while job.waiting_for is not None and job.waiting_for.startswith(WAITING_JOB):
        row = await transaction.row(
            f"SELECT {JOB} FROM jobs WHERE id = ?",  # noqa: S608 -- constants
            int(job.waiting_for.removeprefix(WAITING_JOB)),
        )
        assert row is not None, "a job that ends lets go of those that wait for it"
        job = job_of(row)
    return job
