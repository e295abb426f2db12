"""A listener that is cut off again and again hears every event once, in order: real engine, real socket."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

import httpx
import httpx_sse

from core.api.server import ApiServer
from core.domain.job import Request
from core.engine.engine import Engine
from tests.fakes.api import plain_client

RECONNECTS = 100
#: The first events of a job that is cancelled as soon as it is there are at least so many.
EVENTS_OF_A_JOB = 3


async def make_events(engine: Engine, jobs: int) -> None:
    for number in range(jobs):
        job = (await engine.submit(Request(url=f"http://127.0.0.1:9/{number}.mp3"))).job
        await engine.cancel(job.id)


async def listen(http: httpx.AsyncClient, heard: list[int], count: int) -> None:
    """Hear so many events more, and hang up in the middle of whatever comes then."""
    headers = {"last-event-id": str(heard[-1] if heard else 0)}
    async with (
        httpx_sse.aconnect_sse(http, "GET", "/api/v1/events", headers=headers) as source,
        aclosing(source.aiter_sse()) as messages,
    ):
        async for message in messages:
            if message.event != "progress" and message.data:
                heard.append(int(message.id))
                count -= 1
            if count <= 0:
                return


async def test_a_hundred_reconnects_lose_and_double_no_event(run_engine):
    dice, heard = random.Random(1), list[int]()
    # Nothing runs: all that happens is made here.
    async with run_engine(limits={"quiet_hours": "00:00-23:59"}) as engine:
        server = ApiServer(engine, engine.settings)
        await server.start()
        making = asyncio.create_task(make_events(engine, RECONNECTS))
        async with plain_client(server.path) as http:
            for _ in range(RECONNECTS):
                await listen(http, heard, dice.randint(1, EVENTS_OF_A_JOB))
            await making
            (newest,) = await engine._store._client.rows("SELECT MAX(seq) AS seq FROM job_events")
            if (left := newest["seq"] - heard[-1]) > 0:
                await listen(http, heard, left)
        await server.stop()
        rows = await engine._store._client.rows("SELECT seq FROM job_events ORDER BY seq")
    assert heard == [row["seq"] for row in rows]
    assert len(heard) >= RECONNECTS * EVENTS_OF_A_JOB
