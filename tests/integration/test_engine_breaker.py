"""A source that is down is left alone, and taken up again, by the real engine against a real server."""

from __future__ import annotations

import time

import pytest

from core.domain.job import JobStatus, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.engine import breaker
from core.engine.engine import Engine
from core.net import uplinks
from core.net.transfer import retries
from core.sources import registry
from core.sources.base import Matcher, Source
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.integration.conftest import finish, until

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED
DOWN = Fault(status=503)


class OneSite(Source):
    """A site whose pages, without an extension, are read before the file is fetched."""

    name = "one_site"
    label = "One site"

    def __init__(self, origin: Origin) -> None:
        self.matchers = (Matcher(hosts=(f"{origin.host}:{origin.port}",)),)
        self._file = origin.url("/tone.mp3")

    async def resolve(self, request, context):
        await context.http.text(request.url)
        track = Track(url=self._file, role=Role.AUDIO, transport=Transport.HTTP, container="mp3")
        return Resolution(source=self.name, title="Tone", tracks=(track,))


@pytest.fixture
def site(origin, monkeypatch) -> Origin:
    """An origin whose pages `/p/N` belong to `one_site`."""
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    for number in range(8):
        origin.put(f"/p/{number}", b"page", content_type="text/html")
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), OneSite(origin)])
    return origin


async def row(engine: Engine, name: str = "one_site") -> dict:
    (found,) = [source for source in (await engine.status())["sources"] if source["name"] == name]
    return dict(found)


async def state(engine: Engine) -> str:
    return str((await row(engine))["breaker"]["state"])


async def add(engine: Engine, site: Origin, *numbers: int) -> list[int]:
    return [(await engine.submit(Request(url=site.url(f"/p/{number}")))).job.id for number in numbers]


def pages_asked(site: Origin) -> int:
    return sum(seen.path.startswith("/p/") for seen in site.requests)


async def break_down(engine: Engine, site: Origin) -> list[int]:
    """Let jobs fail until the breaker is open; their ids."""
    for number in range(8):
        site.resource(f"/p/{number}").always = DOWN
    ids = await add(engine, site, 0, 1, 2, 3, 4)
    for job_id in ids:
        assert (await until(engine, job_id, DONE, FAILED)).status is FAILED
    # The breaker hears of a run just after its end was stored.
    while await state(engine) == "closed":
        pass
    return ids


async def test_a_source_that_is_down_is_left_alone_while_others_go_on(run_engine, site):
    async with run_engine(retries={"max_retries": 0}) as engine:
        ids = await break_down(engine, site)
        asked = pages_asked(site)
        shown = (await row(engine))["breaker"]
        assert shown["retry_at"] > shown["since"]
        assert shown["reason"] == "HTTP_ERROR"
        waiting = await add(engine, site, 5, 6)
        other = await finish(engine, site.url("/tone.mp3"))
        assert (other.status, other.source_type) == (DONE, "direct")
        assert {(await engine.job(job_id)).status for job_id in waiting} == {JobStatus.QUEUED}
        assert {(await engine.job(job_id)).status for job_id in ids} == {FAILED}
        assert pages_asked(site) == asked == 5
        assert (await row(engine, "direct"))["hosts"] == []


async def test_one_job_tries_again_and_its_success_lets_the_others_through(run_engine, site, monkeypatch):
    monkeypatch.setattr(breaker, "FIRST_WAIT_S", 0.3)
    async with run_engine(retries={"max_retries": 0}) as engine:
        await break_down(engine, site)
        for number in range(8):
            site.resource(f"/p/{number}").always = Fault(hold_after=1)
        waiting = await add(engine, site, 5, 6, 7)
        await site.held.wait()
        assert [(await engine.job(job_id)).status for job_id in waiting] == [
            JobStatus.RUNNING,
            JobStatus.QUEUED,
            JobStatus.QUEUED,
        ]
        shown = await row(engine)
        assert (shown["breaker"]["state"], shown["breaker"]["retry_at"]) == ("half_open", None)
        assert (shown["in_flight"], shown["queued"]) == (1, 2)
        site.release.set()
        for job_id in waiting:
            assert (await until(engine, job_id, DONE, FAILED)).status is DONE
        shown = (await row(engine))["breaker"]
        assert (shown["state"], shown["since"], shown["reason"]) == ("closed", None, None)


async def test_a_failed_try_waits_longer_and_a_cancelled_one_makes_way(run_engine, site, monkeypatch):
    monkeypatch.setattr(breaker, "FIRST_WAIT_S", 0.2)
    async with run_engine(retries={"max_retries": 0}) as engine:
        await break_down(engine, site)
        (first,) = await add(engine, site, 5)
        assert (await until(engine, first, DONE, FAILED)).status is FAILED
        assert pages_asked(site) == 6
        for number in (6, 7):
            site.resource(f"/p/{number}").always = Fault(hold_after=1)
        second, third = await add(engine, site, 6, 7)
        await site.held.wait()
        await engine.cancel(second)
        site.release.set()
        assert (await until(engine, third, DONE, FAILED)).status is DONE
        assert await state(engine) == "closed"


