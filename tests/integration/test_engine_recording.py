"""Live links through the real engine: recorded to their end, with all their tracks, and honest about gaps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import NetworkFailure
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.engine.engine import Engine
from core.engine.recording import is_live, lacking
from core.net.progress import Fetched
from tests.fakes import media
from tests.fakes.hls import LiveList
from tests.integration.conftest import until

TARGET_S = 0.1


def chunks(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob(pattern))]


def sound(origin: Any, **options: Any) -> LiveList:
    folder = media.made_once(media.hls_audio, "audio").parent
    return LiveList(origin, chunks(folder, "*.aac"), target_s=TARGET_S, **options)


async def submit(engine: Engine, url: str) -> Job:
    return (await engine.submit(Request(url=url))).job


async def ended(engine: Engine, job: Job) -> Job:
    return await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)


def fetched(**facts: Any) -> Fetched:
    usual = {"size_bytes": 1, "sha256": None, "fetched_bytes": 1, "resumed_bytes": 0, "container": None}
    return Fetched(path=Path("x"), **{**usual, **facts})


async def test_a_live_link_is_recorded_to_its_end(run_engine, origin):
    live = sound(origin)
    live.show(2)
    async with run_engine() as engine:
        job = await submit(engine, live.url)
        await live.is_heard(1)
        await live.run()
        live.end()
        job = await ended(engine, job)
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(6, abs=0.3)
    assert (job.error_message, job.source_type) == (None, "direct")


async def test_a_live_link_that_stands_still_is_over_after_a_while(run_engine, origin):
    live = sound(origin)
    live.show(4)
    async with run_engine(timeouts={"live_outage_s": 0.5, "download_s": 0.2, "job_s": 0.3}) as engine:
        job = await ended(engine, await submit(engine, live.url))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(4, abs=0.3)


async def test_picture_and_sound_that_are_sent_apart_are_recorded_side_by_side(run_engine, origin):
    folder = media.made_once(media.hls_master, "master").parent
    lists = []
    for name in ("360", "audio"):
        parts = chunks(folder / name, "*.m4s")
        origin.put(f"/{name}/init.mp4", (folder / name / "init.mp4").read_bytes())
        one = LiveList(origin, parts, prefix=f"/{name}", window=3, target_s=TARGET_S)
        one.lines_before.append('#EXT-X-MAP:URI="init.mp4"')
        one.show(2)
        lists.append(one)
    master = (folder / "master.m3u8").read_text().splitlines()
    smaller = next(number for number, line in enumerate(master) if "320x180" in line)
    del master[smaller : smaller + 2]
    origin.put("/master.m3u8", "\n".join(master).encode())
    async with run_engine() as engine:
        job = await submit(engine, origin.url("/master.m3u8"))
        await asyncio.gather(*(one.is_heard(1) for one in lists))
        await asyncio.gather(*(one.run() for one in lists))
        for one in lists:
            one.end()
        job = await ended(engine, job)
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(4, abs=0.3)
    assert (job.file_path or "").endswith(".mp4")


async def test_the_last_failure_saves_what_there_is(run_engine, origin):
    live = sound(origin)
    live.show(4)
    async with run_engine(timeouts={"live_outage_s": 0.4}, retries={"max_retries": 0}) as engine:
        job = await submit(engine, live.url)
        await live.is_heard(3)
        origin.is_away = True
        job = await ended(engine, job)
        told = [event for event in await engine.events(job.id) if event.type is EventType.DOWNLOAD_FINISHED]
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(4, abs=0.3)
    assert job.error_message == told[0].data["note"]
    assert job.error_message.startswith(f"The recording ends early. {NetworkFailure.summary}")


def test_what_is_whole_lacks_nothing():
    assert lacking([fetched()], None) == {}


def test_the_worse_of_two_tracks_is_told():
    told = lacking(
        [fetched(missing_segments=1, missing_s=4.0), fetched(missing_segments=3, missing_s=6.04)], None
    )
    assert (told["missing_segments"], told["missing_s"]) == (3, 6.0)
    assert "About 6 s" in told["note"]


def test_a_recording_is_what_has_a_live_track():
    track = Track(role=Role.AUDIO, transport=Transport.HLS, url="https://a.example/i.m3u8")
    assert not is_live(Resolution(source="direct", tracks=(track,)))
