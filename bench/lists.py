"""A list of 5,000 items: how long it is previewed, expanded and acted on, and what others feel of it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, at_most
from core.config.settings import Settings
from core.domain.job import Job, JobStatus, Request
from core.engine.engine import Engine
from core.sources import registry
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.fakes.playlists import Playlists

ITEMS = 5_000
#: The event loop is free again within this time, whatever is going on.
LOOP_MS = 50.0
_TICK_S = 0.002


async def measure() -> list[Figure]:
    """Every figure, each with the longest time for which the event loop did nothing else."""
    figures: list[Figure] = []
    async with _engine() as (engine, origin):
        watch = _Watch(figures)
        # What the first request of an engine loads is no cost of lists.
        await engine.preview(Request(url=origin.url("/tone.mp3")))
        async with watch.during("preview"):
            await engine.preview(Request(url=origin.url("/list")))
        async with watch.during("expansion"):
            submitted = await engine.submit(Request(url=origin.url("/list")))
            # Something else, asked for at the worst time.
            began = time.perf_counter()
            other = await engine.submit(Request(url=origin.url("/tone.mp3")))
            await _ended(engine, other.job.id)
            other_s = time.perf_counter() - began
            parent = await _ended(engine, submitted.job.id)
        figures.append(Figure(work="another job, meanwhile, from asking to done", measured=other_s, unit="s"))
        assert parent.group_id is not None
        for action in ("pause", "resume", "cancel", "retry"):
            async with watch.during(action):
                await engine.control_group(parent.group_id, action)
        async with watch.during("group's figures, 100 times"):
            for _ in range(100):
                await engine.group(parent.group_id)
        await engine.control_group(parent.group_id, "cancel")
    return figures


@dataclass
class _Watch:
    """Measures how long things take, and how busy the event loop is meanwhile."""

    figures: list[Figure]

    @asynccontextmanager
    async def during(self, what: str) -> AsyncIterator[None]:
        late: list[float] = []
        watcher = asyncio.create_task(self._look(late))
        began = time.perf_counter()
        yield
        taken_s = time.perf_counter() - began
        watcher.cancel()
        await asyncio.wait({watcher})
        self.figures.append(Figure(work=f"{what}, {ITEMS:,} items", measured=taken_s, unit="s"))
        worst_ms = max(late, default=0.0) * 1000
        self.figures.append(at_most(f"{what}: event loop busy at a stretch", worst_ms, "ms", limit=LOOP_MS))

    async def _look(self, late: list[float]) -> None:
        while True:
            # The loop's own work, whatever else this machine does.
            before = time.thread_time()
            await asyncio.sleep(_TICK_S)
            late.append(time.thread_time() - before)


@asynccontextmanager
async def _engine() -> AsyncIterator[tuple[Engine, Origin]]:
    """An engine and an origin with a list, whose items stand still."""
    async with Origin() as origin:
        tone = made_once(audio_mp3, "tone.mp3").read_bytes()
        origin.put("/list", b"page", content_type="text/html")
        origin.put("/held.mp3", tone).always = Fault(hold_after=100)
        origin.put("/tone.mp3", tone)
        registry.known_sources = lambda *_: [Direct(), Playlists(origin, ITEMS)]
        with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
            engine = Engine(_settings(Path(folder)))
            await engine.start()
            try:
                yield engine, origin
            finally:
                await engine.stop()


def _settings(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "paths": {"data_dir": folder},
            "limits": {"max_playlist_items": ITEMS, "min_free_disk_bytes": 2**20},
            "network": {"allow_addresses": ("127.0.0.0/8",)},
        }
    )


async def _ended(engine: Engine, job_id: int) -> Job:
    async for _frame in engine.stream():
        job = await engine.job(job_id)
        if job.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
            return job
    raise AssertionError("the stream ended")
