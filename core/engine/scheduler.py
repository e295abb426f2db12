"""Give free slots to the right jobs: by priority, within the limits, and only while the disk has room."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context

from core.config.settings import Settings
from core.domain.errors import DiskFull, StoreFailure
from core.domain.events import EventType
from core.domain.job import WAITING_DISK, Job
from core.engine.breaker import Breakers, Verdict, verdict_on
from core.engine.disk import DiskGuard
from core.engine.runner import Interruption, Run, Runner
from core.net.pace import PACE_OF_TASK, HostPace
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: How often the disks are looked at, and jobs whose time has come are looked for at the latest.
LOOK_S = 3.0
#: A site that asks for a longer pause is left, and asked again by the job's next attempt.
PATIENCE_S = 10.0
#: Requests of one source to one host that may wait for their turn: the connections of all its jobs.
QUEUED_REQUESTS = 64


class Scheduler:
    """Claims jobs for this engine and starts their runs.

    Args:
        store: Where jobs are claimed.
        runner: Runs them.
        disk: Says when to hold.
        settings: The limits.
        breakers: Say which sources are left alone, and hear how the runs end.
        engine: This engine's name in claims.
        epoch: This start of it.
        only: When set, no other jobs than these are run (`reeldeck get` without an engine).
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        disk: DiskGuard,
        settings: Settings,
        breakers: Breakers,
        *,
        engine: str,
        epoch: int,
        only: set[int] | None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._disk = disk
        self._settings = settings
        self._breakers = breakers
        self._engine = engine
        self._epoch = epoch
        self._only = only
        self._runs: dict[int, Run] = {}
        self._paces: dict[str, HostPace] = {}
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._has_room = True
        self._is_open = True

    @property
    def in_flight(self) -> Counter[str]:
        """Running jobs by source."""
        return Counter(run.job.source_type for run in self._runs.values())

    @property
    def has_room(self) -> bool:
        """Whether the disks have room for new work."""
        return self._has_room

    def wake(self) -> None:
        """Something may have become ready."""
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
                    await self._look_at_disks()
                await self._store.jobs.promote(now=time.time())
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
        if (due := await self._store.jobs.next_due()) is not None:
            dues.append(due)
        return min([LOOK_S, *(max(0.01, due - now) for due in dues)])

    async def _fill(self) -> None:
        """Claim and start as many jobs as there are free slots."""
        limits = self._settings.limits
        while self._is_open and self._has_room and (free := limits.max_parallel_jobs - len(self._runs)) > 0:
            room = {name: self._limit_of(name) - count for name, count in self.in_flight.items()}
            for breaker in self._breakers:
                if (trials := breaker.free(time.time())) is not None:
                    room[breaker.source] = min(trials, room.get(breaker.source, trials))
            full = frozenset(name for name, left in room.items() if left <= 0)
            # One claim may bring several jobs of one source: no more than the tightest has room for.
            tightest = min([left for left in room.values() if left > 0], default=free)
            most = min(free, tightest, self._limit_of_others())
            async with self._claiming:
                claimed = await self._store.jobs.claim(
                    engine=self._engine,
                    epoch=self._epoch,
                    now=time.time(),
                    limit=most,
                    exclude_sources=full,
                    only=None if self._only is None else frozenset(self._only),
                )
                for job in claimed:
                    self._start(job)
            if not claimed:
                return

    def _limit_of(self, source: str) -> int:
        own = self._settings.sources.of(source).max_parallel
        return own if own is not None else self._settings.limits.max_parallel_jobs_per_source

    def _limit_of_others(self) -> int:
        """The smallest limit that any source may have."""
        default = self._settings.limits.max_parallel_jobs_per_source
        return min([default, *self._settings.sources.own_limits()])

    def _pace_of(self, source: str) -> HostPace:
        """The pace that all jobs of a source keep together."""
        if source not in self._paces:
            rate = self._settings.sources.of(source).rate_per_s
            # Our own queue is waited in to its end; what the site asks for beyond that ends the attempt.
            patience_s = max(PATIENCE_S, QUEUED_REQUESTS / rate) if rate else PATIENCE_S
            self._paces[source] = HostPace(rate, patience_s=patience_s)
        return self._paces[source]

    def _start(self, job: Job) -> None:
        run = Run(job)
        self._runs[job.id] = run
        if (breaker := self._breakers.get(job.source_type)) is not None:
            breaker.started(job.id, now=time.time())
        context = copy_context()
        context.run(PACE_OF_TASK.set, self._pace_of(job.source_type))
        run.task = asyncio.create_task(self._runner.run(run), name=f"job-{job.id}", context=context)
        run.task.add_done_callback(self._ended(run))

    def _ended(self, run: Run) -> Callable[[asyncio.Task[None]], None]:
        def forget(task: asyncio.Task[None]) -> None:
            self._runs.pop(run.job.id, None)
            self._hear(run)
            if not task.cancelled() and (fault := task.exception()) is not None:
                log.error("a run ended in a fault", extra={"job_id": run.job.id}, exc_info=fault)
            self._wake.set()

        return forget

    def _hear(self, run: Run) -> None:
        """Tell the source's breaker how a run went."""
        if (breaker := self._breakers.get(run.job.source_type)) is not None:
            is_own_end = run.end is not None and run.reason is None
            breaker.ended(
                run.job.id,
                verdict_on(run.error, run.stage) if is_own_end else Verdict.SILENT,
                retry_after_s=run.error.retry_after_s if run.error else None,
                now=time.time(),
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
