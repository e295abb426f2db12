"""Eight jobs from one host: together they keep to its connections, and none gets much more than another."""

from __future__ import annotations

import struct
from itertools import pairwise

import psutil
import pytest

from core.domain.job import Request
from tests.fakes.media import video_mp4
from tests.fakes.origin import Origin

JOBS = 8
SEATS = 16
#: More than any of them gets while it is watched, however early it came.
SIZE_BYTES = 48 * 2**20
#: From the moment on at which each has begun so much is watched on its way to them, …
WINDOW_BYTES = 8 * 2**20
#: … one after the other.
WINDOWS = 2
TOLERANCE = 0.2

LIMITED_BY = {
    # What a connection gets, and what all together may take.
    "its connections": (400_000, 0),
    "the bandwidth": (None, 6_000_000),
}


@pytest.mark.parametrize("limit", LIMITED_BY)
async def test_eight_jobs_share_a_host_evenly(run_engine, origin: Origin, tmp_path, limit):
    rate_bps, bandwidth_bps = LIMITED_BY[limit]
    film = video_mp4(tmp_path / "film.mp4").read_bytes()
    # What it lacks of its size is in a box that nobody reads.
    body = film + struct.pack(">I4s", SIZE_BYTES - len(film), b"free") + bytes(SIZE_BYTES - len(film) - 8)
    for number in range(JOBS):
        resource = origin.put(f"/{number}.mp4", body, content_type="video/mp4", etag=f'"{number}"')
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
        marks: list[list[int]] = []
        most_open = 0
        async for _ in engine.stream():
            most_open = max(most_open, open_to(origin))
            # All at the same instant, which asking for one after the other is not.
            done = [meter.done_bytes for meter in engine._live._meters.values()]
            if len(done) == JOBS and all(done) and (not marks or sum(done) - sum(marks[-1]) >= WINDOW_BYTES):
                marks.append(done)
            if len(marks) > WINDOWS:
                break
    for before, after in pairwise(marks):
        shares = [now - then for then, now in zip(before, after, strict=True)]
        mean = sum(shares) / JOBS
        assert all(abs(share - mean) <= TOLERANCE * mean for share in shares), shares
    assert 0 < most_open <= SEATS


def open_to(origin: Origin) -> int:
    """Connections of this process that are open; the origin hears only later of those that were left."""
    return sum(
        each.status == psutil.CONN_ESTABLISHED and bool(each.raddr) and each.raddr.port == origin.port
        for each in psutil.Process().net_connections("tcp4")
    )
