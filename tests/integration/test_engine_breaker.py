"""A source that is down is left alone, and taken up again, by the real engine against a real server."""

from __future__ import annotations

import time

import pytest

from core.domain.job import JobStatus, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.engine import breaker, scheduler
from core.engine.engine import Engine
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
    while (await row(engine))["breaker"] == "closed":
        pass
    return ids


async def test_a_source_that_is_down_is_left_alone_while_others_go_on(run_engine, site):
    async with run_engine(retries={"max_retries": 0}) as engine:
        ids = await break_down(engine, site)
        asked = pages_asked(site)
        shown = await row(engine)
        assert shown["retry_at"] > shown["breaker_since"]
        waiting = await add(engine, site, 5, 6)
        other = await finish(engine, site.url("/tone.mp3"))
        assert (other.status, other.source_type) == (DONE, "direct")
        assert {(await engine.job(job_id)).status for job_id in waiting} == {JobStatus.QUEUED}
        assert {(await engine.job(job_id)).status for job_id in ids} == {FAILED}
        assert pages_asked(site) == asked == 5
        assert (await row(engine, "direct"))["breaker"] == "closed"


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
        assert (shown["breaker"], shown["retry_at"], shown["in_flight"]) == ("half_open", None, 1)
        site.release.set()
        for job_id in waiting:
            assert (await until(engine, job_id, DONE, FAILED)).status is DONE
        shown = await row(engine)
        assert (shown["breaker"], shown["breaker_since"]) == ("closed", None)


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
        assert (await row(engine))["breaker"] == "closed"


async def test_removed_media_never_open_a_breaker(run_engine, site):
    for number in range(8):
        site.remove(f"/p/{number}")
    async with run_engine() as engine:
        for job_id in await add(engine, site, *range(8)):
            assert (await until(engine, job_id, DONE, FAILED)).error_type == "NOT_FOUND"
        assert (await row(engine))["breaker"] == "closed"


async def test_many_hosts_behind_one_source_are_not_held_for_one_that_is_down(run_engine, site):
    async with run_engine(retries={"max_retries": 0}) as engine:
        for number in range(7):
            site.put(f"/{number}.mp4").always = DOWN
            await finish(engine, site.url(f"/{number}.mp4"))
        assert (await row(engine, "direct"))["breaker"] == "closed"
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE


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
    monkeypatch.setattr(scheduler, "PATIENCE_S", 0.01)
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
