"""`status` and `stop`: the engine itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click
import psutil

from core.domain.errors import EngineUnreachable, StageTimeout
from core.domain.interface import EngineInterface
from core.domain.job import JobStatus, from_iso
from core.domain.pages import all_jobs
from tui.account import Account
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, size, span, when
from tui.logins import name_of, needs_owner, next_step
from tui.sources import rests_of

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
        logins = await _needy_logins(running)
        waits = sum((await running.chats()).backlog.values())
    unsent = [("to send", f"{waits} file{'s' * (waits != 1)}")] if waits else []
    for name, value in [*_facts(found), *unsent, *_troubles(found), *logins]:
        line(f"{name:<9} {value}")


async def _needy_logins(running: EngineInterface) -> list[tuple[str, str]]:
    """Logins that only their owner can mend, with what to do."""
    profiles = await running.profiles()
    waiting: Counter[tuple[str, str | None]] = Counter()
    if profiles:
        pending = all_jobs(running, statuses=frozenset({JobStatus.PENDING}))
        waiting.update([(job.source_type, job.waiting_for) async for job in pending])
    found = []
    for profile in profiles:
        count = waiting[profile.source_type, profile.waiting_for]
        if needs_owner(profile, count):
            reason = profile.reason.value if profile.reason else "not used"
            jobs = f"; {count} job{'s wait' if count > 1 else ' waits'} for it" if count else ""
            found.append(("login", f"{name_of(profile)}: {reason}{jobs}. {next_step(profile)}".rstrip(". ")))
    return found


def _facts(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    about = status["engine"]
    yield "engine", f"{about['state']}, version {about['version']}, process {about['pid']}"
    yield "up", span(about["uptime_s"])
    counts = status["counts"]
    yield "jobs", ", ".join(f"{counts.get(s, 0)} {s.lower()}" for s in JobStatus if counts.get(s)) or "none"
    yield "speed", f"{size(status['speed_bps'])}/s"
    yield "disk", f"{size(status['disk']['free_bytes'])} free"
    yield "memory", f"{size(status['memory_bytes'])}, {status['cpu_percent']:.0f} % of a core"
    yield "telegram", _telegram(Account.of(status))
    flying = [
        f"{source['name']} {source['in_flight']}" for source in status["sources"] if source["in_flight"]
    ]
    yield "running", ", ".join(flying) or "nothing"
    yield "limits", ", ".join(_limits(status["limits"]))


def _telegram(account: Account) -> str:
    """How the account is, and what its owner does about it."""
    detail = account.detail if account.needs_owner else ""
    words = [account.words(time.time()) or account.state, detail, account.next_step()]
    return ". ".join(word for word in words if word)


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    """The limits that are in force, those that everybody meets first."""
    yield f"{limits['max_parallel_jobs']} jobs at a time"
    if most := limits.get("max_parallel_jobs_per_source"):
        yield f"{most} of one source"
    if most := limits.get("bandwidth_bps"):
        yield f"{size(most)}/s"
    if most := limits.get("max_file_size_bytes"):
        yield f"files up to {size(most)}"
    if hours := limits.get("quiet_hours"):
        yield f"quiet hours {hours}"


def _troubles(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What keeps jobs from starting, or from being taken."""
    free_bytes, kept_bytes = status["disk"]["free_bytes"], status["disk"].get("min_free_bytes", 0)
    if free_bytes < kept_bytes:
        yield "full", f"the disk: {size(kept_bytes)} are kept free; jobs wait until there is more room"
    if status["limits"].get("maintenance"):
        yield "closed", "maintenance: nothing new is taken; what was taken goes on"
    if status.get("network", {}).get("is_away"):
        yield "network", "this machine does not reach the internet; jobs go on by themselves when it does"
    if until := from_iso(status.get("quiet_until")):
        yield "quiet", f"no downloads until {when(until)}"
    for receiver in status.get("webhooks", ()):
        if receiver["failing_since"]:
            count = receiver["waiting"]
            many = f"{count} message{'s wait' if count != 1 else ' waits'} for {receiver['host']}"
            tries = f"next try at {when(from_iso(receiver['retry_at']) or 0.0)}"
            yield "webhooks", f"{many}: {receiver['error_message']}; {tries}"
    for source in status["sources"]:
        for rest in rests_of(source):
            where = f"{source['name']}, {rest.host}" if rest.host else source["name"]
            tries = f"one job tries at {when(rest.retry_at)}" if rest.retry_at else "one job tries now"
            yield "resting", f"{where}: {rest.why}; {tries}"


@click.command()
def stop() -> None:
    """Stop the engine; jobs go on at its next start."""
    run_async(_stop())


async def _stop() -> None:
    async with engine() as running:
        try:
            pid = (await running.status())["engine"]["pid"]
        except EngineUnreachable as error:
            raise EngineUnreachable(error.detail, hint="There is nothing to stop.") from error
        process = psutil.Process(pid)
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
