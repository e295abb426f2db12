"""Run one attempt of a job from its checkpoint to its end, whatever the end is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structlog.contextvars import bind_contextvars

from core.domain.errors import (
    DiskFull,
    JobError,
    RateLimited,
    ReeldeckError,
    StaleClaim,
    StoreFailure,
)
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Stage
from core.engine import checkpoint as keys
from core.engine import fetching, finding, finishing
from core.engine.attempt import Attempt
from core.engine.checks import LoginChecks
from core.engine.disk import DiskGuard
from core.engine.ending import End, Interruption, again, as_job_error, as_twin, completed, failed, interrupted
from core.engine.folders import clean_folder_blocking
from core.engine.live import LiveBoard
from core.engine.logins import Logins
from core.engine.toolbox import Toolbox
from core.engine.twins import Twins
from core.net.pace import PAYER
from core.sources.base import Elsewhere
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: How long to wait before the end of an attempt is written again, when the database cannot take it.
STORE_AGAIN_S = 2.0


@dataclass(slots=True, eq=False)
class Run:
    """A job while this engine runs it."""

    job: Job
    task: asyncio.Task[None] | None = None
    #: Why it was interrupted, once it was, and until when that holds where it is known.
    reason: Interruption | None = None
    until: float | None = None
    #: What it does, once it has begun.
    attempt: Attempt | None = None
    #: The work is over and its end is being written: nothing may stop that.
    is_ending: bool = False
    #: That end is on its way to the store: another job may have its slot.
    is_leaving: bool = False
    on_leaving: Callable[[], None] = lambda: None
    #: How it ended, once it has; None when that is somebody else's to say.
    end: End | None = None
    #: … and of what, and at which stage, when it failed.
    error: JobError | None = None
    stage: Stage | None = None

    def interrupt(self, reason: Interruption, *, until: float | None = None) -> None:
        """Stop the work, unless it is over already."""
        if not self.is_ending and self.reason is None and self.task is not None:
            self.reason, self.until = reason, until
            self.task.cancel()

    def leave(self) -> None:
        """Give up the slot: what is done next is to store the end."""
        self.is_leaving = True
        self.on_leaving()

    @property
    def current(self) -> Job:
        """The job as last written: where its link led may be known by now."""
        return self.job if self.attempt is None else self.attempt.job

    @property
    def can_fetch_later(self) -> bool:
        """Whether it uses the network, and loses nothing by doing so later: what is live comes only once."""
        if self.attempt is None:
            return True
        if self.attempt.job.stage not in {None, Stage.RESOLVE, Stage.CHECK, Stage.DOWNLOAD}:
            return False
        found = keys.RESOLUTION in self.attempt.checkpoint
        return not (found and any(track.is_live for track in self.attempt.resolution.tracks))


Expand = Callable[[Attempt], Awaitable[int]]


class Runner:
    """Runs attempts.

    Args:
        store: Where every step is written.
        tools: What the stages work with.
        live: Shows progress.
        disk: Refuses work that does not fit.
        expand: Turns a playlist's entries into jobs; returns the group's id.
        checks: Asks sites about logins.
        twins: Knows jobs that do the same.
    """

    def __init__(
        self,
        store: Store,
        tools: Toolbox,
        live: LiveBoard,
        disk: DiskGuard,
        expand: Expand,
        checks: LoginChecks,
        twins: Twins,
    ) -> None:
        self._store = store
        self._tools = tools
        self._live = live
        self._disk = disk
        self._expand = expand
        self._checks = checks
        self._twins = twins

    async def run(self, run: Run) -> None:
        """Run the job of *run*, which was just claimed, to its end."""
        job = run.job
        PAYER.set(job.id)
        # Whatever is logged on the way, by anybody, is about this job.
        bind_contextvars(
            job_id=job.id,
            source_type=job.source_type,
            url_domain=job.host,
            user_id=job.user_id,
            chat_id=job.chat_id,
        )
        folder = self._tools.settings.paths.tmp / str(job.id)
        attempt = run.attempt = Attempt(job, folder, self._store.jobs, self._live.begin(job))
        try:
            end = await self._end_of(attempt, run)
            run.is_ending, run.end = True, end
            if end is not None:
                await self._finish(run, attempt, end)
        finally:
            self._live.end(attempt.meter)

    async def _end_of(self, attempt: Attempt, run: Run) -> End | None:
        logins = Logins(
            self._tools.profiles, self._checks, attempt.folder, attempt.job.profile, attempt.record
        )
        try:
            async with asyncio.timeout(self._tools.settings.timeouts.job_s) as attempt.limit:
                return await self._work(attempt, logins)
        except asyncio.CancelledError:
            if run.reason is None:
                raise
            return interrupted(run.reason, until=run.until)
        except StaleClaim:
            log.warning(
                "attempt lost its claim", extra={"job_id": attempt.job.id, "attempt": attempt.job.attempt}
            )
            return None
        except Exception as error:
            if not isinstance(error, ReeldeckError | TimeoutError):
                log.exception(
                    "a fault in an attempt", extra={"job_id": attempt.job.id, "stage": attempt.job.stage}
                )
            run.error, run.stage = as_job_error(error, attempt.job), attempt.job.stage
            return self._failed(attempt, run.error)
        finally:
            # The end is known: an interruption from here on must not keep it from being written.
            run.is_ending = True
            await logins.close()

    async def _work(self, attempt: Attempt, logins: Logins) -> End | None:
        """The end, None when the job waits for another one from now on."""
        if keys.FINAL in attempt.checkpoint and await asyncio.to_thread(
            finishing.is_archived_blocking, attempt
        ):
            return completed(attempt, Path(attempt.checkpoint[keys.FINAL]))
        twin = await self._twins.waited_for(attempt)
        if twin is None:
            try:
                return await self._stages(attempt, logins)
            except Elsewhere as elsewhere:
                twin = await self._twins.at(attempt, elsewhere.url)
        if twin is not None:
            return as_twin(attempt, twin)
        return again(attempt) if attempt.job.status is JobStatus.RUNNING else None

    async def _stages(self, attempt: Attempt, logins: Logins) -> End | None:
        """As `_work`, from the first stage on. Raises Elsewhere when the link turns out to lead elsewhere."""
        await finding.resolve(attempt, self._tools, logins)
        if (twin := await self._twins.of_media(attempt)) is not None:
            return as_twin(attempt, twin)
        if attempt.job.status is not JobStatus.RUNNING:
            return None
        if attempt.resolution.entries:
            await logins.succeeded(attempt.resolution.source)
            group_id = await self._expand(attempt)
            facts: dict[str, Any] = {"group_id": group_id, "checkpoint": {}}
            return End(
                to=JobStatus.COMPLETED,
                events=[(EventType.JOB_COMPLETED, {"group_id": group_id})],
                facts=facts,
            )
        await finding.check(attempt, self._tools, self._disk)
        await fetching.download(attempt, self._tools, logins)
        await logins.succeeded(attempt.resolution.source)
        await finishing.process(attempt, self._tools)
        await finishing.validate(attempt, self._tools)
        return completed(attempt, await finishing.archive(attempt, self._tools))

    def _failed(self, attempt: Attempt, error: JobError) -> End:
        tools, job = self._tools, attempt.job
        if isinstance(error, DiskFull):
            self._disk.failed_now()
        if isinstance(error, RateLimited):
            # What its child processes were told, nobody else has heard.
            ago_s = time.time() - attempt.started
            tools.uplinks.refused(job.source_type, job.url, error.retry_after_s, ago_s=ago_s)
        return failed(attempt, error, tools.settings.retries, is_offline=tools.uplinks.reach.is_away)

    async def _finish(self, run: Run, attempt: Attempt, end: End) -> None:
        """Write the end. A database that cannot take it now (full disk) is asked again until it can."""
        if end.is_cleaned and end.to is not JobStatus.COMPLETED:
            await asyncio.to_thread(clean_folder_blocking, attempt.folder)
        await attempt.settle()
        while True:
            # Whoever is claimed for the slot is claimed behind this in the store's queue.
            run.leave()
            try:
                await self._store.jobs.transition(
                    attempt.job.id,
                    JobStatus.RUNNING,
                    end.to,
                    attempt=attempt.job.attempt,
                    now=time.time(),
                    events=(*attempt.unwritten_events, *attempt.staged(end.events)),
                    **{**attempt.unwritten_facts, **end.facts},
                )
            except (DiskFull, StoreFailure) as error:
                log.error("the end of an attempt could not be stored", extra=_context(attempt, error))  # noqa: TRY400 -- no fault of ours to trace
                run.is_leaving = False
                await self._disk.drop_ballast()
                await asyncio.sleep(STORE_AGAIN_S)
            except ReeldeckError as error:
                log.error("the end of an attempt was refused", extra=_context(attempt, error))  # noqa: TRY400 -- as above
                return
            else:
                break
        if end.is_cleaned and end.to is JobStatus.COMPLETED:
            # Only now: until the end is stored, these files are what a crash would go on from.
            await asyncio.to_thread(clean_folder_blocking, attempt.folder)


def _context(attempt: Attempt, error: ReeldeckError) -> dict[str, Any]:
    return {"job_id": attempt.job.id, "error_type": error.code, "detail": error.detail}
