"""From a link to a verified file, through the real engine."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from core.domain.errors import IllegalTransition, InvalidRequest, LimitReached, NoSuchJob, StoreFailure
from core.domain.events import EventType
from core.domain.job import JobStatus, Kind, Request
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from tests.fakes.media import audio_mp3, hls_aes, hls_audio, hls_master, made_once, video_mp4
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


def film() -> bytes:
    return made_once(video_mp4, "clip.mp4").read_bytes()


async def types_of(engine, job_id: int) -> list[EventType]:
    return [event.type for event in await engine.events(job_id)]


async def test_a_direct_file_is_fetched_verified_and_filed_unchanged(run_engine, origin):
    origin.put("/a%20film.mp4".replace("%20", " "), film())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/a%20film.mp4"))
        assert job.status is DONE, job.error_message
        path = Path(job.file_path)
        assert path.read_bytes() == film()
        assert path.name == "a film.mp4"
        assert job.sha256 == hashlib.sha256(film()).hexdigest()
        assert job.size_bytes == len(film())
        assert job.duration_s == pytest.approx(2.0, rel=0.05)
        assert not (engine.settings.paths.tmp / str(job.id)).exists()


async def test_the_timeline_tells_every_step_in_order(run_engine, origin):
    origin.put("/film.mp4", film())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/film.mp4"))
        assert await types_of(engine, job.id) == [
            EventType.JOB_CREATED,
            EventType.STATUS_CHANGED,
            EventType.STATUS_CHANGED,
            EventType.WORKER_ASSIGNED,
            EventType.METADATA_FETCH_STARTED,
            EventType.METADATA_FETCH_FINISHED,
            EventType.CAPABILITY_CHECKED,
            EventType.DOWNLOAD_STARTED,
            EventType.DOWNLOAD_FINISHED,
            EventType.POSTPROCESS_STARTED,
            EventType.POSTPROCESS_FINISHED,
            EventType.OUTPUT_VALIDATED,
            EventType.STATUS_CHANGED,
            EventType.ARCHIVED,
            EventType.JOB_COMPLETED,
        ]


@pytest.mark.parametrize(("make", "name", "kind"), [(hls_audio, "audio", "m4a"), (hls_aes, "aes", "mp4")])
async def test_a_playlist_becomes_one_file_of_the_right_length(run_engine, origin, make, name, kind):
    playlist = made_once(make, name)
    origin.put_folder("/hls", playlist.parent)
    async with run_engine() as engine:
        job = await finish(engine, origin.url(f"/hls/{playlist.name}"))
        assert job.status is DONE, job.error_message
        assert job.file_path.endswith(f".{kind}")
        assert job.duration_s == pytest.approx(6.0 if name == "audio" else 4.0, rel=0.02)


async def test_separate_picture_and_sound_become_one_film(run_engine, origin):
    playlist = made_once(hls_master, "master")
    origin.put_folder("/m", playlist.parent)
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/m/master.m3u8"))
        assert job.status is DONE, job.error_message
        info = await engine._tools.prober.probe(Path(job.file_path))
        assert info.video is not None
        assert info.audio is not None
        assert info.video.height == 360


async def test_audio_asked_of_a_film_is_audio(run_engine, origin):
    origin.put("/film.mp4", film())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/film.mp4"), kind="audio")
        assert job.status is DONE, job.error_message
        assert job.file_path.endswith(".m4a")


async def test_the_same_link_joins_the_running_job_and_later_answers_with_the_result(run_engine, origin):
    origin.put("/film.mp4", film()).fail(Fault(hold_after=1000), times=3)
    url = origin.url("/film.mp4")
    async with run_engine() as engine:
        first = await engine.submit(Request(url=url))
        again = await engine.submit(Request(url=url + "?utm_source=friend"))
        assert (first.joined, again.joined) == (False, True)
        assert again.job.id == first.job.id
        origin.release.set()
        await until(engine, first.job.id, DONE)
        third = await engine.submit(Request(url=url))
        assert third.joined
        assert third.job.status is DONE
        forced = await engine.submit(Request(url=url, force=True))
        assert not forced.joined
        done = await until(engine, forced.job.id, DONE)
        assert done.file_path.endswith("film (2).mp4")


async def test_a_request_sent_twice_with_one_key_makes_one_job(run_engine, origin):
    origin.put("/a.mp4", film())
    async with run_engine() as engine:
        request = Request(url=origin.url("/a.mp4"), idempotency_key="k1", force=True)
        first, second = await engine.submit(request), await engine.submit(request)
        assert first.job.id == second.job.id
        assert second.joined


async def test_a_paused_download_goes_on_from_its_bytes_and_fetches_none_twice(run_engine, origin):
    data = film() + bytes(4_000_000)
    origin.put("/film.mp4", data).always = Fault(hold_after=1_500_000)
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = (await engine.submit(Request(url=origin.url("/film.mp4")))).job
        await origin.held.wait()
        paused = await engine.pause(job.id)
        assert paused.status is JobStatus.PAUSED
        before = origin.bytes_sent("/film.mp4")
        origin.release.set()
        await engine.resume(job.id)
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert Path(done.file_path).read_bytes() == data
        assert origin.bytes_sent("/film.mp4") <= len(data) + 1_500_000
        assert before > 0
        assert EventType.DOWNLOAD_RESUMED in await types_of(engine, job.id)


async def test_cancelling_deletes_what_was_fetched_and_a_retry_begins_anew(run_engine, origin):
    origin.put("/film.mp4", film()).fail(Fault(hold_after=1000), times=2)
    async with run_engine() as engine:
        job = (await engine.submit(Request(url=origin.url("/film.mp4")))).job
        await origin.held.wait()
        cancelled = await engine.cancel(job.id)
        assert cancelled.status is JobStatus.CANCELLED
        assert not (engine.settings.paths.tmp / str(job.id)).exists()
        assert (await types_of(engine, job.id))[-1] is EventType.JOB_CANCELLED
        origin.release.set()
        await engine.retry(job.id)
        assert (await until(engine, job.id, DONE, FAILED)).status is DONE


async def test_a_retry_that_another_job_makes_needless_is_refused_with_that_job_s_number(run_engine, origin):
    async with run_engine() as engine:
        gone = await finish(engine, origin.url("/gone.mp4"))
        origin.put("/gone.mp4", film()).fail(Fault(hold_after=1000), times=2)
        again = (await engine.submit(Request(url=origin.url("/gone.mp4")))).job
        assert again.id != gone.id
        with pytest.raises(IllegalTransition, match=f"job {again.id} already downloads the same") as refused:
            await engine.retry(gone.id)
        assert f"reeldeck job {again.id}" in refused.value.hint
        origin.release.set()
        await until(engine, again.id, DONE)


async def test_a_start_that_fails_late_leaves_nothing_open_and_the_next_one_begins(
    make_settings, run_engine, monkeypatch
):
    async def fail(*_: object, **__: object) -> None:
        raise StoreFailure("planted")

    with monkeypatch.context() as planted:
        planted.setattr("core.engine.engine.recover", fail)
        with pytest.raises(StoreFailure, match="planted"):
            await Engine(make_settings()).start()
    # The database's thread would keep the process from its end.
    for thread in [each for each in threading.enumerate() if "_connection_worker" in each.name]:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
    async with run_engine() as engine:
        assert (await engine.status())["engine"]["state"] == "running"


async def test_a_stopped_engine_puts_its_jobs_back_and_the_next_one_finishes_them(run_engine, origin):
    data = film() + bytes(4_000_000)
    origin.put("/film.mp4", data).always = Fault(hold_after=1_500_000)
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = (await engine.submit(Request(url=origin.url("/film.mp4")))).job
        await origin.held.wait()
    origin.release.set()
    async with run_engine() as engine:
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert Path(done.file_path).read_bytes() == data
        assert done.retry_count == 0


async def test_a_passing_fault_is_retried_by_back_off_until_it_heals(run_engine, origin):
    origin.put("/film.mp4", film()).fail(Fault(status=500), times=1)
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/film.mp4"))
        assert job.status is DONE, job.error_message
        assert EventType.RETRY_SCHEDULED in await types_of(engine, job.id)


async def test_limits_hold_for_all_jobs_and_for_each_source(run_engine, origin):
    for number in range(6):
        origin.put(f"/{number}.mp4", film()).fail(Fault(hold_after=1000), times=4)
    async with run_engine(limits={"max_parallel_jobs": 4, "max_parallel_jobs_per_source": 2}) as engine:
        for number in range(6):
            await engine.submit(Request(url=origin.url(f"/{number}.mp4")))
        async for frame in engine.stream():
            assert frame.counts.get(JobStatus.RUNNING, 0) <= 2
            if frame.counts.get(JobStatus.RUNNING) == 2:
                break
        origin.release.set()
        async for frame in engine.stream():
            assert frame.counts.get(JobStatus.RUNNING, 0) <= 2
            if frame.counts.get(DONE) == 6:
                break


async def test_the_more_important_job_runs_first(run_engine, origin):
    for name in ("a", "b", "c"):
        origin.put(f"/{name}.mp4", film())
    origin.put("/first.mp4", film()).fail(Fault(hold_after=1000), times=2)
    async with run_engine(limits={"max_parallel_jobs": 1}) as engine:
        await engine.submit(Request(url=origin.url("/first.mp4")))
        await origin.held.wait()
        ids = [(await engine.submit(Request(url=origin.url(f"/{n}.mp4")))).job.id for n in ("a", "b", "c")]
        await engine.patch(ids[2], priority=5)
        origin.release.set()
        jobs = [await until(engine, job_id, DONE) for job_id in ids]
        started = [job.started for job in jobs]
        assert min(started) == started[2]


async def test_a_full_queue_is_refused_with_the_limits_name(run_engine, origin):
    async with run_engine(limits={"max_queue_length": 1, "max_parallel_jobs": 1}) as engine:
        origin.put("/a.mp4", film()).fail(Fault(hold_after=10), times=2)
        await engine.submit(Request(url=origin.url("/a.mp4")))
        with pytest.raises(LimitReached) as caught:
            await engine.submit(Request(url=origin.url("/b.mp4")))
        assert "max_queue_length" in str(caught.value)
        origin.release.set()


async def test_a_link_that_is_none_is_refused_and_stores_nothing(run_engine):
    async with run_engine() as engine:
        for wrong in ("not a link", "ftp://a.example/x", "http://", "javascript:alert(1)"):
            with pytest.raises(InvalidRequest):
                await engine.submit(Request(url=wrong))
        assert not (await engine.jobs(JobQuery())).items


@pytest.mark.parametrize(("kind", "quality"), [(Kind.AUTO, "super"), (Kind.VIDEO, "audio_192")])
async def test_a_quality_that_nothing_has_is_refused_at_once(run_engine, kind, quality):
    async with run_engine() as engine:
        with pytest.raises(InvalidRequest, match=quality):
            await engine.submit(Request(url="http://127.0.0.1/film.mp4", kind=kind, quality=quality))
        assert not (await engine.jobs(JobQuery())).items


async def test_actions_on_a_finished_job_say_why_they_are_refused(run_engine, origin):
    origin.put("/film.mp4", film())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/film.mp4"))
        for action in (engine.pause, engine.resume, engine.cancel, engine.retry):
            with pytest.raises(IllegalTransition, match="COMPLETED"):
                await action(job.id)
        with pytest.raises(NoSuchJob):
            await engine.pause(999)
        await engine.delete(job.id)
        assert Path(job.file_path).exists()
        with pytest.raises(NoSuchJob):
            await engine.job(job.id)


async def test_only_submitted_jobs_run_in_a_private_engine(run_engine, origin):
    origin.put("/held.mp4", film()).fail(Fault(hold_after=1000), times=1)
    origin.put("/mine.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine:
        other = (await engine.submit(Request(url=origin.url("/held.mp4")))).job
        await origin.held.wait()
    async with run_engine(only_submitted=True) as engine:
        mine = await finish(engine, origin.url("/mine.mp3"))
        assert mine.status is DONE, mine.error_message
        assert (await engine.job(other.id)).status is not DONE


async def test_a_stream_replays_what_was_missed_and_doubles_nothing(run_engine, origin):
    origin.put("/a.mp4", film())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/a.mp4"))
        seqs: list[int] = []
        async with asyncio.timeout(20):
            async for frame in engine.stream(last_seq=2):
                seqs += [event.seq for event in frame.events]
                if frame.events and frame.events[-1].type is EventType.JOB_COMPLETED:
                    break
        stored = [event.seq for event in await engine.events(job.id) if event.seq > 2]
        assert seqs == stored


async def test_status_has_every_figure_of_the_contract(run_engine):
    async with run_engine() as engine:
        status = await engine.status()
        assert {
            "engine",
            "counts",
            "speed_bps",
            "disk",
            "cpu_percent",
            "memory_bytes",
            "telegram",
            "sources",
            "limits",
        } <= set(status)
        assert {"version", "pid", "uptime_s", "state"} <= set(status["engine"])
        assert any(source["name"] == "direct" for source in status["sources"])


async def test_a_track_that_was_whole_before_an_interruption_is_not_fetched_again(run_engine, origin):
    playlist = made_once(hls_master, "master")
    origin.put_folder("/m", playlist.parent)
    late = max(path for path in origin.paths if path.startswith("/m/360/") and path.endswith(".m4s"))
    sound = max(path for path in origin.paths if path.startswith("/m/audio/") and path.endswith(".m4s"))
    origin.resource(late).always = Fault(hold_after=10)
    async with run_engine() as engine:
        job = (await engine.submit(Request(url=origin.url("/m/master.m3u8")))).job
        await origin.held.wait()
        finished = engine.settings.paths.tmp / str(job.id) / "1-audio"
        async for _frame in engine.stream():
            if finished.exists():
                break
        await engine.pause(job.id)
        asked_before = len(origin.asked(sound))
        origin.release.set()
        await engine.resume(job.id)
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert len(origin.asked(sound)) == asked_before
