"""Short links through the real engine: one download, whatever the links that lead to it look like."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from core.sources import registry
from core.sources.base import Matcher, Source
from core.sources.direct import Direct
from core.store import joining
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.integration.conftest import finish, until

DONE, FAILED, CANCELLED = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED
PENDING, PAUSED, RUNNING = JobStatus.PENDING, JobStatus.PAUSED, JobStatus.RUNNING
TONE = made_once(audio_mp3, "tone.mp3").read_bytes()


@pytest.fixture
async def short():
    """A shortener, on a port of its own."""
    async with Origin() as running:
        yield running


@pytest.fixture
def run(run_engine, short):
    """An engine that knows the shortener."""

    def start(*, sources=None, **sections):
        known = {"short_links": {"hosts": [f"{short.host}:{short.port}"]}}
        return run_engine(sources=known | (sources or {}), **sections)

    return start


@pytest.fixture
def tone(origin):
    """A file whose transfer stands still until `origin.release`."""
    origin.put("/tone.mp3", TONE).always = Fault(hold_after=1000)
    return origin.url("/tone.mp3")


async def types(engine: Engine, job: Job) -> list[EventType]:
    return [event.type for event in await engine.events(job.id)]


async def waiting(engine: Engine, url: str, target: Job) -> Job:
    """Submit *url*; its job, once it waits for *target*."""
    job = (await engine.submit(Request(url=url))).job
    async for _frame in engine.stream():
        job = await engine.job(job.id)
        if job.waiting_for == f"job:{target.id}":
            return job
    raise AssertionError


async def test_a_short_link_becomes_the_link_that_it_leads_to(run, short, origin):
    origin.put("/tone.mp3", TONE)
    short.put_redirect("/a", short.url("/b"))
    short.put_redirect("/b", origin.url("/tone.mp3?utm_source=chat"))
    async with run() as engine:
        job = await finish(engine, short.url("/a"))
        assert (job.status, job.url, job.source_type) == (DONE, origin.url("/tone.mp3"), "direct")
        again = await engine.submit(Request(url=origin.url("/tone.mp3")))
        assert (again.joined, again.job.id) == (True, job.id)


async def test_a_short_link_to_what_is_being_downloaded_waits_and_gets_the_same_file(
    run, short, origin, tone
):
    short.put_redirect("/a", tone)
    async with run() as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
        second = await waiting(engine, short.url("/a"), first)
        assert (second.status, second.url) == (PENDING, short.url("/a"))
        assert EventType.PARKED in await types(engine, second)
        assert EventType.JOB_JOINED in await types(engine, first)
        origin.release.set()
        first, second = await until(engine, first.id, DONE), await until(engine, second.id, DONE)
        assert second.file_path == first.file_path
        assert (second.sha256, second.size_bytes, second.title) == (
            first.sha256,
            first.size_bytes,
            first.title,
        )
        assert (await types(engine, second))[-2:] == [EventType.JOB_JOINED, EventType.JOB_COMPLETED]
        assert len(short.asked("/a")) == 1
        assert (await engine.submit(Request(url=short.url("/a")))).job.id == second.id


async def test_a_short_link_to_what_is_there_is_done_at_once(run, short, origin):
    origin.put("/tone.mp3", TONE)
    short.put_redirect("/a", origin.url("/tone.mp3"))
    async with run() as engine:
        first = await finish(engine, origin.url("/tone.mp3"))
        sent = origin.bytes_sent("/tone.mp3")
        second = await finish(engine, short.url("/a"))
        assert (second.status, second.file_path) == (DONE, first.file_path)
        assert origin.bytes_sent("/tone.mp3") == sent
        forced = await finish(engine, short.url("/a"), force=True)
        assert forced.file_path not in {None, first.file_path}


async def test_a_file_that_is_gone_is_fetched_again(run, short, origin):
    origin.put("/tone.mp3", TONE)
    short.put_redirect("/a", origin.url("/tone.mp3"))
    async with run() as engine:
        first = await finish(engine, origin.url("/tone.mp3"))
        await asyncio.to_thread(Path(first.file_path).unlink)
        second = await finish(engine, short.url("/a"))
        assert second.status is DONE
        assert await asyncio.to_thread(Path(second.file_path).exists)


@pytest.mark.parametrize("end", ["cancel", "fail"])
async def test_who_waited_does_it_when_the_other_does_not(run, short, origin, tone, end):
    short.put_redirect("/a", tone)
    async with run(retries={"max_retries": 0}) as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
        second = await waiting(engine, short.url("/a"), first)
        if end == "cancel":
            await engine.cancel(first.id)
        else:
            origin.resource("/tone.mp3").always = Fault()
            origin.resource("/tone.mp3").fail(Fault(status=404), times=1)
            await engine.pause(first.id)
            await engine.resume(first.id)
        origin.release.set()
        second = await until(engine, second.id, DONE)
        assert second.url == tone
        assert (await engine.job(first.id)).status in {CANCELLED, FAILED}


async def test_who_waits_can_be_paused_resumed_and_cancelled(run, short, origin, tone):
    short.put_redirect("/a", tone)
    async with run() as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
        second = await waiting(engine, short.url("/a"), first)
        assert (await engine.pause(second.id)).status is PAUSED
        await engine.resume(second.id)
        second = await waiting(engine, short.url("/a"), first)
        assert (await engine.cancel(second.id)).status is CANCELLED
        origin.release.set()
        assert (await until(engine, first.id, DONE)).status is DONE
        assert (await engine.job(second.id)).status is CANCELLED


async def test_who_waits_gets_the_result_after_a_restart(run, short, origin, tone):
    short.put_redirect("/a", tone)
    async with run() as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
        second = await waiting(engine, short.url("/a"), first)
    origin.release.set()
    async with run() as engine:
        second = await until(engine, second.id, DONE)
        assert second.file_path == (await engine.job(first.id)).file_path
    assert len(origin.asked("/tone.mp3")) < 6


async def test_many_short_links_to_one_thing_are_one_download(run, short, origin, tone):
    for number in range(20):
        short.put_redirect(f"/{number}", tone)
    async with run() as engine:
        answers = await engine.submit_many([Request(url=short.url(f"/{number}")) for number in range(20)])
        await origin.held.wait()
        origin.release.set()
        jobs = [await until(engine, answer.job.id, DONE) for answer in answers]
        assert len({job.file_path for job in jobs}) == 1
        starts = [job for job in jobs if EventType.DOWNLOAD_STARTED in await types(engine, job)]
        assert len(starts) == 1


@pytest.fixture
def late(origin, monkeypatch):
    """Jobs ask for a twin's result while it downloads, and hear so only once it has finished.

    What comes is the event: somebody has asked.
    """
    asked, answer = asyncio.Event(), joining.result_of

    async def answered_late(reader, job_key, *, besides):
        found = await answer(reader, job_key, besides=besides)
        if asked.is_set() or not await twins_at_work(reader, job_key, besides):
            return found
        asked.set()
        origin.release.set()
        while await twins_at_work(reader, job_key, besides):
            pass  # the database has been asked, which let others go on
        return found

    async def twins_at_work(reader, job_key, besides):
        return await reader.rows(
            "SELECT 1 FROM jobs WHERE job_key = ? AND id IS NOT ? AND status NOT IN ('COMPLETED', 'FAILED')",
            *(job_key, besides),
        )

    monkeypatch.setattr(joining, "result_of", answered_late)
    return asked


async def test_a_twin_that_finishes_while_asked_for_is_no_second_download(run, short, origin, tone, late):
    short.put_redirect("/a", tone)
    async with run() as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
        second = await finish(engine, short.url("/a"))
        assert late.is_set()
        assert second.status is DONE
        assert second.file_path == (await engine.job(first.id)).file_path
        assert EventType.JOB_JOINED in await types(engine, second)
        assert EventType.DOWNLOAD_STARTED not in await types(engine, second)
        third = (await engine.submit(Request(url=tone))).job
        assert (third.status, third.file_path) == (DONE, second.file_path)


async def test_a_page_is_no_second_download_of_a_video_that_finishes_while_asked_for(
    run, origin, embedding, late
):
    async with run() as engine:
        first = (await engine.submit(Request(url=origin.url("/one")))).job
        await origin.held.wait()
        second = await finish(engine, origin.url("/other"))
        assert late.is_set()
        assert (second.status, second.file_path) == (DONE, (await engine.job(first.id)).file_path)
        assert EventType.DOWNLOAD_STARTED not in await types(engine, second)


async def test_links_that_lead_in_a_circle_fail(run, short):
    short.put_redirect("/a", short.url("/b"))
    short.put_redirect("/b", short.url("/a"))
    async with run() as engine:
        job = await finish(engine, short.url("/a"))
        assert (job.status, job.error_type) == (FAILED, "HTTP_ERROR")


async def test_an_own_engine_also_runs_the_job_that_its_job_waits_for(run, short, origin, tone):
    short.put_redirect("/a", tone)
    async with run() as engine:
        first = (await engine.submit(Request(url=tone))).job
        await origin.held.wait()
    origin.release.set()
    async with run(only_submitted=True) as engine:
        second = await finish(engine, short.url("/a"))
        assert second.status is DONE
        assert second.file_path == (await engine.job(first.id)).file_path


class Embedding(Source):
    """A site whose pages all show the video `youtube:dQw4w9WgXcQ`, which *origin* plays at `/tone.mp3`."""

    name = "embedding"
    label = "Pages with a video of another site"

    def __init__(self, origin: Origin) -> None:
        self.matchers = (
            Matcher(hosts=(f"{origin.host}:{origin.port}",)),
            Matcher(hosts=("youtube.com", "youtu.be", "facebook.com")),
        )
        self._origin = origin

    async def resolve(self, request, context):
        track = Track(
            url=self._origin.url("/tone.mp3"), role=Role.AUDIO, transport=Transport.HTTP, container="mp3"
        )
        return Resolution(
            source=self.name, media_id="youtube:dQw4w9WgXcQ", title=request.url[-9:], tracks=(track,)
        )


@pytest.fixture
def embedding(origin, tone, monkeypatch):
    """An engine whose only site embeds one video everywhere."""
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), Embedding(origin)])


async def test_pages_that_show_the_same_media_are_one_download(run, embedding, origin):
    async with run() as engine:
        links = [origin.url("/a"), origin.url("/b"), "https://www.facebook.com/share/v/abc"]
        first = (await engine.submit(Request(url=links[0]))).job
        await origin.held.wait()
        others = [await waiting(engine, url, first) for url in links[1:]]
        video = await engine.submit(Request(url="https://youtu.be/dQw4w9WgXcQ"))
        assert (video.joined, video.job.id) == (True, first.id)
        origin.release.set()
        jobs = [await until(engine, job.id, DONE) for job in (first, *others)]
        assert len({job.file_path for job in jobs}) == 1
        assert {job.media_id for job in jobs} == {"youtube:dQw4w9WgXcQ"}
        assert [(await types(engine, job)).count(EventType.DOWNLOAD_STARTED) for job in jobs] == [1, 0, 0]


async def test_other_kinds_and_qualities_of_one_media_are_other_downloads(run, embedding, origin):
    origin.release.set()
    async with run() as engine:
        first = await finish(engine, origin.url("/a"))
        second = await finish(engine, origin.url("/b"), quality="audio_128")
        assert first.status is second.status is DONE
        assert first.file_path != second.file_path


async def test_a_link_that_names_its_media_itself_is_believed(run, embedding, origin):
    origin.release.set()
    async with run() as engine:
        first = await finish(engine, "https://youtu.be/aaaaaaaaaaa")
        second = await finish(engine, "https://youtu.be/dQw4w9WgXcQ")
        assert (first.media_id, second.media_id) == ("youtube:aaaaaaaaaaa", "youtube:dQw4w9WgXcQ")
        assert first.file_path != second.file_path


async def test_a_short_link_to_a_list_shows_its_items(run, short, origin):
    for name in ("a", "b"):
        origin.put(f"/{name}.mp3", TONE)
    origin.put(
        "/list.m3u", b"#EXTM3U\n#EXTINF:2,One\na.mp3\n#EXTINF:2,Two\nb.mp3\n", content_type="audio/x-mpegurl"
    )
    for name in ("/1", "/2"):
        short.put_redirect(name, origin.url("/list.m3u"))
    async with run() as engine:
        first = await finish(engine, short.url("/1"))
        assert (first.status, first.file_path) == (DONE, None)
        assert (await engine.group(first.group_id))["total"] == 2
        second = await finish(engine, short.url("/2"))
        assert (second.status, second.group_id) == (DONE, first.group_id)


async def test_a_list_of_one_link_becomes_that_link(run, origin):
    origin.put("/stream", TONE)
    origin.put("/radio.pls", b"[playlist]\nFile1=/stream\n", content_type="audio/x-scpls")
    async with run() as engine:
        job = await finish(engine, origin.url("/radio.pls"))
        assert (job.status, job.url) == (DONE, origin.url("/stream"))


async def test_an_unknown_host_that_leads_to_a_site_is_left_to_that_site(run, origin):
    origin.put_redirect("/go", "https://www.youtube.com/watch?v=dQw4w9WgXcQ&utm_source=x")
    async with run(sources={"youtube": {"enabled": False}}) as engine:
        job = await finish(engine, origin.url("/go"))
        assert (job.status, job.error_type) == (FAILED, "UNSUPPORTED_SOURCE")
        assert "YouTube is switched off" in job.error_message


async def test_a_preview_shows_what_is_behind_a_short_link(run, short, origin):
    origin.put("/tone.mp3", TONE)
    short.put_redirect("/a", origin.url("/tone.mp3"))
    async with run() as engine:
        seen = await engine.preview(Request(url=short.url("/a")))
        assert (seen.source, seen.title) == ("direct", "tone")


async def test_lists_that_name_each_other_end(run, origin):
    origin.put("/a.txt", origin.url("/b.txt").encode(), content_type="text/plain")
    origin.put("/b.txt", origin.url("/a.txt").encode(), content_type="text/plain")
    async with run(retries={"max_retries": 0}) as engine:
        job = await finish(engine, origin.url("/a.txt"))
        assert (job.status, job.error_type) == (FAILED, "HTTP_ERROR")
        assert len(origin.requests) < 20


async def test_lists_of_lists_end_at_some_depth(run, origin):
    for depth in range(9):
        links = [origin.url(f"/{depth + 1}.txt"), origin.url(f"/tone{depth}.mp3")]
        origin.put(f"/{depth}.txt", "\n".join(links).encode(), content_type="text/plain")
        origin.put(f"/tone{depth}.mp3", TONE)
    async with run() as engine:
        first = await finish(engine, origin.url("/0.txt"))
        async for _frame in engine.stream():
            jobs = (await engine.jobs(JobQuery(group_id=first.group_id))).items
            if all(job.status.is_final for job in jobs):
                break
        refused = [job for job in jobs if job.status is FAILED]
        assert [(job.url, job.error_type) for job in refused] == [
            (origin.url("/4.txt"), "UNSUPPORTED_SOURCE")
        ]
        assert not origin.asked("/5.txt")
