"""Dashboards that come and go while the engine works: nothing of them stays, on either side."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import weakref
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import psutil
import pytest

from bench.dashboard_terminal import Terminal, at_work
from core.api.server import ApiServer
from core.client.http import HttpEngineClient
from core.domain.job import JobStatus, Request
from core.engine.engine import Engine
from tests.acceptance.program import REELDECK
from tests.fakes.api import serving
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Origin
from tui.app import ReeldeckApp

log = logging.getLogger("campaign")
JOBS = 3
#: Slow enough that all of them run as long as dashboards come and go.
RATE_BPS = 32 * 1024
#: One that stays, and those that come and go, are of different sizes.
STAYING, PASSING = (140, 40), (80, 24)
KEYS = ("j", "2", "1", "enter", "escape")
#: The first ones load what is loaded once.
WARM_UP = 1
#: What Python may keep after fifty dashboards that were part of this process, or programs of their own.
HERE_BYTES, THERE_BYTES = 48 * 2**20, 6 * 2**20
#: asyncio's pool for blocking work grows up to this as it is needed, and stays.
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
#: Textual may still hold the last one.
LAST_ONES = 1
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds."""

    descriptors: int
    threads: int
    children: int
    tasks: int = 0
    streams: int = 0

    @classmethod
    def by(cls, process: psutil.Process, **more: int) -> Held:
        return cls(process.num_fds(), process.num_threads(), len(process.children()), **more)


@contextlib.asynccontextmanager
async def attached(server: ApiServer, size: tuple[int, int], *keys: str) -> AsyncIterator[ReeldeckApp]:
    """A dashboard that shows the jobs; somebody presses keys."""
    client = HttpEngineClient(server.path)
    try:
        app = ReeldeckApp(client)
        async with app.run_test(size=size) as pilot:
            async with asyncio.timeout(PATIENCE_S):
                while not (app.deck.sync.is_loaded and app.deck.index.known):
                    await pilot.pause(0.005)
                await pilot.press(*keys)
            yield app
    finally:
        await client.close()


async def look(server: ApiServer) -> weakref.ref[ReeldeckApp]:
    """Come, look around, and go."""
    async with attached(server, PASSING, *KEYS) as app:
        return weakref.ref(app)


async def held_here(server: ApiServer) -> Held:
    """What engine and dashboards hold together, once what ends has ended."""
    own = psutil.Process()
    held = None
    async with asyncio.timeout(PATIENCE_S):
        while True:
            before, held = held, Held.by(own, tasks=len(asyncio.all_tasks()), streams=server._streams.count)
            if held == before:
                return held
            await asyncio.sleep(0.1)  # connections close on both sides, and nobody tells


def slow_links(origin: Origin) -> list[str]:
    """Of files that nobody has soon."""
    body = made_once(video_mp4, "clip.mp4").read_bytes() + bytes(64 * 2**20)
    for number in range(JOBS):
        origin.put(f"/{number}.mp4", body).rate_bps = RATE_BPS
    return [origin.url(f"/{number}.mp4") for number in range(JOBS)]


async def until_collected(gone: list[weakref.ref[ReeldeckApp]]) -> None:
    """Wait until nothing holds these dashboards any more."""
    async with asyncio.timeout(PATIENCE_S):
        while sum(each() is not None for each in gone) > LAST_ONES:
            gc.collect()
            await asyncio.sleep(0.1)  # what ended lately is let go of in turns of the loop


async def until_all_move(engine: Engine, ids: set[int]) -> None:
    """Wait until every one of these jobs receives something."""
    async for frame in engine.stream():
        ids -= {job.id for job in frame.jobs if job.rate}
        if not ids:
            return


@pytest.mark.timeout(600)
async def test_dashboards_that_come_and_go_leave_nothing_behind(campaign, run_engine, origin, tmp_path):
    async with (
        run_engine(network={"max_connections_per_file": 1}) as engine,
        serving(engine, tmp_path / "api") as server,
    ):
        ids = [(await engine.submit(Request(url=url))).job.id for url in slow_links(origin)]
        await until_all_move(engine, set(ids))
        leave, is_there = asyncio.Event(), asyncio.Event()

        async def stay() -> None:
            async with attached(server, STAYING):
                is_there.set()
                await leave.wait()

        # Each in a task of its own, as Textual remembers its app for the task.
        staying = asyncio.create_task(stay())
        await is_there.wait()
        for _ in range(WARM_UP):
            await asyncio.create_task(look(server))
        before, memory = await held_here(server), psutil.Process().memory_info().rss
        gone = [await asyncio.create_task(look(server)) for _ in campaign.rounds(short=2, long=50)]
        after, grown = await held_here(server), psutil.Process().memory_info().rss - memory
        log.info("%d came and went: %s; %d KiB more", len(gone), asdict(after), grown // 1024)
        # What works changes by one or two meanwhile: what each one left behind would be as many as they were.
        assert after.descriptors < before.descriptors + len(gone)
        assert after.tasks < before.tasks + len(gone)
        assert (after.children, after.streams) == (before.children, before.streams)
        assert after.threads <= before.threads + POOL_THREADS
        await until_collected(gone)
        assert grown < HERE_BYTES
        leave.set()
        await staying
        assert [(await engine.job(job_id)).status for job_id in ids] == [JobStatus.RUNNING] * JOBS


@pytest.mark.timeout(1200)
async def test_nor_does_the_shipped_program(campaign, reeldeck, origin):
    if not campaign.is_long:
        pytest.skip("fifty programs take minutes: CAMPAIGN=long")
    env = {name: text for name, text in reeldeck.env.items() if name != "PYTHONWARNINGS"}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}

    @contextlib.asynccontextmanager
    async def open_one(size: tuple[int, int]) -> AsyncIterator[tuple[Terminal, psutil.Process]]:
        async with at_work([str(REELDECK)], env, size) as (terminal, process):
            await terminal.until(lambda: "engine" in terminal.lines[0] and "fetching" in terminal.lines[4])
            yield terminal, process

    async with reeldeck.serve(REELDECK_NETWORK__MAX_CONNECTIONS_PER_FILE="1") as serving_process:
        assert (await reeldeck.run("add", *slow_links(origin))).code == 0
        engine = psutil.Process(serving_process.pid)
        async with open_one(STAYING) as (_, staying):
            samples = []
            for number in range(WARM_UP + 50):
                async with open_one(PASSING) as (terminal, _):
                    for key in "j21":
                        terminal.press(key)
                    terminal.press("q")
                    await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)
                if number in {WARM_UP - 1, WARM_UP + 49}:
                    await asyncio.sleep(2.0)  # the engine notices that they have gone
                    samples.append([(Held.by(each), each.memory_info().rss) for each in (engine, staying)])
        for (before, memory), (after, grown) in zip(*samples, strict=True):
            log.info("%s, then %s; %d KiB more", before, after, (grown - memory) // 1024)
            assert after.descriptors <= before.descriptors
            assert after.children == before.children
            assert after.threads <= before.threads + POOL_THREADS
            assert grown - memory < THERE_BYTES
