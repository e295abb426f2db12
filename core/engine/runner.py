"""Run one attempt of a job from its checkpoint to its end, whatever the end is."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from structlog.contextvars import bind_contextvars

from core.domain.errors import (
    DiskFull,
    InvalidRequest,
    JobError,
    ParserFailure,
    RateLimited,
    ReeldeckError,
    RequestError,
    RetryPolicy,
    StageTimeout,
    StaleClaim,
    StoreFailure,
    Unknown,
)
from core.domain.events import EventType
from core.domain.job import WAITING_DISK, WAITING_NETWORK, WAITING_QUIET, Job, JobStatus, Stage, iso
from core.engine import attempt as keys
from core.engine import finishing, recording, stages
from core.engine.attempt import Attempt, EventWithData, clean_folder_blocking
from core.engine.checks import LoginChecks
from core.engine.disk import DiskGuard
from core.engine.live import LiveBoard
from core.engine.logins import Logins, LoginWanted
from core.engine.retry import Decision, decide
from core.engine.toolbox import Toolbox
from core.engine.twins import Twins, taken_over
from core.net.pace import PAYER
from core.sources.base import Elsewhere
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: How long to wait before the end of an attempt is written again, when the database cannot take it.
STORE_AGAIN_S = 2.0


class Interruption(StrEnum):
    """Why a running attempt is cancelled from outside."""

    PAUSE = "pause"
    CANCEL = "cancel"
    STOP = "stop"
    """The engine stops: the job goes back into the queue."""
    DISK = "disk"
    """The disk is too full to go on."""
    QUIET = "quiet"
    """The owner's quiet hours have begun."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an attempt ends: the move, what is told, and what becomes of the fetched files."""

    to: JobStatus
    events: Sequence[EventWithData]
    facts: dict[str, Any]
    is_cleaned: bool = False


#: What a finished job has left behind.
_NO_TROUBLE: Mapping[str, Any] = {
    "checkpoint": {},
    **dict.fromkeys(("error_type", "error_message", "error_hint", "waiting_for", "not_before")),
}

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
                await self._finish(attempt, end)
        finally:
            self._live.end(job.id)

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
            return _interrupted(run)
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
            run.error, run.stage = _as_job_error(error, attempt.job), attempt.job.stage
            return self._failed(attempt, run.error)
        finally:
            # The end is known: an interruption from here on must not keep it from being written.
            run.is_ending = True
            await logins.close()

    async def _work(self, attempt: Attempt, logins: Logins) -> End | None:
        """The end, None when the job waits for another one from now on."""
        if keys.FINAL in attempt.checkpoint and await asyncio.to_thread(stages.is_archived_blocking, attempt):
            return _completed(attempt, Path(attempt.checkpoint[keys.FINAL]))
        twin = await self._twins.waited_for(attempt)
        if twin is None:
            try:
                return await self._stages(attempt, logins)
            except Elsewhere as elsewhere:
                twin = await self._twins.at(attempt, elsewhere.url)
        if twin is not None:
            return _as_twin(attempt, twin)
        return _again(attempt) if attempt.job.status is JobStatus.RUNNING else None

    async def _stages(self, attempt: Attempt, logins: Logins) -> End | None:
        """As `_work`, from the first stage on. Raises Elsewhere when the link turns out to lead elsewhere."""
        await stages.resolve(attempt, self._tools, logins)
        if (twin := await self._twins.of_media(attempt)) is not None:
            return _as_twin(attempt, twin)
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
        await stages.check(attempt, self._tools, self._disk)
        await stages.download(attempt, self._tools, logins)
        await logins.succeeded(attempt.resolution.source)
        await finishing.process(attempt, self._tools)
        await finishing.validate(attempt, self._tools)
        return _completed(attempt, await stages.archive(attempt, self._tools))

    def _failed(self, attempt: Attempt, error: JobError) -> End:
        job = attempt.job
        told: dict[str, Any] = {
            "error_type": error.code,
            "error_message": str(error),
            "error_hint": error.hint,
        }
        if isinstance(error, DiskFull):
            self._disk.failed_now()
        decision = decide(
            error,
            retry_count=job.retry_count,
            settings=self._tools.settings.retries,
            chance=random.random(),  # noqa: S311 -- jitter, not a secret
        )
        seen = stages.failure(error)
        if isinstance(error, RateLimited):
            # What its child processes were told, nobody else has heard.
            ago_s = time.time() - attempt.started
            self._tools.uplinks.refused(job.source_type, job.url, error.retry_after_s, ago_s=ago_s)
        if self._tools.uplinks.reach.is_away and error.retry_policy is RetryPolicy.BACKOFF:
            # Nothing can be reached: that is no fault of the job's, and uses up none of its retries.
            decision = Decision(event=EventType.PARKED, waiting_for=WAITING_NETWORK)
        if decision.from_clean and recording.is_kept(attempt):
            decision = replace(decision, from_clean=False)
        if decision.is_final:
            events = [(decision.event, seen), (EventType.JOB_FAILED, seen | {"hint": error.hint})]
            return End(to=JobStatus.FAILED, events=events, facts=told | {"checkpoint": attempt.checkpoint})
        if isinstance(error, LoginWanted):
            # It says whose login is waited for, which the link alone may not have told.
            told["source_type"] = error.source
        facts = told | {
            "waiting_for": decision.waiting_for,
            "not_before": None if decision.wait_s is None else time.time() + decision.wait_s,
            "retry_count": job.retry_count + decision.counts,
            "checkpoint": {} if decision.from_clean else attempt.checkpoint,
        }
        events = [(decision.event, seen | {"waiting_for": decision.waiting_for, "wait_s": decision.wait_s})]
        return End(to=JobStatus.PENDING, events=events, facts=facts, is_cleaned=decision.from_clean)

    async def _finish(self, attempt: Attempt, end: End) -> None:
        """Write the end. A database that cannot take it now (full disk) is asked again until it can."""
        if end.is_cleaned and end.to is not JobStatus.COMPLETED:
            await asyncio.to_thread(clean_folder_blocking, attempt.folder)
        while True:
            try:
                await self._store.jobs.transition(
                    attempt.job.id,
                    JobStatus.RUNNING,
                    end.to,
                    attempt=attempt.job.attempt,
                    now=time.time(),
                    events=(*attempt.unwritten_events, *end.events),
                    **{**attempt.unwritten_facts, **end.facts},
                )
            except (DiskFull, StoreFailure) as error:
                log.error("the end of an attempt could not be stored", extra=_context(attempt, error))  # noqa: TRY400 -- no fault of ours to trace
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


