"""Limits that are changed while an engine runs, asked for through its socket."""

from __future__ import annotations

import logging
import time

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import InvalidRequest, LimitReached, NoSuchEntry
from core.domain.job import JobStatus, Request
from core.engine import scheduler
from core.engine.adjusting import CHANGED, DEBUG_LOG, QUIET_HOURS, RANGES
from tests.fakes.api import serving
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until


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
    assert RANGES.keys() | {DEBUG_LOG, "youtube.bandwidth_bps"} <= limits.keys()
    assert QUIET_HOURS not in limits, "there are none to be switched"
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


async def test_a_source_can_have_a_cap_of_its_own(on_socket, origin):
    engine, client = on_socket
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    origin.put("/a.mp4", film)
    await client.set_limit("youtube.bandwidth_bps", 1)
    await client.set_limit("direct.bandwidth_bps", len(film) * 2)
    began = time.monotonic()
    assert (await finish(engine, origin.url("/a.mp4"))).status is JobStatus.COMPLETED
    assert time.monotonic() - began >= 0.4
    told = {source["name"]: source["bandwidth_bps"] for source in await client.sources()}
    assert (told["youtube"], told["direct"]) == (1, len(film) * 2)


async def test_a_smaller_reserve_lets_jobs_go_on_that_waited_for_room(run_engine, origin, monkeypatch):
    monkeypatch.setattr(scheduler, "LOOK_S", 0.05)
    origin.put("/a.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with run_engine(limits={"min_free_disk_bytes": 2**49}) as engine:
        job = (await engine.submit(Request(url=origin.url("/a.mp4")))).job
        assert (await engine.status())["engine"]["state"] == "disk_low"
        await engine.set_limit("min_free_disk_bytes", 0)
        assert (await engine.status())["disk"]["min_free_bytes"] == 0
        assert (
            await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)
        ).status is JobStatus.COMPLETED


async def test_quiet_hours_are_switched_off_and_on(run_engine, origin):
    origin.put("/a.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with run_engine(limits={"quiet_hours": "00:00-00:00"}) as engine:
        job = (await engine.submit(Request(url=origin.url("/a.mp4")))).job
        assert (await engine.status())["quiet_until"] is not None
        (switch,) = [limit for limit in await engine.limits() if limit.name == QUIET_HOURS]
        assert switch.is_switch
        assert "00:00-00:00" in switch.about
        await engine.set_limit(QUIET_HOURS, 0)
        assert (await engine.status())["quiet_until"] is None
        assert (
            await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)
        ).status is JobStatus.COMPLETED
        await engine.set_limit(QUIET_HOURS, None)
        assert (await engine.status())["quiet_until"] is not None


async def test_the_log_tells_all_while_that_is_switched_on(run_engine):
    root, before = logging.getLogger(), logging.getLogger().level
    try:
        root.setLevel("WARNING")
        async with run_engine() as engine:
            await engine.set_limit(DEBUG_LOG, 1)
            assert root.level == logging.DEBUG
        root.setLevel("WARNING")
        async with run_engine() as engine:
            assert root.level == logging.DEBUG
            await engine.set_debug(is_on=False)
            assert root.level == logging.WARNING
    finally:
        root.setLevel(before)


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
        ("max_file_size_bytes", 5, "no limit that can be changed"),
        (DEBUG_LOG, 2, "between 0 and 1"),
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
