"""`python -m bench [CASE…]`: measure the cases, all when none is named, and print a table of each."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Mapping, Sequence

from bench.figures import machine, table

#: Case → the module whose `async def measure() -> list[Figure]` it is, and what it is about.
CASES: Mapping[str, tuple[str, str]] = {
    "transfer": ("bench.transfer", "P1 to P8: transfers and jobs beside other tools"),
    "small": ("bench.small", "P9: many small jobs, and how quickly links are accepted"),
    "memory": ("bench.memory", "P14: what the engine holds in memory"),
    "curves": ("bench.curves", "throughput by connections and by distance, as a chart"),
    "merge": ("bench.merge", "P7: merging picture and sound, step by step"),
    "growth": ("bench.growth", "P10, P13: what a million stored jobs cost"),
    "library": ("bench.library", "H2, P10: searching a library of a million files"),
    "api": ("bench.api", "H2: questions to the API with 100,000 jobs and 8 downloads running"),
    "doors": ("bench.doors", "R10: a healthy client of the API beside hostile ones"),
    "telegram": ("bench.telegram", "P11: files to and from Telegram beside plain Telethon"),
    "dashboard": ("bench.dashboard", "P12: the dashboard beside a DataTable of the same jobs"),
    "lists": ("bench.lists", "A6: what a list of 5,000 items costs, and what others feel of it"),
}


def main(names: Sequence[str]) -> int:
    """Measure; 2 when there is no such case."""
    if unknown := set(names) - CASES.keys():
        print(f"no such case: {', '.join(sorted(unknown))}; there are: {', '.join(CASES)}", file=sys.stderr)
        return 2
    for name in names or CASES:
        module, about = CASES[name]
        print(f"{name}: {about}\n{machine()}\n", flush=True)
        print(table(asyncio.run(importlib.import_module(module).measure())), flush=True)
        print(f"\nafterwards: {machine()}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
