"""What people do to jobs: pause, resume, cancel, retry, forget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.domain.errors import IllegalTransition
from core.domain.events import EventType
from core.domain.job import Control, Job, JobStatus
from core.engine.debugging import DebugDesk
from core.engine.ending import Interruption
from core.engine.folders import clean_folder_blocking
from core.engine.grace import Grace
from core.engine.scheduler import Scheduler
from core.store.store import Store

#: A job may move while a person acts on it; the action looks again this often.
LOOKS = 5
_WAITING = frozenset({JobStatus.PENDING, JobStatus.QUEUED})


class JobDesk:
    """Acts on single jobs, whatever they are doing at the moment.

    Attributes:
        grace: Keeps files of jobs whose cancelling may be taken back.
        debugging: Lets everything about a job be written down.
    """

    def __init__(self, store: Store, scheduler: Scheduler, tmp_dir: Path) -> None:
        self._store = store
        self._scheduler = scheduler
        self._tmp_dir = tmp_dir
        self.grace = Grace(tmp_dir)
        self.debugging = DebugDesk(store)

    async def run(self) -> None:
        """See to what follows from actions, until cancelled."""
        try:
            await self.grace.run()
        finally:
            self.debugging.close()

    async def pause(self, job_id: int) -> Job:
        """Hold a job; returns once it stands still. A job that is held already stays so."""
        for _ in range(LOOKS):
            job = await self._store.jobs.get(job_id)
            if job.status is JobStatus.PAUSED:
                return job
            if job.status is JobStatus.RUNNING:
                await self._interrupt(job, Control.PAUSE, Interruption.PAUSE)
                continue
            if (moved := await self._move(job, _WAITING, JobStatus.PAUSED)) is not None:
                return moved
        raise _refused(await self._store.jobs.get(job_id), "paused")

    async def cancel(self, job_id: int, *, keep_s: int = 0) -> Job:
        """End a job and delete what it fetched; *keep_s* seconds later, for a retry until then."""
        for _ in range(LOOKS):
            job = await self._store.jobs.get(job_id)
            if job.status is JobStatus.CANCELLED:
                return job
            if job.status is JobStatus.RUNNING:
                if keep_s:
                    await self._interrupt(job, Control.PAUSE, Interruption.PAUSE)
                else:
                    await self._interrupt(job, Control.CANCEL, Interruption.CANCEL)
                continue
            moved = await self._move(
                job,
                _WAITING | {JobStatus.PAUSED},
                JobStatus.CANCELLED,
                event=EventType.JOB_CANCELLED,
                checkpoint=job.checkpoint if keep_s else {},
                waiting_for=None,
                not_before=None,
            )
            if moved is not None:
                if keep_s:
                    self.grace.keep(job_id, keep_s)
                else:
                    await asyncio.to_thread(clean_folder_blocking, self._tmp_dir / str(job_id))
                self._scheduler.wake()  # others may have waited for it
                return moved
        raise _refused(await self._store.jobs.get(job_id), "cancelled")

    async def resume(self, job_id: int) -> Job:
        """Let a paused job go on from where it stopped."""
        job = await self._store.jobs.get(job_id)
        moved = await self._move(
            job, {JobStatus.PAUSED}, JobStatus.PENDING, waiting_for=None, not_before=None
        )
        if moved is None:
            raise _refused(job, "resumed")
        self._scheduler.wake()
        return moved

    async def retry(self, job_id: int) -> Job:
        """Start a failed or cancelled job again; one that waits goes at once, also in quiet hours.

        Where its source was left alone because of failures, one job may try at once.
        """
        job = await self._store.jobs.get(job_id)
        moved: Job | None
        if job.status is JobStatus.QUEUED:
            moved = job
        elif job.status is JobStatus.PENDING:
            moved = await self._store.jobs.amend(job_id, now=time.time(), waiting_for=None, not_before=None)
        else:
            moved = await self._move(
                job, {JobStatus.FAILED, JobStatus.CANCELLED}, JobStatus.PENDING, retry_count=0,
                waiting_for=None, not_before=None, checkpoint=await self._checkpoint_of(job),
            )  # fmt: skip
        if moved is None:
            raise _refused(job, "retried")
        if not job.status.is_final:
            self._scheduler.hurry(moved)
        self._scheduler.forgive(moved)
        return moved

    async def _checkpoint_of(self, job: Job) -> Mapping[str, Any]:
        """What a job that ended goes on from: of a cancelled one nothing, once its files are gone."""
        if job.status is not JobStatus.CANCELLED or not job.checkpoint:
            return job.checkpoint
        if await self.grace.take_back(job.id):
            return job.checkpoint
        await asyncio.to_thread(clean_folder_blocking, self._tmp_dir / str(job.id))
        return {}

    async def delete(self, job_id: int) -> None:
        """Forget a job that is final."""
        await self._store.jobs.delete(job_id)
        await asyncio.to_thread(clean_folder_blocking, self._tmp_dir / str(job_id))

    async def _interrupt(self, job: Job, control: Control, reason: Interruption) -> None:
        """Ask the runner to stop and wait until it has. The wish is stored first: it outlives a crash."""
        await self._store.jobs.amend(job.id, now=time.time(), control=control)
        run = await self._scheduler.run_of(job.id)
        if run is not None and run.task is not None:
            run.interrupt(reason)
            await asyncio.wait({run.task})

    async def _move(
        self,
        job: Job,
        allowed: frozenset[JobStatus] | set[JobStatus],
        to: JobStatus,
        *,
        event: EventType | None = None,
        **facts: object,
    ) -> Job | None:
        """Move *job*, or return None when it is in none of the *allowed* states, or has just left.

        Raises:
            IllegalTransition: It is final, and another job does the same by now: it says which one.
        """
        if job.status not in allowed:
            return None
        try:
            return await self._store.jobs.transition(
                job.id,
                job.status,
                to,
                attempt=job.attempt,
                now=time.time(),
                events=[(event, {})] if event else [],
                **facts,
            )
        except IllegalTransition:
            if job.status.is_final:
                raise
            return None


def _refused(job: Job, what: str) -> IllegalTransition:
    return IllegalTransition(f"job {job.id} is {job.status.value} and cannot be {what}")
