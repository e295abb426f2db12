"""How soon a dashboard is there: from its start, and from the moment at which it reaches the engine."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.dashboard_engine import Served
from bench.dashboard_terminal import Terminal, at_work, cpu_s
from tests.acceptance.program import REELDECK

TIMES = 5
PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Attached:
    """Until the first whole screen, in seconds; the median of several."""

    #: Since the command was given, with Python's own start and all imports.
    started_s: float
    #: Since the engine was first asked something.
    attached_s: float
    #: Processor time since the start.
    cpu_s: float


@dataclass(slots=True)
class _Relay:
    """Stands between a dashboard and its engine, and knows when the first came."""

    engine: Path
    came_at: float | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both say."""
        self.came_at = self.came_at or time.perf_counter()
        theirs, ours = await asyncio.open_unix_connection(self.engine)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pass(reader, ours), _pass(theirs, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def _relayed(engine: Path) -> AsyncIterator[tuple[_Relay, Path]]:
    relay = _Relay(engine)
    with tempfile.TemporaryDirectory(prefix="reeldeck-relay-") as folder:
        path = Path(folder) / "engine.sock"
        server = await asyncio.start_unix_server(relay.serve, path)
        async with server:
            yield relay, path


async def measure_attach(
    served: Served, size: tuple[int, int], is_whole: Callable[[Terminal], bool], times: int = TIMES
) -> Attached:
    """Start the dashboard so many times."""
    found = [await _once(served, size, is_whole) for _ in range(times)]
    return Attached(
        started_s=statistics.median(each.started_s for each in found),
        attached_s=statistics.median(each.attached_s for each in found),
        cpu_s=statistics.median(each.cpu_s for each in found),
    )


async def _once(served: Served, size: tuple[int, int], is_whole: Callable[[Terminal], bool]) -> Attached:
    async with _relayed(served.socket) as (relay, path):
        env = {**served.env, "REELDECK_API__SOCKET_PATH": str(path)}
        began = time.perf_counter()
        async with at_work([str(REELDECK)], env, size) as (terminal, process):
            await terminal.until(lambda: is_whole(terminal))
            now = time.perf_counter()
            assert relay.came_at is not None
            found = Attached(now - began, now - relay.came_at, cpu_s(process))
            terminal.press("q")
            await terminal.process.wait()
    return found
