"""Quiet hours, kept by the real engine; when they begin and end is the test's to say."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request, iso
from core.engine.engine import Engine
from core.engine.quiet import QuietTimes
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.fakes.origin import Fault, Origin
from tests.integration.conftest import finish, until

DONE, PENDING, QUEUED = JobStatus.COMPLETED, JobStatus.PENDING, JobStatus.QUEUED


@dataclass
class Hours:
    """It is quiet for `direct` before this time."""

    end: float = 0.0

    def begin(self, engine: Engine, *, for_s: float = 3600.0) -> None:
        self.end = time.time() + for_s
        engine._scheduler.wake()


@pytest.fixture
def hours(monkeypatch) -> Hours:
    made = Hours()

    def quiet_until(_self: QuietTimes, source: str, now: float) -> float | None:
        return made.end if source == "direct" and now < made.end else None

    monkeypatch.setattr(QuietTimes, "until", quiet_until)
    return made


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    return origin


async def parked(engine: Engine, job_id: int) -> Job:
    async for _frame in engine.stream():
        job = await engine.job(job_id)
        if job.waiting_for is not None:
            return job
    raise AssertionError("the stream ended")


async def test_a_running_download_waits_for_the_end_and_goes_on_from_where_it_was(run_engine, site, hours):
    film = site.put("/film.mp4", made_once(video_mp4, "film.mp4").read_bytes(), etag='"1"')
    film.fail(Fault()).always = Fault(hold_after=5_000)  # the look passes, the download stops
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job_id = (await engine.submit(Request(url=site.url("/film.mp4")))).job.id
        await site.held.wait()
        hours.begin(engine, for_s=1.5)
        job = await parked(engine, job_id)
        assert (job.status, job.waiting_for, job.not_before) == (PENDING, "quiet_hours", hours.end)
        told = [event.data for event in await engine.events(job_id) if event.type is EventType.PARKED]
        assert told == [{"stage": "DOWNLOAD", "waiting_for": "quiet_hours", "until": iso(hours.end)}]
        film.always = Fault()
        job = await until(engine, job_id, DONE, JobStatus.FAILED)
        assert (job.status, job.retry_count) == (DONE, 0)
        assert EventType.DOWNLOAD_RESUMED in {event.type for event in await engine.events(job_id)}
        assert time.time() >= hours.end


async def test_nothing_of_a_quiet_source_starts_but_what_a_person_wants_now(run_engine, site, hours):
    async with run_engine() as engine:
        hours.begin(engine)
        waiting = [(await engine.submit(Request(url=site.url(f"/tone.mp3?{n}")))).job.id for n in "ab"]
        (row,) = [row for row in await engine.sources() if row["name"] == "direct"]
        assert (row["quiet_until"], row["queued"]) == (iso(hours.end), 2)
        assert (await engine.retry(waiting[1])).status is QUEUED
        assert (await until(engine, waiting[1], DONE)).status is DONE
        assert (await engine.job(waiting[0])).status is QUEUED
        assert {request.query for request in site.requests} == {"b"}


async def test_a_parked_job_that_a_person_wants_now_runs_to_its_end(run_engine, site, hours):
    site.resource("/tone.mp3").always = Fault(hold_after=100)
    async with run_engine() as engine:
        job_id = (await engine.submit(Request(url=site.url("/tone.mp3")))).job.id
        await site.held.wait()
        hours.begin(engine)
        await parked(engine, job_id)
        site.resource("/tone.mp3").always = Fault()
        await engine.retry(job_id)
        assert (await until(engine, job_id, DONE)).status is DONE


async def test_what_waits_for_old_hours_goes_on_when_the_settings_have_none(run_engine, site, hours):
    site.resource("/tone.mp3").always = Fault(hold_after=100)
    async with run_engine() as engine:
        job_id = (await engine.submit(Request(url=site.url("/tone.mp3")))).job.id
        await site.held.wait()
        hours.begin(engine)
        await parked(engine, job_id)
    hours.end = 0.0
    site.resource("/tone.mp3").always = Fault()
    async with run_engine() as engine:
        assert (await until(engine, job_id, DONE)).status is DONE


async def test_a_command_of_its_own_is_a_person_who_waits_and_keeps_no_hours(run_engine, site):
    async with run_engine(only_submitted=True, limits={"quiet_hours": "00:00-00:00"}) as engine:
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE


async def test_status_tells_until_when_it_is_quiet_for_everybody(run_engine):
    async with run_engine(limits={"quiet_hours": "00:00-00:00"}) as engine:
        assert (await engine.status())["quiet_until"] > iso(time.time())
    async with run_engine() as engine:
        assert (await engine.status())["quiet_until"] is None
