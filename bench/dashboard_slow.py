"""A terminal that hardly reads: what it costs the downloads, and how long whoever types there waits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench.dashboard_engine import Served
from bench.dashboard_terminal import Terminal, at_work
from bench.figures import Figure, at_most, at_most_times
from core.domain.job import JobStatus, Request
from tests.acceptance.program import REELDECK
from tests.fakes.media import made_once, video_mp4
from tui.present import CURSOR

SIZE = (140, 40)
#: What it takes in a second.
READS_BPS = 5_000
DOWNLOAD_BYTES = 192 * 2**20
ROUNDS = 5
KEYS = 10
#: Somebody who types waits no longer.
KEY_S = 5.0
#: What other programs cost one run and not the other.
NOISE = 1.1


async def measure_slow(served: Served) -> list[Figure]:
    """A download beside a dashboard that is read at once, and beside one that is hardly read."""
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    served.origin.put("/large.mp4", film + bytes(DOWNLOAD_BYTES - len(film)))
    ids = await served.begin()
    taken: dict[float | None, list[float]] = {None: [], READS_BPS: []}
    keys: list[float] = []
    for reads_bps in [None, READS_BPS] * ROUNDS:
        async with at_work([str(REELDECK)], served.env, SIZE, reads_bps=reads_bps) as (terminal, _):
            await terminal.until(lambda shown=terminal: any(_cursor_rows(shown)))  # type: ignore[misc]
            taken[reads_bps].append(await _download_s(served))
            if reads_bps is not None and not keys:
                keys = [await _key_s(terminal) for _ in range(KEYS)]
    await served.end(ids)
    beside, usual = (statistics.median(taken[each]) for each in (READS_BPS, None))
    where = f"terminal that reads {READS_BPS / 1000:g} KB/s"
    return [
        at_most_times(f"{where}: a download beside it", beside, "s", baseline=usual, times=NOISE),
        Figure(work=f"{where}: key to paint, median", measured=statistics.median(keys), unit="s"),
        at_most(f"{where}: key to paint, the worst of {KEYS}", max(keys), "s", limit=KEY_S),
    ]


def _cursor_rows(terminal: Terminal) -> Iterator[int]:
    return (number for number, line in enumerate(terminal.lines) if line.startswith(CURSOR))


async def _download_s(served: Served) -> float:
    began = time.perf_counter()
    submitted = await served.client.submit(Request(url=served.origin.url("/large.mp4"), force=True))
    async for _ in served.client.stream():
        if (await served.client.job(submitted.job.id)).status is JobStatus.COMPLETED:
            break
    return time.perf_counter() - began


async def _key_s(terminal: Terminal) -> float:
    before = list(_cursor_rows(terminal))
    terminal.press("j")
    return await terminal.until(lambda: list(_cursor_rows(terminal)) not in ([], before))
