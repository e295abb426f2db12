"""`kill -9` in the middle of everything: the next start finishes it, and fetches nothing twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psutil

from core.domain.job import Job
from core.domain.snapshot import JobQuery
from tests.acceptance.program import children_of
from tests.fakes.media import audio_m4a, hls_audio, hls_master, made_once, video_mp4
from tests.fakes.origin import Fault, Origin

PADDING = bytes(range(256)) * 40_000  # ten megabytes behind the film, which players ignore
#: Less than what the first answer brings before it hangs, whatever part of the film it is for: claimed within
#: a second.
THERE_BYTES = 1_500_000


def hold_last(origin: Origin, prefix: str, suffix: str) -> str:
    """Let the answer for the last of a playlist's segments hang; returns its path."""
    last = max(path for path in origin.paths if path.startswith(prefix) and path.endswith(suffix))
    origin.resource(last).always = Fault(hold_after=10)
    return last


def _is_in_the_middle(home: Path, jobs: Sequence[Job]) -> bool:
    """All are downloading, and of both films so much is claimed that it must not be fetched again."""
    claimed_bytes = [sum(end - start for start, end in _claims(note)) for note in _notes(home)]
    return len([claimed for claimed in claimed_bytes if claimed > THERE_BYTES]) >= 2 and all(
        job.status == "RUNNING" and job.stage == "DOWNLOAD" for job in jobs
    )


def _notes(home: Path) -> list[Path]:
    return list((home / "data" / "tmp").glob("*/*-muxed.part.json"))


def _claims(note: Path) -> list[tuple[int, int]]:
    """What of a part is on the disk for certain; nothing where it is not about ranges."""
    done = json.loads(json.loads(note.read_bytes())["body"]).get("done", [])
    return [(start, end) for start, end in done]


def _avoids(claims: Sequence[tuple[int, int]], starts: Sequence[int]) -> bool:
    """No request begins in what is claimed, which is more than nothing."""
    return bool(claims) and not any(start <= asked < end for start, end in claims for asked in starts)


async def test_four_running_jobs_survive_kill_9(reeldeck, origin):
    film = made_once(video_mp4, "clip.mp4").read_bytes() + PADDING
    for name in ("one", "two"):
        origin.put(f"/{name}.mp4", film, etag=f'"{name}"').always = Fault(hold_after=2_000_000)
    origin.put_folder("/talk", made_once(hls_audio, "audio").parent)
    origin.put_folder("/m", made_once(hls_master, "master").parent)
    late_segment = hold_last(origin, "/talk/", ".aac")
    late_part = hold_last(origin, "/m/360/", ".m4s")
    paths = ["/one.mp4", "/two.mp4", "/talk/index.m3u8", "/m/master.m3u8"]

    env = {
        "REELDECK_NETWORK__MAX_CONNECTIONS_PER_FILE": "2",
        "REELDECK_LIMITS__MAX_PARALLEL_JOBS_PER_SOURCE": "4",
    }
    async with reeldeck.serve(**env) as engine:
        added = await reeldeck.run("add", *(origin.url(path) for path in paths), "--json")
        assert added.code == 0, added.err
        for path in ("/one.mp4", "/two.mp4", late_segment, late_part):
            await origin.wait_for_requests(path, 1)
        async with asyncio.timeout(40), reeldeck.client() as client:
            while not _is_in_the_middle(reeldeck.home, (await client.jobs(JobQuery())).items):  # noqa: ASYNC110 -- nobody tells of notes
                await asyncio.sleep(0.05)
        children = children_of(engine)
        engine.send_signal(signal.SIGKILL)
        await engine.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert not alive, "a child outlived its engine"
    claims = [_claims(note) for note in _notes(reeldeck.home)]
    before = len(origin.requests)
    for name in ("one", "two"):
        origin.resource(f"/{name}.mp4").always = Fault()
    origin.release.set()

    async with reeldeck.serve(**env):
        waited = await reeldeck.run("add", *(origin.url(path) for path in paths), "--wait", "--json")
        assert waited.code == 0, waited.out + waited.err
        jobs = (await reeldeck.run("jobs", "--json")).rows
        assert [job["status"] for job in jobs] == ["COMPLETED"] * 4
        for job in jobs:
            shown = await reeldeck.run("job", str(job["id"]))
            assert "JOB_RECOVERED" in shown.out or "recovered" in shown.out.lower()
            assert hashlib.sha256(Path(job["file_path"]).read_bytes()).hexdigest() == job["sha256"]
        for path in ("/one.mp4", "/two.mp4"):
            asked = [seen.range for seen in origin.requests[before:] if seen.path == path]
            starts = [found[0] if found is not None else 0 for found in asked]
            assert any(_avoids(claim, starts) for claim in claims), f"{path}: {starts} of {claims}"
    database = sqlite3.connect(reeldeck.database)
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        database.close()


async def test_a_second_engine_on_the_same_data_is_refused(reeldeck):
    async with reeldeck.serve():
        second = await reeldeck.run("serve")
        assert second.code == 44
        assert "already running" in second.err
        assert "hint:" in second.err


async def test_sigterm_stops_cleanly_and_the_job_goes_on_at_the_next_start(reeldeck, origin):
    song = made_once(audio_m4a, "tone.m4a").read_bytes()
    origin.put("/song.m4a", song + bytes(2_000_000)).always = Fault(hold_after=1_200_000)
    async with reeldeck.serve() as engine:
        added = (await reeldeck.run("add", origin.url("/song.m4a"), "--json")).rows[0]
        await origin.held.wait()
        engine.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await engine.wait() == 0
    origin.release.set()
    async with reeldeck.serve():
        done = await reeldeck.run("add", origin.url("/song.m4a"), "--wait", "--json")
        assert done.code == 0, done.err
        job = await reeldeck.job(added["job"]["id"])
        assert job["status"] == "COMPLETED"
        assert job["retry_count"] == 0
