"""Commands that tell of Reeldeck itself: start, help, status, health."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from core.domain.chat import ChatMode
from core.domain.errors import InvalidRequest
from core.domain.figures import rate_text, rough_text, size_text, span_text
from core.domain.job import JobStatus, from_iso
from core.domain.profile import ProfileStatus
from userbot.commands.arguments import parse
from userbot.commands.call import Call, Subject
from userbot.commands.jobs import running_jobs
from userbot.replies import INFO
from userbot.texts import Row, Text, bold, code, compose, counted, job_row, remote

#: Of why Telegram limits the account: a sentence, and not all that a stranger could make of it.
_REASON_CELLS = 160


async def start(call: Call) -> Text:
    """Say what this is."""
    prefix = call.tools.prefix
    rows: list[Row] = [[bold("Reeldeck"), " fetches the media behind links and sends it back."]]
    if (await call.tools.rules.of(call.place)).mode is ChatMode.AUTO:
        rows.append("Every link that is posted here is fetched.")
    else:
        rows.append(["To have every link fetched that is posted here: ", code(f"{prefix}watch")])
        rows.append(["To fetch one: ", code(f"{prefix}get LINK")])
    return compose(INFO, [*rows, f"All commands: {prefix}help"])


async def help_(call: Call) -> Text:
    """The commands, or the usage of one."""
    prefix, table = call.tools.prefix, call.tools.table
    words = parse(call.arguments).words
    if not words:
        rows: list[Row] = [
            [bold(subject.value), f": {' '.join(f'{prefix}{one.name}' for one in of_subject)}"]
            for subject in Subject
            if (of_subject := [one for one in table.values() if one.subject is subject])
        ]
        return compose(INFO, [[bold("Commands")], *rows, f"How one is used: {prefix}help NAME"])
    name = words[0].lower().removeprefix(prefix)
    command = table.get(name)
    if command is None:
        near = get_close_matches(name, table, n=1)
        raise InvalidRequest(
            f"there is no command {name[:32]!r}" + (f"; {near[0]!r} is near" if near else "")
        )
    return compose(INFO, [[code(command.usage(prefix))], command.summary])


async def status(call: Call) -> Text:
    """Figures of the machine and the engine, and what runs."""
    found = await call.engine.status()
    about, counts = found["engine"], found["counts"]
    shown = ", ".join(f"{counts[one]} {one.lower()}" for one in JobStatus if counts.get(one))
    rows: list[Row] = [
        [bold("Reeldeck"), f" {about['version']}, {about['state']}, up {span_text(about['uptime_s'])}"],
        f"CPU {found['cpu_percent']:.0f}% of a core",
        f"Memory {size_text(found['memory_bytes'])}",
        f"Disk {size_text(found['disk']['free_bytes'])} free",
        f"Telegram {_account(found['telegram'])}",
        f"Jobs {shown or 'none'}",
        f"Speed {rate_text(found['speed_bps']) or 'nothing runs'}",
    ]
    return compose(INFO, [*rows, *map(job_row, await running_jobs(call.engine))])


async def health(call: Call) -> Text:
    """What keeps jobs from going on; nothing if all is well."""
    found = await call.engine.status()
    troubles = [trouble async for trouble in _troubles(call, found)]
    if not troubles:
        return compose(INFO, ["All is well."])
    return compose(INFO, [[bold(counted(len(troubles), "trouble"))], *troubles])


def _account(telegram: Mapping[str, Any]) -> str:
    who = f" as {remote(str(telegram['account']))}" if telegram.get("account") else ""
    until = from_iso(telegram.get("wait_until"))
    wait = f", waits {rough_text(max(0.0, until - time.time()))}" if until else ""
    return f"{str(telegram['state']).replace('_', ' ')}{who}{wait}"


def _waits(found: Mapping[str, Any]) -> Iterator[str]:
    """What goes on by itself at a known time."""
    telegram = found.get("telegram") or {}
    if until := from_iso(telegram.get("wait_until")):
        left = rough_text(max(0.0, until - time.time()))
        why = str(telegram.get("detail") or "Telegram limits what this account may do")
        yield f"{remote(why, _REASON_CELLS)}, for another {left}"
    if until := from_iso(found.get("quiet_until")):
        yield f"Quiet hours for another {rough_text(max(0.0, until - time.time()))}"


async def _troubles(call: Call, found: Mapping[str, Any]) -> AsyncIterator[Row]:
    if await call.engine.is_in_maintenance():
        yield f"Maintenance: nothing new is taken ({call.tools.prefix}maintenance off)"
    if found["engine"]["state"] != "running":
        yield f"The disk is almost full: {size_text(found['disk']['free_bytes'])} free"
    if (found.get("network") or {}).get("is_away"):
        yield "This machine does not reach the internet"
    for wait in _waits(found):
        yield wait
    for source in found["sources"]:
        for each in [source.get("breaker"), *(source.get("hosts") or ())]:
            if each and each.get("state") in {"open", "half_open"}:
                where, why = each.get("host") or source["name"], each.get("reason")
                yield f"{remote(str(where))} rests: {remote(str(why or 'its last tries failed'))}"
    for profile in await call.engine.profiles():
        jobs = await call.engine.parked(profile.waiting_for, source=profile.source_type)
        if profile.status is ProfileStatus.DISABLED or jobs:
            reason = profile.reason.value if profile.reason else "not used"
            wait = f", {counted(jobs, 'job')} waiting" if jobs else ""
            yield f"Login {remote(profile.source_type)}/{remote(profile.name)}: {reason}{wait}"