def _as_job_error(error: Exception, job: Job) -> JobError:
    """Every end of an attempt has one of the job classes."""
    match error:
        case JobError():
            return error
        case ExceptionGroup():
            return _as_job_error(error.exceptions[0], job)
        case TimeoutError():
            return StageTimeout(f"in stage {job.stage.value}" if job.stage else "")
        case InvalidRequest():
            return ParserFailure(f"an address that the source gave cannot be used: {error.detail}")
        case RequestError():
            return Unknown(str(error), hint=error.hint)
        case _:
            return Unknown(type(error).__name__)


def _context(attempt: Attempt, error: ReeldeckError) -> dict[str, Any]:
    return {"job_id": attempt.job.id, "error_type": error.code, "detail": error.detail}


def _completed(attempt: Attempt, path: Path) -> End:
    info, digest = attempt.info, attempt.checkpoint[keys.DIGEST]
    seen = {"file_path": str(path), "size_bytes": info.size_bytes, "sha256": digest}
    return End(
        to=JobStatus.COMPLETED,
        events=[(EventType.ARCHIVED, seen), (EventType.JOB_COMPLETED, seen)],
        facts={
            "file_path": str(path),
            "size_bytes": info.size_bytes,
            "bytes_done": info.size_bytes,
            "sha256": digest,
            **_NO_TROUBLE,
            "error_message": attempt.checkpoint.get(keys.NOTE),
        },
        is_cleaned=True,
    )


def _again(attempt: Attempt) -> End:
    """The job has another link now: back into the queue, where the limits of its source hold."""
    led = {"leads_to": urlsplit(attempt.job.url).hostname}
    return End(
        to=JobStatus.PENDING,
        events=[(EventType.METADATA_FETCH_FINISHED, led)],
        facts={"checkpoint": attempt.checkpoint, "forced_source": None},
        is_cleaned=True,
    )


def _as_twin(attempt: Attempt, twin: Job) -> End:
    events, facts = taken_over(attempt, twin)
    return End(to=JobStatus.COMPLETED, events=events, facts={**_NO_TROUBLE, **facts}, is_cleaned=True)


def _interrupted(run: Run) -> End:
    match run.reason:
        case Interruption.PAUSE:
            return End(to=JobStatus.PAUSED, events=[], facts={})
        case Interruption.CANCEL:
            events: list[EventWithData] = [(EventType.JOB_CANCELLED, {})]
            return End(to=JobStatus.CANCELLED, events=events, facts={"checkpoint": {}}, is_cleaned=True)
        case Interruption.DISK:
            parked: list[EventWithData] = [(EventType.PARKED, {"waiting_for": WAITING_DISK})]
            return End(to=JobStatus.PENDING, events=parked, facts={"waiting_for": WAITING_DISK})
        case Interruption.QUIET:
            waits = {"waiting_for": WAITING_QUIET, "not_before": run.until}
            quiet: list[EventWithData] = [
                (EventType.PARKED, {"waiting_for": WAITING_QUIET, "until": iso(run.until)})
            ]
            return End(to=JobStatus.PENDING, events=quiet, facts=waits)
        case _:
            return End(to=JobStatus.PENDING, events=[], facts={})
