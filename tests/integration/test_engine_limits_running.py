"""Limits that are changed while an engine runs, asked for through its socket."""

from __future__ import annotations

import time

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import InvalidRequest, LimitReached, NoSuchEntry
from core.domain.job import JobStatus, Request
from core.engine.adjusting import CHANGED, RANGES
from tests.fakes.api import serving
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tests.integration.conftest import finish


@pytest.fixture
async def on_socket(run_engine, tmp_path):
    async with (
        run_engine(limits={"max_parallel_jobs": 1}) as engine,
        serving(engine, tmp_path / "api") as api,
    ):
        client = HttpEngineClient(api.path)
        yield engine, client
        await client.close()


async def test_every_limit_tells_its_value_range_and_meaning(on_socket):
    _, client = on_socket
    limits = {limit.name: limit for limit in await client.limits()}
    assert set(limits) == set(RANGES)
    slots = limits["max_parallel_jobs"]
    assert (slots.value, slots.configured, slots.is_changed) == (1, 1, False)
    assert all(limit.about and limit.least <= limit.value <= limit.most for limit in limits.values())


async def test_more_slots_start_what_waits_at_once(on_socket, origin):
    engine, client = on_socket
    for number in range(3):
        origin.put(f"/{number}.mp4", bytes(5000)).always = Fault(hold_after=100)
        await client.submit(Request(url=origin.url(f"/{number}.mp4")))
    assert (await client.set_limit("max_parallel_jobs", 3)).is_changed
    async for _ in engine.stream():
        if engine._store.counts[JobStatus.RUNNING] == 3:
            break
    assert (await client.status())["limits"]["max_parallel_jobs"] == 3


async def test_a_cap_holds_for_the_bytes_that_follow(on_socket, origin):
    engine, client = on_socket
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    origin.put("/a.mp4", film)
    await client.set_limit("bandwidth_bps", len(film))
    began = time.monotonic()
    job = await finish(engine, origin.url("/a.mp4"))
    assert job.status is JobStatus.COMPLETED
    assert time.monotonic() - began >= 0.9


async def test_a_shorter_queue_refuses_what_is_beyond_it(on_socket, origin):
    _, client = on_socket
    await client.set_limit("max_queue_length", 1)
    origin.put("/a.mp4", bytes(5000)).always = Fault(hold_after=100)
    await client.submit(Request(url=origin.url("/a.mp4")))
    with pytest.raises(LimitReached, match="max_queue_length is 1"):
        await client.submit(Request(url=origin.url("/b.mp4")))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("max_parallel_jobs", 0, "between 1 and 64"),
        ("max_parallel_jobs", 65, "between 1 and 64"),
        ("min_free_disk_bytes", 5, "no limit that can be changed"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(on_socket, name, value, told):
    _, client = on_socket
    before = await client.limits()
    with pytest.raises((InvalidRequest, NoSuchEntry), match=told):
        await client.set_limit(name, value)
    assert await client.limits() == before


async def test_changes_outlive_the_engine_until_they_are_taken_back(run_engine):
    async with run_engine() as engine:
        await engine.set_limit("max_parallel_jobs", 7)
    async with run_engine() as engine:
        assert (await engine.status())["limits"]["max_parallel_jobs"] == 7
        assert not (await engine.set_limit("max_parallel_jobs", None)).is_changed
        assert await engine._store.switches.get(CHANGED) == {}
    async with run_engine() as engine:
        assert (await engine.status())["limits"]["max_parallel_jobs"] == 4


async def test_damaged_switches_change_nothing(run_engine):
    async with run_engine() as engine:
        before = (await engine.status())["limits"]
        for stored in ([], "x", {"max_parallel_jobs": 0, "other": 1, "bandwidth_bps": "9"}):
            await engine._store.switches.set(CHANGED, stored)
            await engine._limits.open()
            assert (await engine.status())["limits"] == before
