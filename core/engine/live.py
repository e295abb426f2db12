"""Live figures of running transfers: kept in memory, stored once a second, shown four times a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from core.domain.errors import DiskFull, StoreFailure
from core.domain.job import Job, JobStatus
from core.net.progress import Progress
from core.store.jobs import Jobs

log = logging.getLogger("reeldeck.engine")

TICK_S = 0.25
TICKS_PER_STORE = 4
#: Weight of the newest tick in the shown rate: about two seconds of memory.
SMOOTHING = 0.12


class Meter:
    """Progress of one running job. Track by track, because video and audio arrive side by side."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._done: dict[int, int] = {}
        self._total: dict[int, int | None] = {}
        self._recorded_s: float | None = None
        self._last_done: int | None = None
        self._last_tick = time.monotonic()
        self.rate_bps: float | None = None
        self.is_changed = False
        self._is_finished = False

    @property
    def done_bytes(self) -> int:
        """Bytes on disk, all tracks."""
        return sum(self._done.values())

    @property
    def total_bytes(self) -> int | None:
        """Bytes expected, None while a track's size is unknown."""
        sizes = list(self._total.values())
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None

    def track(self, index: int, total: int | None) -> Progress:
        """The progress callback of the track *index*."""
        self._done[index] = 0
        self._total[index] = total

        def update(done: int, total: int | None, /, *, recorded_s: float | None = None) -> None:
            self._done[index] = done
            if total is not None:
                self._total[index] = total
            self._recorded_s = recorded_s
            self.is_changed = True

        return update

    def finish(self) -> None:
        """All tracks have arrived: from now on there is no rate, and the length is in the record."""
        self._recorded_s = None
        self._done, self._total = {0: self.done_bytes}, {0: self.done_bytes}
        self.rate_bps = None
        self._is_finished = True

    def process(self, share: float) -> None:
        """*share* of what arrived has been merged or converted: it is counted once more, from zero."""
        size_bytes = self.job.size_bytes or 0
        self._done, self._total = {0: round(size_bytes * share)}, {0: size_bytes or None}
        self.rate_bps = None
        self._is_finished = True
        self.is_changed = True

    def tick(self, now: float) -> None:
        """Bring the rate up to date; *now* is monotonic."""
        if self._is_finished:
            return
        done, elapsed = self.done_bytes, now - self._last_tick
        if self._last_done is not None and elapsed > 0:
            newest = max(0, done - self._last_done) / elapsed
            # The first figure stands as it is: an average that starts at zero would lie for seconds.
            old = newest if self.rate_bps is None else self.rate_bps
            self.rate_bps = old + SMOOTHING * (newest - old)
            self.is_changed = self.is_changed or newest > 0
        self._last_done, self._last_tick = done, now

    def overlay(self, job: Job) -> Job:
        """*job* with the live figures in place of the stored ones."""
        return job.evolve(
            bytes_done=max(self.done_bytes, 0) or job.bytes_done,
            size_bytes=self.total_bytes or job.size_bytes,
            duration_s=self._recorded_s or job.duration_s,
            rate=self.rate_bps,
        )


class LiveBoard:
    """All meters, and the clock that shows and stores them."""

    def __init__(self, jobs: Jobs, show: Callable[[list[Job]], None]) -> None:
        self._jobs = jobs
        self._show = show
        self._meters: dict[int, Meter] = {}

    @property
    def speed_bps(self) -> float:
        """Bytes per second of all transfers."""
        return sum(meter.rate_bps or 0.0 for meter in self._meters.values())

    def begin(self, job: Job) -> Meter:
        """Start to show a job's transfer."""
        meter = self._meters[job.id] = Meter(job)
        return meter

    def end(self, meter: Meter) -> None:
        """Its attempt no longer transfers. The job's next one may have begun already."""
        if self._meters.get(meter.job.id) is meter:
            del self._meters[meter.job.id]

    def stored(self, jobs: Iterable[Job]) -> list[Job]:
        """*jobs*, which were just stored, as they stand this instant.

        An attempt whose end is among them is shown no more: who was told of the end would take what comes
        afterwards for the news.
        """
        shown: list[Job] = []
        for job in jobs:
            meter = self._meters.get(job.id)
            if meter and (job.status is not JobStatus.RUNNING or job.attempt != meter.job.attempt):
                self.end(meter)
            shown.append(self.overlay(job))
        return shown

    def overlay(self, job: Job) -> Job:
        """*job* as it stands this instant."""
        meter = self._meters.get(job.id)
        # A run ends a moment after its job: what is stored by then is the last word.
        is_running = job.status is JobStatus.RUNNING
        return meter.overlay(job) if meter and is_running and meter.job.attempt == job.attempt else job

    async def run(self) -> None:
        """Tick until cancelled."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            ticks += 1
            now = time.monotonic()
            changed: list[Meter] = []
            for meter in self._meters.values():
                meter.tick(now)
                if meter.is_changed:
                    changed.append(meter)
            if changed:
                self._show([meter.overlay(meter.job) for meter in changed])
            if ticks % TICKS_PER_STORE == 0:
                for meter in changed:
                    await self._store(meter)

    async def _store(self, meter: Meter) -> None:
        meter.is_changed = False
        try:
            await self._jobs.progress(
                meter.job.id,
                attempt=meter.job.attempt,
                bytes_done=meter.done_bytes,
                size_bytes=meter.total_bytes,
                rate=meter.rate_bps,
            )
        except (DiskFull, StoreFailure) as error:
            # Figures are a comfort; what must be stored is stored by the runner, which waits until it can be.
            log.warning("progress could not be stored", extra={"job_id": meter.job.id, "detail": str(error)})
