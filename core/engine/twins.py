"""Jobs whose links turn out to name the same thing: one of them does it, the others take over its result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from core.domain.events import EventType
from core.domain.job import WAITING_JOB, Job, JobStatus
from core.engine import checkpoint as keys
from core.engine.attempt import Attempt, EventWithData
from core.engine.finding import MAX_HOPS, endless, request_of
from core.engine.intake import Intake, is_gone
from core.links.identify import identify, parse_identity
from core.store.jobs import NewJob
from core.store.store import Store


class Twins:
    """Finds the twins of running jobs.

    Args:
        store: All jobs.
        intake: Says what a link names.
        want: Told the ids of jobs that others wait for.
    """

    def __init__(self, store: Store, intake: Intake, want: Callable[[Iterable[int]], None]) -> None:
        self._store = store
        self._intake = intake
        self._want = want

    async def waited_for(self, attempt: Attempt) -> Job | None:
        """The twin that was waited for before this attempt, if it has a result."""
        job_key = attempt.checkpoint.pop(keys.TWIN, None)
        return await self._taken(attempt, job_key) if job_key is not None else None

    async def at(self, attempt: Attempt, url: str) -> Job | None:
        """What `_settle` says, now that the job's link is known to lead to *url*.

        Raises:
            HttpFailure: Too many links have led here.
            ReeldeckError: *url* is no usable link, or nobody takes it.
        """
        hops = attempt.checkpoint.get(keys.HOPS, 0) + 1
        if hops > MAX_HOPS:
            raise endless()
        attempt.checkpoint[keys.HOPS] = hops
        return await self._settle(
            attempt, self._intake.prepare(replace(request_of(attempt), url=url, source=None))
        )

    async def of_media(self, attempt: Attempt) -> Job | None:
        """What `_settle` says, now that a source has told which media the link shows, if it did."""
        found = attempt.resolution
        identity, linked = parse_identity(found.media_id), identify(attempt.job.url)
        is_told_by_link = linked is not None and not (linked.is_provisional or linked.is_message)
        if identity is None or identity.is_provisional or found.entries or is_told_by_link:
            return None
        new = self._intake.prepare(request_of(attempt), identity=identity)
        if new.job_key == attempt.job.job_key:
            return None
        return await self._settle(attempt, replace(new, source_type=attempt.job.source_type))

    async def _settle(self, attempt: Attempt, new: NewJob) -> Job | None:
        """The finished twin whose result is there; else the job becomes *new* or waits for its twin.

        It waits when its status is PENDING afterwards.
        """
        is_forced = keys.FORCED in attempt.checkpoint
        if not is_forced and (done := await self._taken(attempt, new.job_key)) is not None:
            return done
        new = replace(new, checkpoint={**attempt.checkpoint, keys.TWIN: new.job_key})
        # What is known so far goes before it, in the same transaction.
        _, job = await asyncio.gather(
            attempt.flush(),
            self._store.jobs.become(attempt.job.id, attempt=attempt.job.attempt, new=new, now=time.time()),
        )
        attempt.job = attempt.meter.job = job
        if job.status is JobStatus.PENDING and job.waiting_for is not None:
            self._want([int(job.waiting_for.removeprefix(WAITING_JOB))])
            return None
        # The twin may have finished after it was asked for. Now that the key is this job's, no other can.
        return None if is_forced else await self._taken(attempt, new.job_key)

    async def _taken(self, attempt: Attempt, job_key: str) -> Job | None:
        """The finished job with this key whose result is still there; a list's items become the attempt's."""
        done = await self._store.jobs.result_of(job_key, besides=attempt.job.id)
        if done is None or await is_gone(done):
            return None
        if done.is_list:
            if done.group_id is None:
                return None
            await self._store.jobs.inherit_items(attempt.job.id, done.id)
        return done


def taken_over(attempt: Attempt, twin: Job) -> tuple[list[EventWithData], dict[str, Any]]:
    """The events and facts of a job that ends with its twin's result."""
    job, is_list = attempt.job, twin.file_path is None
    result = {"file_path": twin.file_path, "size_bytes": twin.size_bytes, "sha256": twin.sha256}
    facts = {
        **result,
        "bytes_done": twin.bytes_done,
        "duration_s": twin.duration_s,
        "title": job.title or twin.title,
        "media_id": twin.media_id,
        "source_type": twin.source_type,
        "group_id": twin.group_id if is_list and job.group_id is None else job.group_id,
    }
    seen = {"group_id": twin.group_id} if is_list else result
    return [(EventType.JOB_JOINED, {"joined": twin.id}), (EventType.JOB_COMPLETED, seen)], facts
