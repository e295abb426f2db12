"""Give free slots to the right jobs: by priority, where something may start, while the disk has room."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable

from core.domain.errors import DiskFull, StoreFailure
from core.domain.events import EventType
from core.domain.job import WAITING_DISK, WAITING_NETWORK, WAITING_QUIET, Job, JobStatus
from core.engine.breaker import Breakers, Verdict, verdict_on
from core.engine.disk import DiskGuard
from core.engine.ending import Interruption
from core.engine.openings import Opening, Openings
from core.engine.runner import Run, Runner
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: How often the disks are looked at, and jobs whose time has come are looked for at the latest.
LOOK_S = 3.0
#: Wishes that one claim looks for.
_HURRIED = 500


class Scheduler:
    """Claims jobs for this engine and starts their runs.

    Args:
        store: Where jobs are claimed.
        runner: Runs them.
        disk: Says when to hold.
        openings: Says what may start, and whether there is a network.
        breakers: Hear how the runs end.
        engine: This engine's name in claims.
        epoch: This start of it.
        only: When set, no other jobs than these are run (`reeldeck get` without an engine).
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        disk: DiskGuard,
        openings: Openings,
        breakers: Breakers,
        *,
        engine: str,
        epoch: int,
        only: set[int] | None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._disk = disk
        self._openings = openings
        self._breakers = breakers
        self._engine = engine
        self._epoch = epoch
        self._only = only
        self._runs: dict[int, Run] = {}
        #: Jobs that a person wants to run now, whether it is quiet or not; the last wish is the last entry.
        self._hurried: dict[int, None] = {}
        self._is_fresh = True
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._has_room = True
        self._is_open = True
        #: The last claim that brought nothing, and how often a job had become QUEUED before it.
        self._dry: tuple[int, frozenset[str], frozenset[tuple[str, str]], frozenset[int] | None] | None = None

    @property
    def in_flight(self) -> Counter[str]:
        """Running jobs by source."""
        return Counter(run.job.source_type for run in self._runs.values() if not run.is_leaving)

    @property
    def has_room(self) -> bool:
        """Whether the disks have room for new work."""
        return self._has_room

    def wake(self) -> None:
        """Something may have become ready."""
        self._wake.set()

    def hurry(self, job: Job) -> None:
        """A person wants this job to run now: quiet hours do not hold it until it has ended."""
        self._hurried.pop(job.id, None)
        self._hurried[job.id] = None
        self._wake.set()

    def forgive(self, job: Job) -> None:
        """A person thinks that this job may work: if its breaker is open, one may try."""
        if (breaker := self._breakers.of(job)) is not None:
            breaker.forgive(time.time())
        self._wake.set()

    async def run_of(self, job_id: int) -> Run | None:
        """The run of a job, if this engine runs it."""
        async with self._claiming:
            return self._runs.get(job_id)

    async def run(self) -> None:
        """Schedule until cancelled."""
        looked = 0.0
        while True:
            self._wake.clear()
            try:
                if time.monotonic() - looked >= LOOK_S:
                    looked = time.monotonic()
                    self._breakers.forget(time.time())
                    await self._look_at_disks()
                if self._store.counts[JobStatus.PENDING]:
                    await self._store.jobs.promote(now=time.time())
                    await self._let_go()
                self._is_fresh = False
                self._keep_quiet()
                await self._fill()
                pause_s = await self._pause_s()
            except (DiskFull, StoreFailure) as error:
                log.warning("the store cannot be written to", extra={"detail": str(error)})
                pause_s = LOOK_S
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _pause_s(self) -> float:
        now = time.time()
        # A breaker whose time has come and that still waits has no job to try with: a new one will wake us.
        dues = [breaker.retry_at for breaker in self._breakers if breaker.retry_at and breaker.retry_at > now]
        if self._store.counts[JobStatus.PENDING] and (due := await self._store.jobs.next_due()) is not None:
            dues.append(due)
        return min([LOOK_S, *(max(0.01, due - now) for due in dues)])

    async def _fill(self) -> None:
        """Claim and start as many jobs as may start."""
        only = None if self._only is None else frozenset(self._only)
        while self._is_open and self._has_room:
            opening = self._openings.at(time.time(), self.in_flight)
            if opening is None:
                return
            hurried = frozenset(list(self._hurried)[-_HURRIED:])
            if opening.quiet and hurried and await self._claim(opening, opening.sources, hurried):
                continue
            if not await self._claim(opening, opening.sources | opening.quiet, only):
                return

    async def _claim(
        self, opening: Opening, exclude_sources: frozenset[str], only: frozenset[int] | None
    ) -> bool:
        """Start what one claim brings; whether that was anything."""
        wanted = self._store.queued_count, exclude_sources, opening.hosts, only
        if wanted == self._dry:
            return False
        async with self._claiming:
            claimed = await self._store.jobs.claim(
                engine=self._engine,
                epoch=self._epoch,
                now=time.time(),
                limit=opening.limit,
                exclude_sources=exclude_sources,
                exclude_hosts=opening.hosts,
                only=only,
            )
            for job in claimed:
                self._start(job)
        self._dry = None if claimed else wanted
        return bool(claimed)

    def _keep_quiet(self) -> None:
        """Put back what fetches something of a source whose quiet hours have begun."""
        now = time.time()
        for run in self._runs.values():
            until = self._openings.quiet_until(run.current.source_type, now)
            if until is not None and run.job.id not in self._hurried and run.can_fetch_later:
                run.interrupt(Interruption.QUIET, until=until)

    async def _let_go(self) -> None:
        """Queue what waits for something that is there again."""
        # Quiet hours end by themselves, but at the engine's start they may be others than those waited for.
        ended = [WAITING_QUIET] if self._is_fresh or not self._openings.minds_quiet else []
        if not self._openings.is_network_away:
            ended.append(WAITING_NETWORK)
        for waiting_for in ended:
            if await self._store.jobs.is_waited_for(waiting_for):
                await self._store.jobs.unpark(waiting_for, now=time.time())

    def _start(self, job: Job) -> None:
        run = Run(job, on_leaving=self._wake.set)
        self._runs[job.id] = run
        self._openings.started()
        if (breaker := self._breakers.of(job)) is not None:
            breaker.started(job.id, now=time.time())
        run.task = asyncio.create_task(self._runner.run(run), name=f"job-{job.id}")
        run.task.add_done_callback(self._ended(run))

    def _ended(self, run: Run) -> Callable[[asyncio.Task[None]], None]:
        def forget(task: asyncio.Task[None]) -> None:
            self._runs.pop(run.job.id, None)
            if run.end is not None and run.end.to.is_final:
                self._hurried.pop(run.job.id, None)
            self._hear(run)
            run.error = None  # its traceback leads back to the run: a circle
            if not task.cancelled() and (fault := task.exception()) is not None:
                log.error("a run ended in a fault", extra={"job_id": run.job.id}, exc_info=fault)
            self._wake.set()

        return forget

    def _hear(self, run: Run) -> None:
        """Tell the breakers how a run went: the one it began under, and the one of where its link led."""
        is_own_end = run.end is not None and run.reason is None
        verdict = verdict_on(run.error, run.stage) if is_own_end else Verdict.SILENT
        if verdict is Verdict.FAILS and self._openings.is_network_away:
            verdict = Verdict.SILENT
        began, ended = self._breakers.of(run.job), self._breakers.of(run.current)
        if began is not None and began is not ended:
            # Whatever came of it, this one could say where to go.
            began.ended(run.job.id, Verdict.WORKS, retry_after_s=None, now=time.time())
        if ended is not None:
            ended.ended(
                run.job.id,
                verdict,
                retry_after_s=run.error.retry_after_s if run.error else None,
                now=time.time(),
                reason=run.error.code if run.error else None,
            )

    async def _look_at_disks(self) -> None:
        free = await self._disk.free()
        had_room, self._has_room = self._has_room, free >= self._disk.min_free_bytes
        if self._has_room:
            await self._disk.hold_ballast()
        if had_room and not self._has_room:
            log.warning("disk space is low: downloads wait", extra={"free_bytes": free})
            seen = {"free_bytes": free, "min_free_bytes": self._disk.min_free_bytes}
            for run in self._runs.values():
                run.interrupt(Interruption.DISK)
            await self._store.jobs.note(None, now=time.time(), events=[(EventType.DISK_LOW, seen)])
        if (
            self._has_room
            and await self._store.jobs.is_waited_for(WAITING_DISK)
            and await self._disk.has_recovered()
        ):
            await self._store.jobs.unpark(WAITING_DISK, now=time.time())

    async def stop(self, *, within_s: float) -> None:
        """Start nothing more, and put running jobs back into the queue."""
        self._is_open = False
        async with self._claiming:
            runs = list(self._runs.values())
        for run in runs:
            run.interrupt(Interruption.STOP)
        tasks = [run.task for run in runs if run.task is not None]
        if not tasks:
            return
        _, stuck = await asyncio.wait(tasks, timeout=within_s)
        for task in stuck:
            # The next start finds these RUNNING with an old epoch and takes them up again.
            log.error("a job did not stop in time", extra={"task": task.get_name()})
            task.cancel()
