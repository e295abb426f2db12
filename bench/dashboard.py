"""P12: what the dashboard costs: the line, the processor, memory, and a person's patience.

Each list is shown by the shipped dashboard and by `bench.dashboard_peer`, on the same engine, in terminals of
two sizes. Windows: idle 10 s, 16 jobs live 5 s (10 s where it is judged), 20 keys (40), 3 starts (5).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.dashboard_attach import measure_attach
from bench.dashboard_engine import Served, engine
from bench.dashboard_slow import measure_slow
from bench.dashboard_terminal import Terminal, at_work, cpu_s
from bench.figures import Figure, at_most, said
from bench.loader import SOURCES
from tests.acceptance.program import REELDECK
from tui.present import CURSOR

JOBS = (1_000, 10_000, 100_000)
SIZES = ((80, 24), (140, 40))
#: The goals are for this one; the others are told.
LARGEST = (100_000, (140, 40))
#: Once in so long the dashboard asks how things are: an idle window holds it once.
IDLE_S = 10.0
#: Nothing is sent for so long once the first screens are through.
SETTLED_S = 1.5
#: Leads to the first row, where what runs stands; rows are held in their places for a while after a key.
TOP, HELD_S = "g", 3.0
#: Between two keys, so that they fall anywhere between two repaints.
GAPS_S = (0.07, 0.11, 0.16)
#: A hundred thousand rows of a DataTable take half a minute, or many on a machine that has much else to do.
LOADED_WITHIN_S = 1800.0
KIB, MIB = 1024, 2**20


@dataclass(frozen=True, slots=True)
class Effort:
    """How long what varies is looked at: longest where it is judged."""

    live_s: float
    keys: int
    attaches: int


JUDGED, TOLD = Effort(live_s=10.0, keys=40, attaches=5), Effort(live_s=5.0, keys=20, attaches=3)


@dataclass(slots=True)
class Cost:
    """What one dashboard took."""

    attached_s: float = 0.0
    started_s: float = 0.0
    start_cpu_s: float = 0.0
    idle_bps: float = 0.0
    idle_cpu: float = 0.0
    live_bps: float = 0.0
    live_cpu: float = 0.0
    key_s: float = 0.0
    key_cpu_s: float = 0.0
    live_key_s: float = 0.0
    rss_bytes: int = 0


async def measure() -> list[Figure]:
    """Every size of list in every size of terminal, and then a terminal that hardly reads."""
    figures: list[Figure] = []
    for jobs in JOBS:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reeldeck-bench-"))
            served = await stack.enter_async_context(engine(Path(folder), jobs))
            for size in SIZES:
                effort = JUDGED if (jobs, size) == LARGEST else TOLD
                figures += said(_told(jobs, size, *await _costs(served, size, effort)))
            if jobs == LARGEST[0]:
                figures += said(await measure_slow(served))
    return figures


async def _costs(served: Served, size: tuple[int, int], effort: Effort) -> tuple[Cost, Cost]:
    """Ours and the peer's: idle side by side, busy one after the other."""
    soon = await measure_attach(served, size, _is_whole, effort.attaches)
    ours, peer = Cost(soon.attached_s, soon.started_s, soon.cpu_s), Cost()
    peer_command = [sys.executable, "-m", "bench.dashboard_peer"]
    async with at_work([str(REELDECK)], served.env, size) as (terminal, process):
        await terminal.until(lambda: _is_whole(terminal))
        async with at_work(peer_command, served.env, size) as (beside, other):
            peer.started_s = await beside.until(lambda: _is_loaded(beside), LOADED_WITHIN_S)
            peer.start_cpu_s = cpu_s(other)
            await asyncio.gather(terminal.quiet(SETTLED_S), beside.quiet(SETTLED_S))
            (ours.idle_bps, ours.idle_cpu), (peer.idle_bps, peer.idle_cpu) = await asyncio.gather(
                _during(terminal, process, IDLE_S), _during(beside, other, IDLE_S)
            )
            ours.key_s, ours.key_cpu_s = await _keys(terminal, process, effort.keys, _cursor)
            peer.key_s, peer.key_cpu_s = await _keys(beside, other, effort.keys, _received)
            ids = await served.begin()
            peer.live_bps, peer.live_cpu = await _during(beside, other, TOLD.live_s)
            peer.rss_bytes = other.memory_info().rss
            beside.press("q")
        terminal.press(TOP)
        await asyncio.sleep(HELD_S)
        ours.live_bps, ours.live_cpu = await _during(terminal, process, effort.live_s)
        ours.live_key_s, _ = await _keys(terminal, process, effort.keys, _cursor)
        ours.rss_bytes = process.memory_info().rss
        await served.end(ids)
        terminal.press("q")
    return ours, peer


