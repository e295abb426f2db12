"""X Spaces with the shipped program: replays, and what is said live, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest

from core.domain.errors import ERRORS
from tests.acceptance.program import Program
from tests.fakes import media
from tests.fakes.x import AUTH_TOKEN, CT0, SPACE, FakeX

URL = f"https://x.com/i/spaces/{SPACE}"
CHUNKS = 1200


def many_chunks(folder: Path) -> Path:
    return media.hls_audio(folder, seconds=CHUNKS * 0.1 + 1, segment_s=0.1)


@pytest.fixture
def chunks() -> list[bytes]:
    """1200 chunks of some 0.1 s, each led by its ID3 tag."""
    folder = media.made_once(many_chunks, "many-chunks").parent
    return [path.read_bytes() for path in sorted(folder.glob("*.aac"))][:CHUNKS]


@pytest.fixture
async def x(reeldeck: Program) -> AsyncIterator[FakeX]:
    async with FakeX() as running:
        reeldeck.env |= {
            "REELDECK_SOURCES__X__API_BASE": running.url(""),
            "REELDECK_SOURCES__X__WEB_BASE": running.url(""),
        }
        yield running


def frames(source: Path | bytes, tmp_path: Path) -> list[bytes]:
    """The AAC frames of a finished file, or of chunks joined as a player would, without their headers."""
    path = source if isinstance(source, Path) else tmp_path / "joined.aac"
    if isinstance(source, bytes):
        path.write_bytes(source)
    with av.open(str(path)) as container:
        head = 7 if container.format.name == "aac" else 0
        return [bytes(packet)[head:] for packet in container.demux(audio=0) if packet.size]


def joined(chunks: list[bytes]) -> bytes:
    tag = len(media.id3_timestamp(0))
    return b"".join(chunk[tag:] for chunk in chunks)


def in_a_second() -> int:
    """As X writes times."""
    return int((time.time() + 1) * 1000)


async def add(reeldeck: Program) -> int:
    added = await reeldeck.run("add", URL, "--json")
    assert added.code == 0, added.err
    return int(added.rows[0]["job"]["id"])


def finished(events: list[dict[str, Any]]) -> dict[str, Any]:
    return next(event["data"] for event in events if event["type"] == "DOWNLOAD_FINISHED")


# Replays.


async def test_a_replay_of_1200_chunks_is_complete_and_without_a_gap(reeldeck, x, chunks, tmp_path):
    live = x.put_live(chunks, target_s=0.1)
    live.show(CHUNKS)
    live.is_over()
    answer = await reeldeck.run("get", URL)
    assert answer.code == 0, answer.err
    path = Path(answer.out.strip())
    assert frames(path, tmp_path) == frames(joined(chunks), tmp_path)
    assert all(len(x.asked(live.segment(number))) == 1 for number in range(CHUNKS))


# What is said now.


async def test_a_live_space_with_an_outage_loses_nothing_that_the_final_list_holds(
    reeldeck, x, chunks, tmp_path
):
    live = x.put_live(chunks[:60], target_s=0.1, keeps=0)
    live.show()
    async with reeldeck.serve():
        job_id = await add(reeldeck)
        await live.is_heard(0)
        time_goes_by = asyncio.create_task(live.run())
        await live.has_shown(20)
        x.is_away = True
        await live.has_shown(40)
        x.is_away = False
        await time_goes_by
        live.is_over(replay="joined", is_list_gone=True)
        job = await reeldeck.until(job_id, status="COMPLETED")
    assert frames(Path(job["file_path"]), tmp_path) == frames(joined(chunks[:60]), tmp_path)
    assert job["error_message"] is None


async def test_kill_9_during_a_recording_costs_nothing_that_the_final_list_holds(
    reeldeck, x, chunks, tmp_path
):
    live = x.put_live(chunks[:50], target_s=0.1, keeps=0)
    live.show(4)
    async with reeldeck.serve() as engine:
        job_id = await add(reeldeck)
        await live.is_heard(3)
        time_goes_by = asyncio.create_task(live.run())
        await live.has_shown(25)
        engine.send_signal(signal.SIGKILL)
        await engine.wait()
    await live.has_shown(35)
    async with reeldeck.serve():
        await time_goes_by
        live.is_over(replay="master", is_named=False)
        job = await reeldeck.until(job_id, status="COMPLETED")
        shown = (await reeldeck.run("job", str(job_id))).out
    assert "JOB_RECOVERED" in shown
    assert frames(Path(job["file_path"]), tmp_path) == frames(joined(chunks[:50]), tmp_path)
    assert all(len(x.asked(live.segment(number))) == 1 for number in range(4)), "fetched twice"


async def test_a_space_that_leaves_no_replay_is_saved_and_its_gap_is_told(reeldeck, x, chunks, tmp_path):
    live = x.put_live(chunks[:30], target_s=0.1, keeps=0)
    live.show(4)
    async with reeldeck.serve():
        job_id = await add(reeldeck)
        await live.is_heard(3)
        x.is_away = True
        asked = len(x.asked(live.path))
        live.show(10)
        await x.wait_for_requests(live.path, asked + 2)
        x.is_away = False
        await live.is_heard(13)
        live.is_over(replay=None, is_named=False)
        job = await reeldeck.until(job_id, status="COMPLETED")
        shown = (await reeldeck.run("job", str(job_id))).out
        events = (await reeldeck.run("job", str(job_id), "--json")).rows[0]["events"]
    assert frames(Path(job["file_path"]), tmp_path) == frames(joined([*chunks[:4], *chunks[10:14]]), tmp_path)
    assert finished(events)["missing_segments"] == 6
    assert "are missing" in job["error_message"]
    assert job["error_message"] in shown


async def test_get_waits_for_a_space_that_has_not_begun_and_says_so(reeldeck, x, chunks, tmp_path):
    live = x.put_live(chunks[:8], target_s=0.1)
    x.put_space(state="NotStarted", scheduled_start=in_a_second, ended_at=...)
    waiting = asyncio.create_task(reeldeck.run("get", URL))
    await x.wait_for_requests(f"/graphql/{next(iter(x.hashes))}/AudioSpaceById", 1)
    x.put_space(state="Running", ended_at=...)
    live.show(8)
    await live.is_heard(7)
    live.is_over()
    answer = await waiting
    assert answer.code == 0, answer.err
    assert "the Space has not started" in answer.err
    assert frames(Path(answer.out.strip()), tmp_path) == frames(joined(chunks[:8]), tmp_path)


# What cannot be had: its class, and what to do.


async def test_a_hash_that_is_refused_is_read_anew_from_the_site(reeldeck, x, chunks):
    live = x.put_live(chunks[:3], target_s=0.1)
    live.show(3)
    live.is_over()
    x.hashes = {"freshFRESHfresh_-12345"}
    login = {"REELDECK_SOURCES__X__AUTH_TOKEN": AUTH_TOKEN, "REELDECK_SOURCES__X__CT0": CT0}
    refused = await reeldeck.run("get", URL, **login)
    assert refused.code == 22, refused.err
    assert "query_id" in refused.err
    x.put_web("freshFRESHfresh_-12345")
    answer = await reeldeck.run("get", URL, **login)
    assert answer.code == 0, answer.err


async def test_guests_who_are_refused_learn_how_to_add_a_login(reeldeck, x):
    x.put_space()
    x.shows_guests = False
    answer = await reeldeck.run("get", URL)
    assert answer.code == 13
    assert "reeldeck auth add x FILE" in answer.err


async def test_a_rotated_cookie_parks_the_job_until_a_new_file_is_there(reeldeck, x, chunks):
    live = x.put_live(chunks[:3], target_s=0.1)
    live.show(3)
    live.is_over()
    x.shows_guests = False
    file = reeldeck.home / "x.txt"

    def export(auth_token: str) -> None:
        pairs = {"auth_token": auth_token, "ct0": CT0}
        lines = [f"#HttpOnly_.x.com\tTRUE\t/\tTRUE\t0\t{name}\t{value}" for name, value in pairs.items()]
        file.write_text("# Netscape HTTP Cookie File\n" + "\n".join(lines) + "\n")
        file.chmod(0o600)

    export("0ld" * 13)
    async with reeldeck.serve():
        added = await reeldeck.run("auth", "add", "x", str(file), "--json")
        assert added.code == 0, added.err
        job_id = await add(reeldeck)
        job = await reeldeck.until(job_id, waiting_for="auth:main")
        assert job["error_type"] == "AUTH_ERROR"
        assert "export" in job["error_hint"].lower()
        export(AUTH_TOKEN)
        await reeldeck.until(job_id, status="COMPLETED")


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"is_space_available_for_replay": False}, 15, "there is no replay of it"),
        ({"state": "Canceled"}, 15, "canceled by its host"),
    ],
)
async def test_a_space_that_cannot_be_had_says_why(reeldeck, x, facts, code, words):
    x.put_space(**facts)
    answer = await reeldeck.run("get", URL)
    assert answer.code == code
    assert words in answer.err


async def test_a_scheduled_space_waits_for_its_start(reeldeck, x):
    start = time.time() + 5000
    x.put_space(state="NotStarted", scheduled_start=int(start * 1000))
    async with reeldeck.serve():
        job = await reeldeck.until(await add(reeldeck), waiting_for="live")
        assert job["error_type"] == "NOT_YET_AVAILABLE"
        shown = await reeldeck.run("job", str(job["id"]))
        assert ERRORS["NOT_YET_AVAILABLE"].summary in shown.out
