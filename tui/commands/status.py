"""`status` and `stop`: the engine itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click
import psutil

from core.domain.errors import StageTimeout
from core.domain.job import JobStatus
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, size, span

#: The engine puts running jobs away within 10 seconds; a bit more, and it hangs.
STOPS_WITHIN_S = 15.0
LOOK_AGAIN_S = 0.05


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """Show the engine at a glance."""
    run_async(_status(as_json=as_json))


async def _status(*, as_json: bool) -> None:
    async with engine() as running:
        found = await running.status()
    if as_json:
        json_line(found)
        return
    for name, value in _facts(found):
        line(f"{name:<9} {value}")


def _facts(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    about = status["engine"]
    yield "engine", f"{about['state']}, version {about['version']}, process {about['pid']}"
    yield "up", span(about["uptime_s"])
    counts = status["counts"]
    yield "jobs", ", ".join(f"{counts.get(s, 0)} {s.lower()}" for s in JobStatus if counts.get(s)) or "none"
    yield "speed", f"{size(status['speed_bps'])}/s"
    yield "disk", f"{size(status['disk']['free_bytes'])} free"
    yield "memory", f"{size(status['memory_bytes'])}, {status['cpu_percent']:.0f} % of a core"
    yield "telegram", str(status["telegram"]["state"])
    flying = [
        f"{source['name']} {source['in_flight']}" for source in status["sources"] if source["in_flight"]
    ]
    yield "running", ", ".join(flying) or "nothing"


@click.command()
def stop() -> None:
    """Stop the engine; jobs go on at its next start."""
    run_async(_stop())


async def _stop() -> None:
    async with engine() as running:
        process = psutil.Process((await running.status())["engine"]["pid"])
        await running.stop_engine()
    # The socket goes first; the data directory is free once the process has ended.
    if not await asyncio.to_thread(_ends_blocking, process):
        raise StageTimeout("the engine does not stop", hint="See `reeldeck logs`.")
    click.echo("The engine has stopped.")


def _ends_blocking(process: psutil.Process) -> bool:
    """Whether *process* ends in time. One whose parent has not yet noticed its death has ended as well."""
    give_up = time.monotonic() + STOPS_WITHIN_S
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > give_up:
                return False
            time.sleep(LOOK_AGAIN_S)
    return True