async def test_removed_media_never_open_a_breaker(run_engine, site):
    for number in range(8):
        site.remove(f"/p/{number}")
    async with run_engine() as engine:
        for job_id in await add(engine, site, *range(8)):
            assert (await until(engine, job_id, DONE, FAILED)).error_type == "NOT_FOUND"
        assert await state(engine) == "closed"


async def test_one_dead_host_of_many_is_left_alone_and_the_others_are_not(run_engine, site):
    async with Origin() as other, run_engine(retries={"max_retries": 0}) as engine:
        other.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
        for number in range(7):
            site.put(f"/{number}.mp4").always = DOWN
        for number in range(5):
            assert (await finish(engine, site.url(f"/{number}.mp4"))).status is FAILED
        while not (shown := await row(engine, "direct"))["hosts"]:
            pass
        (host,) = shown["hosts"]
        assert (host["host"], host["state"]) == (f"{site.host}:{site.port}", "open")
        assert (shown["breaker"], host["reason"]) == (None, "HTTP_ERROR")
        held = [(await engine.submit(Request(url=site.url(f"/{number}.mp4")))).job.id for number in (5, 6)]
        asked = len(site.requests)
        for name in "abc":
            assert (await finish(engine, other.url(f"/tone.mp3?{name}"))).status is DONE
        assert {(await engine.job(job_id)).status for job_id in held} == {JobStatus.QUEUED}
        assert len(site.requests) == asked
        assert (await finish(engine, site.url("/p/0"), source="one_site")).status is DONE


async def test_a_person_who_retries_a_waiting_job_lets_it_try_at_once(run_engine, site):
    async with run_engine(retries={"max_retries": 0}) as engine:
        await break_down(engine, site)
        for number in range(8):
            site.resource(f"/p/{number}").always = Fault()
        (waiting,) = await add(engine, site, 6)
        assert (await engine.job(waiting)).status is JobStatus.QUEUED
        await engine.retry(waiting)
        assert (await until(engine, waiting, DONE, FAILED)).status is DONE
        while await state(engine) != "closed":
            pass


async def test_an_engine_that_runs_one_command_only_gives_every_job_its_answer(run_engine, site):
    for number in range(8):
        site.resource(f"/p/{number}").always = DOWN
    async with run_engine(only_submitted=True, retries={"max_retries": 0}) as engine:
        for job_id in await add(engine, site, *range(8)):
            assert (await until(engine, job_id, DONE, FAILED)).status is FAILED


async def test_requests_of_a_source_keep_the_rate_that_is_set_for_it(run_engine, site):
    async with run_engine(sources={"one_site": {"rate_per_s": 10}}) as engine:
        began = time.monotonic()
        for job_id in await add(engine, site, 0, 1, 2):
            assert (await until(engine, job_id, DONE, FAILED)).status is DONE
        assert len(site.requests) >= 6
        assert time.monotonic() - began >= (len(site.requests) - 1) / 10


async def test_a_slow_rate_delays_requests_and_fails_none(run_engine, site, monkeypatch):
    monkeypatch.setattr(uplinks, "PATIENCE_S", 0.01)
    async with run_engine(sources={"one_site": {"rate_per_s": 10}}) as engine:
        for job_id in await add(engine, site, 0, 1, 2):
            job = await until(engine, job_id, DONE, FAILED)
            assert (job.status, job.retry_count) == (DONE, 0)


async def test_a_host_that_asks_us_to_stay_away_is_asked_no_more_by_any_job_of_the_source(run_engine, site):
    site.resource("/p/0").always = Fault(status=429, retry_after="600")
    async with run_engine(retries={"max_retries": 0}) as engine:
        for job_id in await add(engine, site, 0):
            assert (await until(engine, job_id, DONE, FAILED)).error_type == "RATE_LIMIT"
        for job_id in await add(engine, site, 1):
            assert (await until(engine, job_id, DONE, FAILED)).error_type == "RATE_LIMIT"
        assert pages_asked(site) == 1
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE


async def test_trouble_with_what_a_link_led_to_is_not_held_against_where_it_began(
    run_engine, origin, monkeypatch
):
    monkeypatch.setattr(retries, "MAX_RETRIES", 0)
    page = b"<html><head><title>A talk</title></head><body><video src='/gone.mp3'></video></body></html>"
    origin.put("/page", page, content_type="text/html")
    origin.put("/gone.mp3").always = DOWN
    async with run_engine(retries={"max_retries": 0}) as engine:
        for number in range(5):
            job = await finish(engine, origin.url(f"/page?{number}"))
            assert (job.status, job.source_type) == (FAILED, "ytdlp")
        while not (shown := await row(engine, "ytdlp"))["hosts"]:
            pass
        assert shown["hosts"][0]["host"] == f"{origin.host}:{origin.port}"
        assert (await row(engine, "direct"))["hosts"] == []
