"""A real store on a real file, and jobs brought to any state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.domain.job import Job, JobStatus, Request
from core.store import queries
from core.store.jobs import NewJob
from core.store.store import Committed, Store

NOW = 1_700_000_000.0

#: Which state a job has to be in before it can come to this one.
_BEFORE = {
    JobStatus.RUNNING: JobStatus.QUEUED,
    JobStatus.PENDING: JobStatus.QUEUED,
    JobStatus.PAUSED: JobStatus.QUEUED,
    JobStatus.COMPLETED: JobStatus.RUNNING,
    JobStatus.FAILED: JobStatus.RUNNING,
    JobStatus.CANCELLED: JobStatus.RUNNING,
}


@asynccontextmanager
async def opened(
    data_dir: Path, told: list[Committed] | None = None, url: str | None = None
) -> AsyncIterator[Store]:
    """A store on *data_dir*; what it tells is added to *told*."""
    heard = told if told is not None else []
    store = await Store.open(data_dir, url, on_commit=heard.append)
    try:
        yield store
    finally:
        await store.close()


def new_job(name: str = "a", *, source: str = "direct", key: str | None = None, **request: Any) -> NewJob:
    """A request for `https://media.test/<name>`; *request* are options of `Request`."""
    url = f"https://media.test/{name}"
    return NewJob(
        request=Request(url=url, **request),
        source_type=source,
        url=url,
        url_hash=f"hash-of-{name}",
        job_key=key or f"key-of-{name}",
    )


async def job_in(store: Store, status: JobStatus, name: str = "a", **request: Any) -> Job:
    """A new job in *status*."""
    job = (await store.jobs.submit(new_job(name, **request), now=NOW)).job
    path = [status]
    while path[0] is not JobStatus.QUEUED:
        path.insert(0, _BEFORE[path[0]])
    for to in path[1:]:
        if to is JobStatus.RUNNING:
            job = await claim_one(store, job.id)
        else:
            job = await store.jobs.transition(job.id, job.status, to, attempt=job.attempt, now=NOW)
    return job


async def claim_one(store: Store, job_id: int, *, epoch: int = 1) -> Job:
    """Start exactly this job."""
    (job,) = await store.jobs.claim(engine="test", epoch=epoch, now=NOW, limit=1, only=frozenset({job_id}))
    return job


async def counted_one_by_one(store: Store) -> dict[JobStatus, int]:
    """Jobs by state as the database itself counts them."""
    found = await queries.counts(store._client)
    return {status: found.get(status, 0) for status in JobStatus}