async def _during(terminal: Terminal, process: psutil.Process, for_s: float) -> tuple[float, float]:
    """Bytes a second, and the share of a core, while nobody does anything."""
    sent, spent_s, began = terminal.received_bytes, cpu_s(process), time.perf_counter()
    await asyncio.sleep(for_s)
    taken_s = time.perf_counter() - began
    return (terminal.received_bytes - sent) / taken_s, (cpu_s(process) - spent_s) / taken_s


async def _keys(
    terminal: Terminal, process: psutil.Process, keys: int, watched: Callable[[Terminal], object]
) -> tuple[float, float]:
    """The 95th of a hundred: from a key that moves the cursor until it has moved. And what one costs."""
    taken: list[float] = []
    spent_s = cpu_s(process)
    for number in range(keys):
        await asyncio.sleep(GAPS_S[number % len(GAPS_S)])
        before = watched(terminal)
        terminal.press("j")
        taken.append(await terminal.until(lambda before=before: watched(terminal) != before))  # type: ignore[misc]
    return statistics.quantiles(taken, n=20)[-1], (cpu_s(process) - spent_s) / keys


def _received(terminal: Terminal) -> object:
    return terminal.received_bytes


def _cursor(terminal: Terminal) -> object:
    """Which job the cursor stands on: its line and what it says."""
    return next(
        ((number, line[:20]) for number, line in enumerate(terminal.lines) if line.startswith(CURSOR)), None
    )


def _is_whole(terminal: Terminal) -> bool:
    """Every line of the list is there, with what stands around it."""
    lines = terminal.lines
    return "engine" in lines[0] and "Leave" in lines[-1] and _rows(terminal) >= terminal.rows - 10


def _is_loaded(terminal: Terminal) -> bool:
    return " jobs" in terminal.lines[0] and _rows(terminal) >= terminal.rows - 5


def _rows(terminal: Terminal) -> int:
    return sum(any(f" {source[:6]}" in line for source in SOURCES) for line in terminal.lines)


def _told(jobs: int, size: tuple[int, int], ours: Cost, peer: Cost) -> Iterator[Figure]:
    """The peer's figures stand beside ours; on the largest list ours have goals."""
    where = f"{jobs:,} jobs, {size[0]}x{size[1]}"
    rows = (
        ("first whole screen after it attached", "s", ours.attached_s, None, 0.5),
        ("… after it was started", "s", ours.started_s, peer.started_s, None),
        ("… processor time until then", "s", ours.start_cpu_s, peer.start_cpu_s, None),
        ("idle: line", "B/s", ours.idle_bps, peer.idle_bps, 0),
        ("idle: processor", "% of a core", 100 * ours.idle_cpu, 100 * peer.idle_cpu, 0.5),
        ("16 jobs live: line", "KiB/s", ours.live_bps / KIB, peer.live_bps / KIB, 12),
        ("16 jobs live: processor", "% of a core", 100 * ours.live_cpu, 100 * peer.live_cpu, 5),
        ("idle: key to paint, p95", "ms", 1000 * ours.key_s, 1000 * peer.key_s, 50),
        ("… processor time of a key", "ms", 1000 * ours.key_cpu_s, 1000 * peer.key_cpu_s, None),
        ("16 jobs live: key to paint, p95", "ms", 1000 * ours.live_key_s, None, 50),
        ("memory", "MiB", ours.rss_bytes / MIB, peer.rss_bytes / MIB, 80),
    )
    for what, unit, measured, other, limit in rows:
        judged = limit is not None and (jobs, size) == LARGEST
        goal = at_most(what, measured, unit, limit=limit or 0) if judged else None
        yield Figure(
            work=f"{where}, {what}",
            measured=measured,
            unit=unit,
            baseline=other,
            goal=goal.goal if goal else "",
            is_met=goal.is_met if goal else None,
        )
