"""P12: what the dashboard costs: the line, the processor, memory, and a person's patience.

Each list is shown by the shipped dashboard and by `bench.dashboard_peer`, on the same engine, one after the
other, in terminals of two sizes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.dashboard_engine import Served, engine
from bench.dashboard_slow import measure_slow
from bench.dashboard_terminal import Terminal, at_work, cpu_s
from bench.figures import Figure, at_most
from bench.loader import SOURCES
from tests.acceptance.program import REELDECK
from tui.present import CURSOR

JOBS = (1_000, 10_000, 100_000)
SIZES = ((80, 24), (140, 40))
#: The goals are for this one; the others are told.
LARGEST = (100_000, (140, 40))
IDLE_S, LIVE_S = 21.0, 10.0
#: Nothing is sent for so long once the first screens are through.
SETTLED_S = 1.5
KEYS = 40
#: Leads to the first row, where what runs stands; rows are held in their places for a while after a key.
TOP, HELD_S = "g", 3.0
#: Between two keys, so that they fall anywhere between two repaints.
GAPS_S = (0.11, 0.17, 0.23)
KIB, MIB = 1024, 2**20


@dataclass(slots=True)
class Cost:
    """What one dashboard took."""

    attach_s: float = 0.0
    attach_cpu_s: float = 0.0
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
                ours = await _cost(served, [str(REELDECK)], size, _is_whole, _cursor)
                peer = await _cost(
                    served, [sys.executable, "-m", "bench.dashboard_peer"], size, _is_loaded, None
                )
                figures += _told(jobs, size, ours, peer)
            if jobs == LARGEST[0]:
                figures += await measure_slow(served)
    return figures


async def _cost(
    served: Served,
    command: Sequence[str],
    size: tuple[int, int],
    is_whole: Callable[[Terminal], bool],
    cursor: Callable[[Terminal], object] | None,
) -> Cost:
    cost = Cost()
    async with at_work(command, served.env, size) as (terminal, process):
        cost.attach_s = await terminal.until(lambda: is_whole(terminal))
        cost.attach_cpu_s = cpu_s(process)
        await terminal.quiet(SETTLED_S)
        cost.idle_bps, cost.idle_cpu = await _during(terminal, process, IDLE_S)
        spent_s = cpu_s(process)
        cost.key_s = await _key_to_paint(terminal, cursor or (lambda shown: shown.received_bytes))
        cost.key_cpu_s = (cpu_s(process) - spent_s) / KEYS
        ids = await served.begin()
        terminal.press(TOP)
        await asyncio.sleep(HELD_S)
        cost.live_bps, cost.live_cpu = await _during(terminal, process, LIVE_S)
        if cursor is not None:
            cost.live_key_s = await _key_to_paint(terminal, cursor)
        cost.rss_bytes = process.memory_info().rss
        await served.end(ids)
        terminal.press("q")
    return cost


async def _during(terminal: Terminal, process: psutil.Process, for_s: float) -> tuple[float, float]:
    """Bytes a second, and the share of a core, while nobody does anything."""
    sent, spent_s, began = terminal.received_bytes, cpu_s(process), time.perf_counter()
    await asyncio.sleep(for_s)
    taken_s = time.perf_counter() - began
    return (terminal.received_bytes - sent) / taken_s, (cpu_s(process) - spent_s) / taken_s


async def _key_to_paint(terminal: Terminal, watched: Callable[[Terminal], object]) -> float:
    """The 95th of a hundred: from a key that moves the cursor until it has moved."""
    taken: list[float] = []
    for number in range(KEYS):
        await asyncio.sleep(GAPS_S[number % len(GAPS_S)])
        before = watched(terminal)
        terminal.press("j")
        taken.append(await terminal.until(lambda before=before: watched(terminal) != before))  # type: ignore[misc]
    return statistics.quantiles(taken, n=20)[-1]


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
        ("first whole screen after the start", "s", ours.attach_s, peer.attach_s, 0.5),
        ("… processor time until then", "s", ours.attach_cpu_s, peer.attach_cpu_s, None),
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
