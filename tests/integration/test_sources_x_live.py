"""X Spaces while they are live: recorded by the real engine, and filled from what X has afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mutagen
import pytest

from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.engine.engine import Engine
from tests.fakes import media
from tests.fakes.x import AUTH_TOKEN, CT0, SPACE, FakeX, LiveSpace
from tests.integration.conftest import until

URL = f"https://x.com/i/spaces/{SPACE}"
TARGET_S = 0.05


def short_chunks(folder: Path) -> Path:
    return media.hls_audio(folder, seconds=12.0, segment_s=0.3)


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    async with FakeX() as running:
        yield running


@pytest.fixture
def chunks() -> list[bytes]:
    folder = media.made_once(short_chunks, "short-chunks").parent
    return [path.read_bytes() for path in sorted(folder.glob("*.aac"))]


@pytest.fixture
def live(x: FakeX, chunks: list[bytes]) -> LiveSpace:
    """A Space of which four chunks were sent; X keeps none that has left the list."""
    space = x.put_live(chunks, target_s=TARGET_S, duration_s=0.3, keeps=0)
    space.show(4)
    return space


@pytest.fixture
def run(x: FakeX, run_engine: Any) -> Any:
    """`async with run() as engine`, with X replaced."""

    def start(**sections: Any) -> Any:
        own = sections.pop("x", {})
        bases = {"api_base": x.url(""), "web_base": x.url("")}
        return run_engine(sources={"x": bases | own}, **sections)

    return start


async def submit(engine: Engine) -> Job:
    return (await engine.submit(Request(url=URL))).job


async def outage(live: LiveSpace, chunks: int) -> None:
    """X is away while so many chunks come and go."""
    live.origin.is_away = True
    asked = len(live.origin.asked(live.path))
    live.show(chunks)
    await live.origin.wait_for_requests(live.path, asked + 2)
    live.origin.is_away = False


async def ended(engine: Engine, job: Job) -> Job:
    return await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)


def plain(live: LiveSpace, *numbers: int) -> bytes:
    """What a player hears of these chunks."""
    tag = len(media.id3_timestamp(0))
    return b"".join(live.segments[number][tag:] for number in numbers)


async def fetched(engine: Engine, job: Job) -> dict[str, Any]:
    """What the timeline tells of the finished download."""
    found = [event for event in await engine.events(job.id) if event.type is EventType.DOWNLOAD_FINISHED]
    return dict(found[-1].data)


async def seconds_of(job: Job) -> float:
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s is not None
    return job.duration_s


# From first to last.


@pytest.mark.parametrize("replay", ["replay", "master", "joined", "transcoded"])
async def test_what_an_outage_costs_is_filled_from_what_x_has_afterwards(
    run: Any, live: LiveSpace, replay: Any
) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await outage(live, 9)
        await live.is_heard(12)
        live.is_over(replay=replay)
        job = await ended(engine, job)
        assert await seconds_of(job) == pytest.approx(13 * 0.3, abs=0.3)
        told = await fetched(engine, job)
        assert told["size_bytes"] == len(plain(live, *range(13)))
        assert "note" not in told
        assert job.error_message is None
        assert (job.media_id, job.source_type) == (f"x:space:{SPACE}", "x")
    copies = [path for path in live.origin.paths if "/transcode/" in path and path.endswith(".aac")]
    is_copied = any(live.origin.asked(path) for path in copies)
    assert is_copied == (replay == "transcoded"), "originals go first"


async def test_the_beginning_that_was_missed_is_filled_too(run: Any, live: LiveSpace) -> None:
    live.show(6)
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(9)
        live.is_over()
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(10)))


@pytest.mark.parametrize("is_list_gone", [True, False])
async def test_a_space_without_a_replay_is_saved_with_what_was_heard(
    run: Any, live: LiveSpace, is_list_gone: bool
) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await outage(live, 6)
        await live.is_heard(9)
        live.is_over(replay=None, is_named=False, is_list_gone=is_list_gone)
        job = await ended(engine, job)
        assert await seconds_of(job) == pytest.approx(8 * 0.3, abs=0.3)
        told = await fetched(engine, job)
        assert told["missing_segments"] == 2
        assert told["size_bytes"] == len(plain(live, *range(4), *range(6, 10)))
        assert job.error_message == told["note"]
        assert job.error_type is None
        assert "missing" in job.error_message


async def test_a_space_that_is_said_to_have_no_replay_is_filled_from_beside_its_list(
    run: Any, live: LiveSpace
) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await outage(live, 9)
        await live.is_heard(12)
        live.is_over(replay="joined", is_named=False)
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(13)))


async def test_a_short_list_is_waited_upon_until_it_reaches_the_end(run: Any, live: LiveSpace) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.is_over()
        playlist = next(path for path in live.origin.paths if "playlist_1681" in path)
        whole = live.origin.resource(playlist).body
        end = b"#EXT-X-ENDLIST\n"
        for number, begun in enumerate((b"#EXTM3U\n", b"".join(whole.splitlines(keepends=True)[:5]))):
            live.origin.resource(playlist).body = begun + end
            await live.origin.wait_for_requests(playlist, 2 * number + 2)
        live.origin.resource(playlist).body = whole
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(4)))


async def test_a_host_who_is_lost_ends_the_recording(run: Any, live: LiveSpace) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.is_over(state="TimedOut", replay=None, is_named=False)
        assert (await ended(engine, job)).status is JobStatus.COMPLETED


@pytest.mark.parametrize("is_one_gone", [False, True])
async def test_a_replay_of_copies_is_fetched_from_the_originals_where_all_are_there(
    run: Any, live: LiveSpace, is_one_gone: bool
) -> None:
    live.show(6)
    live.is_over(replay="joined")
    if is_one_gone:
        live.origin.remove(live.segment(5))
    async with run() as engine:
        job = await ended(engine, await submit(engine))
        assert await seconds_of(job) == pytest.approx(10 * 0.3, abs=0.3)
    copies = [path for path in live.origin.paths if "/transcode/" in path and path.endswith(".aac")]
    assert any(live.origin.asked(path) for path in copies) == is_one_gone


# Told, tagged, limited.


async def test_the_file_tells_who_was_heard_and_when(run: Any, live: LiveSpace) -> None:
    live.x.spaces[SPACE]["participants"]["speakers"] = []
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.is_over()  # and two have spoken meanwhile
        job = await ended(engine, job)
    tags = mutagen.File(job.file_path).tags
    assert tags["\xa9nam"] == ["An evening about stars"]
    assert tags["\xa9ART"] == ["Amal"]
    assert tags["\xa9day"] == ["2023-11-14"]
    assert tags["\xa9cmt"] == [URL]
    assert tags["desc"] == ["With Bo, سارة"]


@pytest.mark.parametrize("bitrate", ["low", "medium", "high"])
async def test_mp3_comes_in_three_qualities_with_the_same_tags(
    run: Any, live: LiveSpace, bitrate: str
) -> None:
    async with run(media={"audio_format": "mp3", "audio_bitrate": bitrate}) as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.is_over()
        job = await ended(engine, job)
    file = mutagen.File(job.file_path)
    assert file.info.bitrate == {"low": 32_000, "medium": 64_000, "high": 96_000}[bitrate]  # one channel
    assert file.tags["TPE1"].text == ["Amal"]
    assert file.tags["TXXX:description"].text == ["With Bo, سارة"]
    assert str(file.tags["TDRC"].text[0]) == "2023-11-14"


async def test_no_time_limit_ends_a_recording_and_its_bytes_are_shown_meanwhile(
    run: Any, live: LiveSpace
) -> None:
    async with run(timeouts={"download_s": 0.3, "job_s": 0.5}) as engine:
        job = await submit(engine)
        await live.run(20)
        async for _frame in engine.stream():
            seen = await engine.job(job.id)
            if seen.bytes_done >= len(plain(live, *range(12))):
                break
        assert (seen.status, seen.stage, seen.size_bytes) == (JobStatus.RUNNING, "DOWNLOAD", None)
        assert 12 * 0.3 - 0.1 <= (seen.duration_s or 0) <= 20 * 0.3 + 0.1
        live.is_over()
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(20)))


async def test_an_outage_without_end_fails_the_job_and_the_last_failure_saves_what_there_is(
    run: Any, live: LiveSpace
) -> None:
    async with run(timeouts={"live_outage_s": 0.4}, retries={"max_retries": 1}) as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.origin.is_away = True
        job = await ended(engine, job)
        assert await seconds_of(job) == pytest.approx(4 * 0.3, abs=0.3)
        events = [event.type for event in await engine.events(job.id)]
        assert events.count(EventType.DOWNLOAD_FAILED) == 2
        assert EventType.RETRY_SCHEDULED in events
        assert job.error_message is not None
        assert job.error_message.startswith("The recording ends early. The network connection failed")


async def test_a_recording_that_cannot_be_made_into_a_file_is_kept(
    run: Any, x: FakeX, chunks: list[bytes]
) -> None:
    live = x.put_live([b"\xff\xf1\x50\x80" + bytes(2000)] * 4, target_s=TARGET_S)
    live.show(4)
    async with run(retries={"max_retries": 1, "backoff_s": (0.05,)}) as engine:
        job = await submit(engine)
        await live.is_heard(3)
        live.is_over(replay=None, is_named=False)
        job = await ended(engine, job)
        assert (job.status, job.error_type, job.attempt) == (JobStatus.FAILED, "MEDIA_ERROR", 2)
        kept = engine.settings.paths.tmp / str(job.id) / "0-audio"
        assert kept.stat().st_size == 4 * 2004
        assert len(live.origin.asked(live.segment(0))) == 1


# Stopped.


async def test_paused_and_resumed_it_goes_on_and_fills_what_it_missed(run: Any, live: LiveSpace) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await engine.pause(job.id)
        await until(engine, job.id, JobStatus.PAUSED)
        live.show(9)
        await engine.resume(job.id)
        await live.is_heard(12)
        live.is_over()
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(13)))


async def test_a_space_that_ended_while_we_were_stopped_is_saved_although_x_has_no_replay(
    run: Any, live: LiveSpace
) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await engine.pause(job.id)
        await until(engine, job.id, JobStatus.PAUSED)
        live.show(9)
        live.is_over(replay="joined", is_named=False, is_list_gone=True)
        await engine.resume(job.id)
        job = await ended(engine, job)
        assert (await fetched(engine, job))["size_bytes"] == len(plain(live, *range(13)))


async def test_a_login_that_is_refused_meanwhile_costs_nothing(run: Any, live: LiveSpace) -> None:
    x = live.x
    x.shows_guests = False
    async with run(x={"auth_token": AUTH_TOKEN, "ct0": CT0}) as engine:
        job = await submit(engine)
        await live.is_heard(3)
        x.login = None
        live.show(3)
        await live.is_heard(6)
        live.end()
        live.is_over(replay="joined")
        job = await ended(engine, job)
        assert await seconds_of(job) == pytest.approx(7 * 0.3, abs=0.3)


async def test_a_space_of_which_nothing_is_sent_yet_is_looked_at_again(run: Any, x: FakeX) -> None:
    x.put_space(state="Running", ended_at=...)
    async with run() as engine:
        job = await submit(engine)
        async for _frame in engine.stream():
            seen = await engine.job(job.id)
            if seen.waiting_for:
                break
        assert (seen.waiting_for, seen.error_type) == ("live", "NOT_YET_AVAILABLE")


async def test_cancelled_it_leaves_nothing(run: Any, live: LiveSpace) -> None:
    async with run() as engine:
        job = await submit(engine)
        await live.is_heard(3)
        await engine.cancel(job.id)
        await until(engine, job.id, JobStatus.CANCELLED)
        folder = engine.settings.paths.tmp / str(job.id)
        assert not await asyncio.to_thread(folder.exists)
