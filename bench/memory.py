"""P14: what the engine holds in memory: idle, under eight HLS downloads at once, and after many."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.figures import Figure, at_most
from bench.media import prepare
from bench.origins import missing, origins
from bench.race import Contestant, Warm

MIB = 2**20
AT_ONCE = 8
#: Times that all are fetched again.
TIMES = 4
IDLE_MIB, MORE_MIB = 110, 64
#: What a heap that is full of holes may take more than after the first time.
SLACK_MIB = 8


async def measure() -> list[Figure]:
    """Peaks of the engine's own process; its children come and go."""
    if absent := missing():
        raise SystemExit(f"needed to serve what is measured, and not installed: {', '.join(absent)}")
    root = prepare()
    limits = {"max_parallel_jobs": AT_ONCE, "max_parallel_jobs_per_source": AT_ONCE}
    with (
        tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as home,
        origins(Path(home), root) as served,
        Warm(limits=limits) as warm,
    ):
        idle_mib = _peak_mib(warm.does("nothing"))
        figures = [at_most("engine, idle", idle_mib, "MiB", limit=IDLE_MIB)]
        for what in ("audio", "video"):
            # Each with a query of its own, else they would be one job.
            urls = [f"{served.far}/{what}/index.m3u8?n={number}" for number in range(AT_ONCE)]
            peaks = [_peak_mib(warm.does("jobs", urls=urls)) for _ in range(TIMES)]
            figures += [
                at_most(
                    f"{AT_ONCE} HLS downloads of {what}: more than idle",
                    peaks[0] - idle_mib,
                    "MiB",
                    limit=MORE_MIB,
                ),
                at_most(
                    f"… the {TIMES}th time: more than at first", peaks[-1] - peaks[0], "MiB", limit=SLACK_MIB
                ),
            ]
    return figures


def _peak_mib(contestant: Contestant) -> float:
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        return contestant(Path(folder)).rss_bytes / MIB
