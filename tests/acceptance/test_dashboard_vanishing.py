"""The dashboard when its terminal goes away: it ends, whether or not a signal tells it, and nothing spins."""

from __future__ import annotations

import asyncio
import contextlib
import resource

from bench.dashboard_terminal import Terminal
from tests.acceptance.program import REELDECK

WITHIN_S = 15.0
#: Of both, from the start to the end. One that reads a closed terminal over and over uses all there is.
MOST_CPU_S = 6.0


async def test_it_ends_when_its_terminal_vanishes(reeldeck):
    env = {name: text for name, text in reeldeck.env.items() if name != "PYTHONWARNINGS"}
    env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    async with reeldeck.serve():
        terminals = [Terminal((80, 24)), Terminal((80, 24))]
        # Only the one whose controlling terminal it is gets a signal.
        processes = [
            await terminal.start([str(REELDECK)], env, is_controlling=terminal is terminals[0])
            for terminal in terminals
        ]
        try:
            for terminal in terminals:
                await terminal.until(lambda shown=terminal: "No jobs yet" in "".join(shown.lines))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            for terminal in terminals:
                terminal.close()
            async with asyncio.timeout(WITHIN_S):
                codes = [await process.wait() for process in processes]
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
    assert codes[0] in {0, -1}  # -1: the signal came before anybody listened for it
    assert codes[1] == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < MOST_CPU_S
