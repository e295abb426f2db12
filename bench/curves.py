"""How throughput grows with connections, and falls with distance; drawn to docs/throughput.svg."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.chart import Panel, draw
from bench.figures import Figure
from bench.media import prepare
from bench.origins import free_ports, missing, origins, wait_until_it_listens
from bench.race import Contestant, Warm, race

CHART = Path("docs/throughput.svg")
#: What comes one after the other is told by the link alone, and takes long: once is enough.
ROUNDS, ROUNDS_ALONE = 3, 1
CONNECTIONS = (1, 2, 4, 8, 16)
IN_FLIGHT = (1, 4, 16, 48)
#: Round trips in seconds.
DISTANCES_S = (0.01, 0.03, 0.1, 0.2)
SEGMENTS = 300
MIB = 2**20


async def measure() -> list[Figure]:
    """Both charts, and their figures."""
    if absent := missing():
        raise SystemExit(f"needed to serve what is measured, and not installed: {', '.join(absent)}")
    root = prepare()
    _shorten(root)
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as home, origins(Path(home), root) as served:
        by_connections = dict(_by_connections(f"{served.slow}/256m.mp4", (root / "256m.mp4").stat().st_size))
        by_distance = {name: list(line) for name, line in _by_distance(int(served.plain.rpartition(":")[2]))}
    panels = [
        Panel(
            title="A file, 8 MiB/s a connection",
            x_label="connections that are allowed",
            y_label="MiB/s",
            series={"Reeldeck": sorted(by_connections.items())},
        ),
        Panel(
            title=f"HLS, {SEGMENTS} segments of sound",
            x_label="round trip, ms",
            y_label="segments/s",
            series=by_distance,
        ),
    ]
    await asyncio.to_thread(CHART.write_text, draw(panels), encoding="utf-8")
    figures = [
        Figure(work=f"file, {n} connections", measured=rate, unit="MiB/s")
        for n, rate in by_connections.items()
    ]
    figures += [
        Figure(work=f"HLS, {name}, {x:g} ms", measured=rate, unit="segments/s")
        for name, line in by_distance.items()
        for x, rate in line
    ]
    return figures


def _by_connections(url: str, size_bytes: int) -> Iterator[tuple[float, float]]:
    for connections in CONNECTIONS:
        with Warm(max_connections_per_file=connections) as warm:
            yield connections, size_bytes / MIB / _wall_s(warm.does("file", url=url), at_once=connections)


def _by_distance(port: int) -> Iterator[tuple[str, Iterator[tuple[float, float]]]]:
    for in_flight in IN_FLIGHT:
        name = f"{in_flight} in flight" if in_flight < IN_FLIGHT[-1] else "as it finds itself"
        yield name, _of_width(in_flight, port)


def _of_width(in_flight: int, port: int) -> Iterator[tuple[float, float]]:
    with Warm(max_connections_per_host=in_flight) as warm:
        for distance_s in DISTANCES_S:
            with _relayed(port, distance_s) as url:
                short = warm.does("hls", url=f"{url}/audio/short.m3u8")
                yield 1000 * distance_s, SEGMENTS / _wall_s(short, at_once=in_flight)


def _wall_s(contestant: Contestant, *, at_once: int) -> float:
    rounds = ROUNDS if at_once > 1 else ROUNDS_ALONE
    taken = race({"it": contestant}, rounds=rounds, check=lambda _folder: None)["it"]
    if not taken.runs:
        raise SystemExit(f"it failed: {taken.failure}")
    return statistics.median(run.wall_s for run in taken.runs)


def _shorten(root: Path) -> None:
    """A playlist of the first segments only."""
    lines = (root / "audio" / "index.m3u8").read_text().splitlines()
    last = [number for number, line in enumerate(lines) if line.endswith(".aac")][SEGMENTS - 1]
    (root / "audio" / "short.m3u8").write_text("\n".join([*lines[: last + 1], "#EXT-X-ENDLIST", ""]))


@contextmanager
def _relayed(target: int, round_trip_s: float) -> Iterator[str]:
    (port,) = free_ports(1)
    relay = subprocess.Popen([sys.executable, "-m", "bench.relay", str(port), str(target), str(round_trip_s)])
    try:
        wait_until_it_listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        relay.terminate()
        relay.wait()
