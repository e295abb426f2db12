"""Playlists through the real engine: expanded to the cap, in nobody's way, and acted on as one."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import NoSuchJob
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.snapshot import JobQuery
from core.engine import groups
from core.engine.engine import Engine
from core.sources import registry
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.fakes.playlists import Playlists
from tests.integration.conftest import finish, until

DONE, FAILED, CANCELLED = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED
PAUSED, RUNNING = JobStatus.PAUSED, JobStatus.RUNNING
ENTRIES, CAP = 1000, 300


@pytest.fixture
def site(origin, monkeypatch):
    """`site(entries)`: an origin with a playlist whose items stand still until `origin.release`."""
    tone = made_once(audio_mp3, "tone.mp3").read_bytes()

    def make(entries: int) -> Origin:
        origin.put("/list", b"page", content_type="text/html")
        origin.put("/held.mp3", tone).always = Fault(hold_after=100)
        origin.put("/tone.mp3", tone)
        monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), Playlists(origin, entries)])
        return origin

    return make


async def expanded(engine: Engine, site: Origin) -> Job:
    """The playlist's own job, once it is done."""
    job = await finish(engine, site.url("/list"))
    assert job.status is DONE, job.error_message
    assert job.group_id is not None
    return job


async def counts(engine: Engine, group_id: int) -> dict[str, int]:
    """How many of a group's jobs are in each state that one is in."""
    group = await engine.group(group_id)
    return {status: count for status, count in group["counts"].items() if count}


async def running(engine: Engine, count: int) -> list[Job]:
    """The jobs that run, once *count* do."""
    async for frame in engine.stream():
        if frame.counts.get(RUNNING) == count:
            return list((await engine.jobs(JobQuery(statuses=frozenset({RUNNING})))).items)
    raise AssertionError("the stream ended")


async def test_a_long_playlist_is_capped_and_others_run_beside_it(run_engine, site):
    origin = site(ENTRIES)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        group = await engine.group(parent.group_id)
        assert (group["total"], group["title"], group["job_id"]) == (CAP, "All of it", parent.id)
        assert sum(group["counts"].values()) == CAP
        other = await finish(engine, origin.url("/tone.mp3"))
        assert (other.status, other.source_type) == (DONE, "direct")
        assert len(await running(engine, 3)) == 3
        (listed,) = (await engine.groups()).items
        assert listed["id"] == parent.group_id


async def test_a_playlist_is_cancelled_as_one_with_what_it_fetched(run_engine, site):
    origin = site(ENTRIES)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        await origin.held.wait()
        await running(engine, 3)
        answer = await engine.control_group(parent.group_id, "cancel")
        assert (answer["changed"], answer["refused"]) == (CAP, 0)
        assert await counts(engine, parent.group_id) == {"CANCELLED": CAP}
        assert (await engine.job(parent.id)).status is DONE
        assert not list(engine.settings.paths.tmp.glob("*/*"))
        # What waits is cancelled before what runs: no slot that becomes free is taken by another of them.
        started = [
            job
            for job in (await engine.jobs(JobQuery(group_id=parent.group_id, limit=1000))).items
            if job.attempt and job.id != parent.id
        ]
        assert len(started) == 3
        again = await engine.control_group(parent.group_id, "cancel")
        assert (again["changed"], again["refused"]) == (0, 0)


async def test_acting_on_a_group_lets_others_in_between(run_engine, site):
    origin = site(CAP)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        acting = asyncio.create_task(engine.control_group(parent.group_id, "cancel"))
        other = await engine.submit(Request(url=origin.url("/tone.mp3")))
        assert not acting.done()
        assert (await until(engine, other.job.id, DONE, FAILED)).status is DONE
        assert (await acting)["changed"] == CAP


async def test_a_playlist_is_paused_and_resumed_as_one_and_every_item_arrives(run_engine, site):
    origin = site(6)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        await running(engine, 3)
        assert (await engine.control_group(parent.group_id, "pause"))["changed"] == 6
        assert await counts(engine, parent.group_id) == {"PAUSED": 6}
        origin.release.set()
        origin.resource("/held.mp3").always = Fault()
        answer = await engine.control_group(parent.group_id, "resume")
        assert answer["changed"] == 6
        for job in (await engine.jobs(JobQuery(group_id=parent.group_id))).items:
            assert (await until(engine, job.id, DONE, FAILED)).status is DONE
        assert await counts(engine, parent.group_id) == {"COMPLETED": 6}


async def test_a_retry_takes_up_what_failed_or_was_cancelled_and_leaves_the_rest(run_engine, site):
    origin = site(3)
    origin.resource("/held.mp3").always = Fault(status=404)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        children = (await engine.jobs(JobQuery(group_id=parent.group_id))).items[:3]
        for job in children:
            await until(engine, job.id, FAILED)
        origin.resource("/held.mp3").always = Fault()
        await engine.retry(children[0].id)
        await until(engine, children[0].id, DONE)
        assert (await engine.control_group(parent.group_id, "retry"))["changed"] == 2
        for job in children:
            await until(engine, job.id, DONE)


async def test_a_playlist_that_is_still_expanding_is_cancelled_with_its_jobs(run_engine, site, monkeypatch):
    origin = site(20)
    stored, go_on = asyncio.Event(), asyncio.Event()
    async with run_engine() as engine:
        expand = engine._intake.expand

        async def held(attempt, told):
            """The expansion, held when its jobs are there and its own job still runs."""
            found = await expand(attempt, told)
            stored.set()
            await go_on.wait()
            return found

        monkeypatch.setattr(engine._intake, "expand", held)
        parent = (await engine.submit(Request(url=origin.url("/list")))).job
        await stored.wait()
        parent = await engine.job(parent.id)
        assert parent.status is RUNNING
        await engine.control_group(parent.group_id, "cancel")
        assert (await engine.job(parent.id)).status is CANCELLED
        assert await counts(engine, parent.group_id) == {"CANCELLED": 20}
        events = [event.type for event in await engine.events(parent.id)]
        assert events[-1] is EventType.JOB_CANCELLED
        go_on.set()
        await engine.control_group(parent.group_id, "retry")
        assert (await until(engine, parent.id, DONE, FAILED)).status is DONE
        assert sum((await engine.group(parent.group_id))["counts"].values()) == 20


async def test_jobs_that_appear_while_a_group_is_cancelled_are_cancelled_too(run_engine, site, monkeypatch):
    origin = site(10)
    monkeypatch.setattr(groups, "AT_ONCE", 2)
    async with run_engine() as engine:
        parent = await expanded(engine, origin)
        cancel = engine._groups._actions["cancel"]

        async def cancel_and_add(job_id):
            """The first cancellation meets a late entry, as a list inside the list brings them."""
            if not late:
                new = engine._intake.prepare(Request(url=origin.url("/item/late")), group_id=parent.group_id)
                late.append((await engine._store.jobs.submit(new, now=parent.created)).job.id)
            return await cancel(job_id)

        late: list[int] = []
        monkeypatch.setitem(engine._groups._actions, "cancel", cancel_and_add)
        answer = await engine.control_group(parent.group_id, "cancel")
        assert answer["changed"] == 11
        assert (await engine.job(late[0])).status is CANCELLED


async def test_an_unknown_group_is_refused(run_engine):
    async with run_engine() as engine:
        with pytest.raises(NoSuchJob):
            await engine.group(5)
        with pytest.raises(NoSuchJob):
            await engine.control_group(5, "cancel")
        assert not (await engine.groups()).items
