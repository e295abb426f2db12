"""P9: many small jobs, from the link to the file in the library, and how quickly links are accepted."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.figures import Figure
from core.config.settings import Settings
from core.domain.events import Event, EventType
from core.domain.job import Request
from core.engine.engine import Engine
from tests.fakes.media import audio_m4a
from tests.fakes.origin import Origin

JOBS = 600
#: Links of a batch, and how many are given one by one.
BATCH, SINGLE = 500, 300
_ENDS = frozenset({EventType.JOB_COMPLETED, EventType.JOB_FAILED})


async def measure() -> list[Figure]:
    """Jobs a second with four at a time, and links a second that are on disk when they are answered."""
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-small-") as folder:
        song = audio_m4a(Path(folder) / "song.m4a", 1).read_bytes()
        async with _Counted.running(Path(folder) / "works", song) as counted:
            await counted.run("warm", 20)
            spent_s = time.process_time()
            jobs_a_second = await counted.run("song", JOBS)
            spent_s = (time.process_time() - spent_s) / JOBS
        async with _Counted.running(Path(folder) / "rests", song, quiet_hours="00:00-23:59") as counted:
            batches = await counted.accept("batch", BATCH, at_once=True)
            singly = await counted.accept("single", SINGLE, at_once=False)
    size = f"{len(song) / 1024:.0f} KiB"
    return [
        _at_least(f"P9 jobs of {size} to their end, 4 at a time", jobs_a_second, "/s", limit=60),
        Figure(work="P9 CPU of one, its server included", measured=spent_s * 1000, unit="ms"),
        _at_least("P9 links accepted, in a batch", batches, "/s", limit=1000),
        _at_least("P9 links accepted, one after the other", singly, "/s", limit=300),
    ]


def _at_least(work: str, measured: float, unit: str, *, limit: float) -> Figure:
    return Figure(
        work=work, measured=measured, unit=unit, goal=f"≥ {limit:g} {unit}", is_met=measured >= limit
    )


class _Counted:
    """An engine whose ended jobs are counted, and the site that it fetches from."""

    def __init__(self, folder: Path, origin: Origin, song: bytes, **limits: str) -> None:
        settings = {
            "paths": {"data_dir": folder},
            "network": {"allow_addresses": ("127.0.0.0/8",)},
            "limits": {"max_parallel_jobs": 4, "max_parallel_jobs_per_source": 4, **limits},
        }
        self.engine = Engine(Settings.model_validate(settings), on_event=self._on_event)
        self._origin, self._song = origin, song
        self._ended, self._failed = 0, 0
        self._change = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, song: bytes, **limits: str) -> AsyncIterator[_Counted]:
        """Both of them, up."""
        async with Origin() as origin:
            made = cls(folder, origin, song, **limits)
            await made.engine.start()
            try:
                yield made
            finally:
                await made.engine.stop()

    async def run(self, name: str, count: int) -> float:
        """Fetch so many songs; how many there were a second."""
        requests = [self._request(name, number) for number in range(count)]
        wanted, began = self._ended + count, time.perf_counter()
        await self.engine.submit_many(requests)
        while self._ended < wanted:
            self._change.clear()
            await self._change.wait()
        if self._failed:
            raise SystemExit(f"{self._failed} jobs failed")
        return count / (time.perf_counter() - began)

    async def accept(self, name: str, count: int, *, at_once: bool) -> float:
        """Give links; how many there were a second."""
        requests = [self._request(name, number) for number in range(count)]
        began = time.perf_counter()
        if at_once:
            await self.engine.submit_many(requests)
        else:
            for request in requests:
                await self.engine.submit(request)
        return count / (time.perf_counter() - began)

    def _request(self, name: str, number: int) -> Request:
        path = f"/{name}{number}.m4a"
        self._origin.put(path, self._song, etag=f'"{number}"')
        return Request(url=self._origin.url(path))

    def _on_event(self, event: Event, _job: object) -> None:
        self._ended += event.type in _ENDS
        self._failed += event.type is EventType.JOB_FAILED
        self._change.set()
