"""Jobs that need a login, through the real engine: fallback, parking, release; no secret is left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import AuthRequired, InvalidRequest
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.profile import ProfileReason, ProfileStatus
from core.engine.engine import Engine
from tests.fakes.media import audio_mp3, hls_audio, made_once, run_ffmpeg, video_mp4
from tests.fakes.members import MembersOrigin, cookie_file, identity
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until

DONE, FAILED, PENDING = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.PENDING
CANARY = "c4n4ry"


@pytest.fixture
async def site() -> AsyncIterator[MembersOrigin]:
    async with MembersOrigin() as running:
        for name in ("a", "b"):
            running.put(f"/members/{name}.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
        running.put("/open.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
        yield running


async def parked(engine: Engine, url: str, **options: Any) -> Job:
    """Submit *url* and wait until its job waits for something."""
    job = (await engine.submit(Request(url=url, **options))).job
    async for _frame in engine.stream():
        job = await engine.job(job.id)
        if job.waiting_for or job.status.is_final:
            return job
    raise AssertionError("the stream ended")


async def of_type(engine: Engine, job: Job, type_: EventType) -> list[dict[str, Any]]:
    return [dict(event.data) for event in await engine.events(job.id) if event.type is type_]


async def test_a_login_lets_in_and_is_remembered_with_the_job(run_engine, site, tmp_path):
    site.accepted = {CANARY}
    file = cookie_file(tmp_path / "c.txt", CANARY)
    before = identity(file)
    async with run_engine() as engine:
        profile = await engine.add_profile("direct", str(file))
        job = await finish(engine, site.url("/members/a.mp3"))
        assert job.status is DONE, job.error_message
        assert job.auth_profile_id == profile.id
        (seen,) = await engine.profiles()
        assert seen.last_success is not None
        assert seen.status is ProfileStatus.ACTIVE
        assert not list(engine.settings.paths.tmp.rglob("*.cookies"))
    assert identity(file) == before


async def test_without_any_profile_the_job_fails_with_the_command_that_adds_one(run_engine, site):
    async with run_engine() as engine:
        job = await finish(engine, site.url("/members/a.mp3"))
        assert (job.status, job.error_type) == (FAILED, "AUTH_ERROR")
        assert "reeldeck auth add direct FILE" in job.error_hint


async def test_a_dead_profile_falls_back_to_the_next_one_within_the_attempt(run_engine, site, tmp_path):
    site.accepted = {"alive"}
    async with run_engine() as engine:
        await engine.add_profile("direct", str(cookie_file(tmp_path / "1.txt", "dead")), "main")
        alt = await engine.add_profile("direct", str(cookie_file(tmp_path / "2.txt", "alive")), "alt")
        job = await finish(engine, site.url("/members/a.mp3"))
        assert job.status is DONE, job.error_message
        assert (job.attempt, job.auth_profile_id) == (1, alt.id)
        (fallback,) = await of_type(engine, job, EventType.PROFILE_FALLBACK)
        assert (fallback["from"], fallback["to"]) == ("main", "alt")
        assert (fallback["auth_profile_id"], fallback["http_status"]) == (1, 401)
        main = (await engine.profiles())[0]
        assert (main.reason, main.failure_count_recent) == (ProfileReason.REFUSED, 1)


async def test_a_job_begins_with_the_profile_that_was_asked_for(run_engine, site, tmp_path):
    site.accepted = {"one", "two"}
    async with run_engine() as engine:
        await engine.add_profile("direct", str(cookie_file(tmp_path / "1.txt", "one")), "main")
        await engine.add_profile("direct", str(cookie_file(tmp_path / "2.txt", "two")), "alt")
        await finish(engine, site.url("/members/a.mp3"), profile="alt")
        assert set(site.sessions) == {"two"}


async def test_only_jobs_that_need_the_login_wait_and_a_new_file_lets_them_go_on(
    run_engine, site, tmp_path, caplog
):
    file = cookie_file(tmp_path / "c.txt", "dead")
    site.accepted = {"alive"}
    with caplog.at_level(logging.WARNING, "reeldeck.auth"):
        async with run_engine() as engine:
            await engine.add_profile("direct", str(file))
            first = await parked(engine, site.url("/members/a.mp3"))
            second = await parked(engine, site.url("/members/b.mp3"))
            for job in (first, second):
                assert (job.status, job.waiting_for) == (PENDING, "auth:main")
                assert (job.not_before, job.retry_count) == (None, 0)
                assert str(file) in job.error_hint
            (told,) = await of_type(engine, first, EventType.PARKED)
            assert (told["waiting_for"], told["error_type"]) == ("auth:main", "AUTH_ERROR")
            (fallback,) = await of_type(engine, first, EventType.PROFILE_FALLBACK)
            assert (fallback["from"], fallback["to"]) == ("main", None)
            assert told["http_status"] == fallback["http_status"] == 401
            assert (await finish(engine, site.url("/open.mp3"))).status is DONE
            assert len(caplog.records) == 1, "the owner is told once"
            cookie_file(file, "alive")
            async with asyncio.timeout(10):
                for job in (first, second):
                    assert (await until(engine, job.id, DONE, FAILED)).status is DONE
            assert await of_type(engine, first, EventType.UNPARKED)
            assert (await engine.profiles())[0].status is ProfileStatus.ACTIVE


async def test_a_further_profile_lets_waiting_jobs_go_on_and_so_does_a_removal(run_engine, site, tmp_path):
    site.accepted = {"alive"}
    async with run_engine() as engine:
        main = await engine.add_profile("direct", str(cookie_file(tmp_path / "1.txt", "dead")))
        first = await parked(engine, site.url("/members/a.mp3"))
        alt = await engine.add_profile("direct", str(cookie_file(tmp_path / "2.txt", "alive")), "alt")
        assert (await until(engine, first.id, DONE, FAILED)).status is DONE
        await engine.remove_profile(alt.id)
        second = await parked(engine, site.url("/members/b.mp3"))
        assert second.waiting_for == "auth:main"
        await engine.remove_profile(main.id)
        assert (await until(engine, second.id, DONE, FAILED)).status is FAILED


async def test_a_file_that_comes_while_no_engine_runs_lets_jobs_go_on_at_the_next_start(
    run_engine, site, tmp_path
):
    file = cookie_file(tmp_path / "c.txt", "dead")
    site.accepted = {"alive"}
    async with run_engine() as engine:
        await engine.add_profile("direct", str(file))
        job = await parked(engine, site.url("/members/a.mp3"))
    cookie_file(file, "alive")
    async with run_engine() as engine:
        assert (await until(engine, job.id, DONE, FAILED)).status is DONE


async def test_a_login_that_ends_during_a_download_is_replaced_by_the_next(run_engine, site, tmp_path):
    folder = made_once(hls_audio, "audio").parent
    site.put_folder("/members/hls", folder)
    last = max(path for path in site.paths if path.startswith("/members/hls/") and not path.endswith("m3u8"))
    site.resource(last).fail(Fault(status=401))
    site.accepted = {"one", "two"}
    name = made_once(hls_audio, "audio").name
    async with run_engine() as engine:
        await engine.add_profile("direct", str(cookie_file(tmp_path / "1.txt", "one")), "main")
        alt = await engine.add_profile("direct", str(cookie_file(tmp_path / "2.txt", "two")), "alt")
        job = await finish(engine, site.url(f"/members/hls/{name}"))
        assert job.status is DONE, job.error_message
        assert (job.attempt, job.auth_profile_id) == (1, alt.id)
        assert "two" in site.sessions


async def test_an_interrupted_download_goes_on_with_its_login(run_engine, site, tmp_path):
    data = made_once(audio_mp3, "tone.mp3").read_bytes()
    site.put("/members/long.mp3", data).always = Fault(hold_after=len(data) // 2)
    site.accepted = {CANARY}
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
        job = (await engine.submit(Request(url=site.url("/members/long.mp3")))).job
        await site.held.wait()
        await engine.pause(job.id)
        assert not list(engine.settings.paths.tmp.rglob("*.cookies"))
        site.release.set()
        await engine.resume(job.id)
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert Path(done.file_path).read_bytes() == data


async def test_yt_dlp_is_given_the_login_and_leaves_no_trace_of_it(run_engine, site, tmp_path):
    page = b'<html><body><video src="/members/a.mp3"></video></body></html>'
    site.put("/members/page", page, content_type="text/html")
    site.accepted = {CANARY}
    file = cookie_file(tmp_path / "c.txt", CANARY)
    before = file.read_bytes()
    async with run_engine() as engine:
        await engine.add_profile("ytdlp", str(file))
        job = await finish(engine, site.url("/members/page"))
        assert job.status is DONE, job.error_message
        assert job.source_type == "ytdlp"
    assert file.read_bytes() == before


async def test_what_only_yt_dlp_can_fetch_is_fetched_with_the_login(run_engine, site, tmp_path):
    folder = tmp_path / "dash"
    folder.mkdir()
    film = made_once(video_mp4, "clip.mp4")
    run_ffmpeg("-i", film, "-c", "copy", "-f", "dash", "-seg_duration", "1", folder / "m.mpd")
    site.put_folder("/members/dash", folder)
    site.accepted = {CANARY}
    async with run_engine() as engine:
        await engine.add_profile("ytdlp", str(cookie_file(tmp_path / "c.txt", CANARY)))
        job = await finish(engine, site.url("/members/dash/m.mpd"))
        assert job.status is DONE, job.error_message
        assert not list(engine.settings.paths.tmp.rglob("*.cookies"))


async def test_a_preview_uses_a_login_too_and_cleans_up(run_engine, site, tmp_path):
    site.accepted = {CANARY}
    async with run_engine() as engine:
        with pytest.raises(AuthRequired):
            await engine.preview(Request(url=site.url("/members/a.mp3")))
        await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
        assert (await engine.preview(Request(url=site.url("/members/a.mp3")))).source == "direct"
        assert not list(engine.settings.paths.tmp.iterdir())


async def test_a_profile_of_an_unknown_source_is_refused(run_engine, tmp_path):
    async with run_engine() as engine:
        with pytest.raises(InvalidRequest, match="no source"):
            await engine.add_profile("nowhere", str(cookie_file(tmp_path / "c.txt", "one")))


async def test_no_secret_is_in_the_database_the_events_or_the_log(run_engine, site, tmp_path, caplog):
    page = b'<html><body><video src="/members/a.mp3"></video></body></html>'
    site.put("/members/page", page, content_type="text/html")
    site.put("/members/held.mp3", bytes(1000)).always = Fault(hold_after=10)
    site.accepted = {CANARY}
    file = cookie_file(tmp_path / "c.txt", CANARY)
    tokens = {"auth_token": f"{CANARY}a", "ct0": f"{CANARY}b"}
    with caplog.at_level(logging.DEBUG):
        async with run_engine(sources={"x": tokens}) as engine:
            for source in ("direct", "ytdlp"):
                await engine.add_profile(source, str(file))
            jobs = [await finish(engine, site.url(path)) for path in ("/members/page", "/members/b.mp3")]
            assert {job.status for job in jobs} == {DONE}
            site.resource("/members/a.mp3").always = Fault(hold_after=10)
            running = (await engine.submit(Request(url=site.url("/members/page"), force=True))).job
            await site.held.wait()
            # While it runs, its checkpoint holds what was found, a moment after that was found.
            async for _ in engine.stream():
                if "resolution" in (await engine._store.jobs.get(running.id)).checkpoint:
                    break
            held = "".join(path.read_bytes().decode("latin-1") for path in _files(engine))
            shown = repr([await engine.events(job.id) for job in (*jobs, running)])
            shown += repr([job.to_json() for job in jobs]) + repr(await engine.profiles())
            site.release.set()
    assert CANARY in "".join(filter(None, site.sessions)), "the canary was really in use"
    assert CANARY not in held
    assert CANARY not in shown
    assert CANARY not in caplog.text


def _files(engine: Engine) -> list[Path]:
    """Everything the engine keeps, but private copies of jobs that run."""
    folder = engine.settings.paths.data_dir
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".cookies"]
