"""Eight jobs from one host: together they keep to its connections, and none gets much more than another."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.job import JobStatus, Request
from tests.fakes.media import video_mp4
from tests.fakes.origin import Origin

JOBS = 8
SEATS = 16
SIZE_BYTES = 4 * 2**20
#: Who came first has given up what others need once each has got so much.
SETTLED_BYTES = 2**19
#: From then on so much is watched on its way to them.
OBSERVED_BYTES = 16 * 2**20
TOLERANCE = 0.2

LIMITED_BY = {
    # What a connection gets, and what all together may take.
    "its connections": (400_000, 0),
    "the bandwidth": (None, 6_000_000),
}


def _films(folder: Path) -> Iterator[bytes]:
    """Films that differ, of one size: what they lack of it is in a box that nobody reads."""
    film = video_mp4(folder / "film.mp4").read_bytes()
    for number in range(JOBS):
        noise = random.Random(number).randbytes(SIZE_BYTES - len(film) - 8)
        yield film + struct.pack(">I4s", len(noise) + 8, b"free") + noise


@pytest.mark.parametrize("limit", LIMITED_BY)
async def test_eight_jobs_share_a_host_evenly(run_engine, origin: Origin, tmp_path, limit):
    rate_bps, bandwidth_bps = LIMITED_BY[limit]
    for number, film in enumerate(_films(tmp_path)):
        resource = origin.put(f"/{number}.mp4", film, content_type="video/mp4", etag=f'"{number}"')
        resource.rate_bps = rate_bps
    sections = {
        "limits": {
            "max_parallel_jobs": JOBS,
            "max_parallel_jobs_per_source": JOBS,
            "bandwidth_bps": bandwidth_bps,
            "min_free_disk_bytes": 2**20,
        },
        "network": {"max_connections_per_host": SEATS, "allow_addresses": ("127.0.0.0/8",)},
    }
    async with run_engine(**sections) as engine:
        await engine.submit_many([Request(url=origin.url(f"/{number}.mp4")) for number in range(JOBS)])
        at_first: list[int] = []
        shares: list[int] = []
        async for _ in engine.stream():
            # All at the same instant, which asking for one after the other is not.
            done = [meter.done_bytes for meter in engine._live.meters.values()]
            if not at_first and len(done) == JOBS and min(done) > SETTLED_BYTES:
                at_first = done
            elif at_first and not shares and sum(done) - sum(at_first) >= OBSERVED_BYTES:
                shares = [now - before for now, before in zip(done, at_first, strict=True)]
            jobs = [await engine.job(number) for number in range(1, JOBS + 1)]
            if all(job.status.is_final for job in jobs):
                break
    assert {job.status for job in jobs} == {JobStatus.COMPLETED}, [job.error_message for job in jobs]
    mean = sum(shares) / JOBS
    assert mean
    assert all(abs(share - mean) <= TOLERANCE * mean for share in shares), shares
    # The origin hears a little late of connections that were left for others.
    assert origin.peak_active <= SEATS + JOBS
