"""The dashboard on a real engine, through the real API and its socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.errors import ERRORS
from core.domain.job import JobStatus, Request
from core.domain.snapshot import JobQuery
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault

FAULTS = {
    "NOT_FOUND": Fault(status=404),
    "HTTP_ERROR": Fault(status=500),
    "RATE_LIMIT": Fault(status=429, retry_after="1"),
    "AUTH_ERROR": Fault(status=401),
    "GEO_BLOCK": Fault(status=451),
}


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_every_failure_says_what_happened_and_what_to_do(on_engine, origin, size):
    for code, fault in FAULTS.items():
        origin.put(f"/{code}.mp4").always = fault
    origin.put("/MEDIA_ERROR.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(2000))
    origin.put("/UNSUPPORTED_SOURCE.mp4", b"%PDF-1.7 no film")
    origin.put("/PARSER_ERROR.m3u8", b"#EXTM3U\n#EXTINF:x,\na.ts\n#EXT-X-ENDLIST\n")
    codes = [*FAULTS, "MEDIA_ERROR", "UNSUPPORTED_SOURCE", "PARSER_ERROR"]
    async with on_engine(size) as (engine, dashboard):
        for code in codes:
            suffix = "m3u8" if code == "PARSER_ERROR" else "mp4"
            await engine.submit(Request(url=origin.url(f"/{code}.{suffix}")))
        await dashboard.until(lambda: engine._store.counts[JobStatus.FAILED] == len(codes))
        for job in (await engine.jobs(JobQuery())).items:
            code = job.url.rsplit("/", 1)[-1].split(".")[0]
            assert job.error_type == code
            await dashboard.press("slash", *f"id:{job.id}", "enter", "enter")
            kind = ERRORS[code]
            # Words, because the pane breaks lines where it must.
            await dashboard.shows(*kind.summary.split()[:3], *str(job.error_hint).split()[:3])
            await dashboard.press("escape", "escape")


async def test_a_job_is_added_followed_paused_resumed_and_finished_by_keys_alone(on_engine, origin):
    film = made_once(video_mp4, "clip.mp4").read_bytes() + bytes(3_000_000)
    origin.put("/film.mp4", film).always = Fault(hold_after=1_500_000)
    async with on_engine() as (engine, dashboard):
        await dashboard.paste(origin.url("/film.mp4"))
        await dashboard.shows("Add links", "film.mp4")
        await dashboard.press("enter")
        await dashboard.shows("fetching")
        await dashboard.press("p")
        await dashboard.shows("paused")
        assert (await engine.job(1)).status is JobStatus.PAUSED
        origin.release.set()
        await dashboard.press("p")
        await dashboard.shows("sha256", "film")
        done = await engine.job(1)
        assert Path(done.file_path).read_bytes() == film
