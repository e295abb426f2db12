"""Commands about what jobs meet on their way: sources, logins, limits, chats, and who changed what."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from core.domain.chat import ChatMode
from core.domain.errors import InvalidRequest
from core.domain.figures import rough_text
from core.domain.limit import RunningLimit, figure_text, range_text, typed_value
from userbot.commands.arguments import parse
from userbot.commands.call import Call
from userbot.replies import DONE, INFO
from userbot.texts import Row, Text, and_more, bold, code, compose, remote

#: What brings the configured value back.
DEFAULT = "default"
#: Rows beside the heading and the last line.
_ROWS = 10


async def sources(call: Call) -> Text:
    """The sources that work, wait or rest, the busiest first; the others are only counted."""
    found = [each for each in await call.engine.sources() if each["enabled"]]
    busy = [each for each in found if _waits(each) or each["in_flight"] or _rests(each)]
    busy.sort(key=lambda each: -(each["in_flight"] * 1000 + _waits(each)))
    idle = len(found) - len(busy)
    more = and_more(len(busy), _ROWS, "reeldeck sources")
    rows = [*map(_source_row, busy[:_ROWS]), *([f"{idle} idle"] if idle and not more else [])]
    return compose(INFO, [[bold("Sources")], *rows], more=more)


def _rests(source: Mapping[str, Any]) -> bool:
    return (source.get("breaker") or {}).get("state") in {"open", "half_open"}


def _waits(source: Mapping[str, Any]) -> int:
    return int(source["queued"] + source["waiting"])


def _source_row(source: Mapping[str, Any]) -> Row:
    facts = [f"{source['in_flight']} of {source['max_parallel']} run"]
    facts += [f"{waits} wait"] if (waits := _waits(source)) else []
    facts += ["rests"] if _rests(source) else []
    return [bold(remote(str(source["label"]))), f" {', '.join(facts)}"]


async def logins(call: Call) -> Text:
    """The logins and how they are; where their files lie is told by no chat."""
    rows: list[Row] = []
    for profile in await call.engine.profiles():
        reason = f", {profile.reason.value.replace('_', ' ')}" if profile.reason else ""
        name = remote(f"{profile.source_type}/{profile.name}")
        rows.append([bold(name), f" {profile.status.value.lower()}{reason}"])
    if not rows:
        return compose(INFO, ["There are no logins: reeldeck auth add"])
    more = and_more(len(rows), _ROWS, "reeldeck auth list")
    return compose(INFO, [[bold("Logins")], *rows[:_ROWS]], more=more)


async def chats(call: Call) -> Text:
    """The chats that are watched, and what waits to be sent there."""
    found = await call.engine.chats()
    rows: list[Row] = []
    for rules in found.rules:
        if rules.mode is not ChatMode.OFF:
            waits = 0 if rules.topic_id else found.backlog.get(rules.chat_id, 0)
            topic = f", topic {rules.topic_id}" if rules.topic_id else ""
            told = f"{topic}: {rules.mode.value}" + (f", {waits} to be sent" if waits else "")
            rows.append([bold(remote(rules.title or str(rules.chat_id))), told.removeprefix(":")])
    if not rows:
        return compose(INFO, [["No chat is watched: ", code(f"{call.tools.prefix}watch")]])
    more = and_more(len(rows), _ROWS, "reeldeck telegram chats")
    return compose(INFO, [[bold("Watched chats")], *rows[:_ROWS]], more=more)


async def limits(call: Call) -> Text:
    """The limits that may change while the engine runs; or let another value of one hold."""
    words = parse(call.arguments).words
    found = {limit.name: limit for limit in await call.engine.limits()}
    if not words:
        changed = sorted(found.values(), key=lambda limit: not limit.is_changed)
        more = and_more(len(changed), _ROWS, "reeldeck limits")
        return compose(INFO, [[bold("Limits")], *map(_limit_row, changed[:_ROWS])], more=more)
    limit = found.get(words[0].lower())
    if limit is None or len(words) > 2:
        raise InvalidRequest("name one limit, and its value", hint=f"They are: {', '.join(found)}")
    if len(words) == 1:
        return compose(INFO, [_limit_row(limit), limit.about, f"From {range_text(limit)}, or {DEFAULT}"])
    value = None if words[1].lower() == DEFAULT else typed_value(limit, words[1])
    if value is None and words[1].lower() != DEFAULT:
        raise InvalidRequest(f"{limit.name} goes from {range_text(limit)}")
    return compose(DONE, [_limit_row(await call.engine.set_limit(limit.name, value))])


def _limit_row(limit: RunningLimit) -> Row:
    was = f" (configured: {figure_text(limit, limit.configured)})" if limit.is_changed else ""
    return [code(limit.name), f" {figure_text(limit, limit.value)}{was}"]


async def audit(call: Call) -> Text:
    """The last changes, by whichever door. There are no links, titles or secrets in the record."""
    page = await call.engine.audit(limit=_ROWS)
    if not page.items:
        return compose(INFO, ["Nothing was changed."])
    now = time.time()
    rows: list[Row] = [
        [f"{rough_text(now - each.created)} ago ", bold(remote(each.actor)), f" {remote(each.action)}"]
        for each in page.items
    ]
    return compose(INFO, [[bold("Changes")], *rows], more="… and more: reeldeck audit" if page.next else None)
