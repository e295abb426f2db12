"""Commands that change the rules of chats: watch, unwatch, archive_on, archive_off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from telethon import utils
from telethon.tl.types import PeerChannel

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.errors import InvalidRequest
from core.domain.job import Kind
from core.sources.quality import parse_quality
from userbot.commands.arguments import Arguments, parse
from userbot.commands.call import Call
from userbot.replies import DONE, INFO
from userbot.texts import Row, Text, bold, compose, remote

E = TypeVar("E", bound=StrEnum)
_MODES: Mapping[str, ChatMode] = {mode.value: mode for mode in (ChatMode.AUTO, ChatMode.COMMAND)}
_KEYS = frozenset({"sources", "kind", "quality", "archive", "reply", "feedback", "topic"})


async def watch(call: Call) -> Text:
    """Watch a chat or topic, with what is said of its rules."""
    given = parse(call.arguments, _KEYS)
    modes = [_MODES[word.lower()] for word in given.words if word.lower() in _MODES]
    before = await _rules_meant(call, [word for word in given.words if word.lower() not in _MODES], given)
    # What is not said stays as it was.
    mode = modes[-1] if modes else ChatMode.AUTO if before.mode is ChatMode.OFF else before.mode
    rules = await call.engine.set_chat(_changed(before, given, mode))
    return compose(DONE, [["Watching ", bold(_name(rules))], *_rule_rows(rules)])


async def unwatch(call: Call) -> Text:
    """Do nothing any more with links in a chat or topic."""
    given = parse(call.arguments, {"topic"})
    rules = await _rules_meant(call, given.words, given)
    known = {(each.chat_id, each.topic_id): each for each in await call.engine.chat_rules()}
    whole = known.get((rules.chat_id, 0))
    is_known = (rules.chat_id, rules.topic_id) in known
    if rules.topic_id and whole is not None and whole.mode is not ChatMode.OFF:
        # Without rules of its own it would follow its chat's.
        await call.engine.set_chat(replace(rules, mode=ChatMode.OFF))
    elif is_known:
        await call.engine.forget_chat(rules.chat_id, rules.topic_id)
    else:
        return compose(INFO, [[bold(_name(rules)), " is not watched."]])
    return compose(DONE, [["No longer watching ", bold(_name(rules))], "What was asked for still comes."])


async def archive(call: Call) -> Text:
    """Keep the files that a chat asks for, or delete them once they were sent."""
    given = parse(call.arguments, {"topic"})
    is_kept = call.command.name == "archive_on"
    rules = await _rules_meant(call, given.words, given)
    rules = await call.engine.set_chat(replace(rules, archive=is_kept))
    what = "Files are kept" if is_kept else "Files are deleted once they were sent"
    return compose(DONE, [[f"{what}: ", bold(_name(rules))]])


async def _rules_meant(call: Call, names: Sequence[str], given: Arguments) -> ChatRules:
    """The rules of the chat or topic that is named, or else of the one where the command stands."""
    if len(names) > 1:
        raise InvalidRequest(f"{len(names)} chats are named; name one")
    found = await call.tools.messenger.find_chat(names[0] if names else _here(call))
    topic = given.number("topic")
    if topic is not None:
        found = replace(found, topic_id=topic)
    elif not names:
        found = replace(found, topic_id=call.place.topic_id or 0)
    known = {(each.chat_id, each.topic_id): each for each in await call.engine.chat_rules()}
    new = replace(found, archive=call.tools.keeps_files)
    # A topic begins as its chat is.
    rules = known.get((found.chat_id, found.topic_id)) or known.get((found.chat_id, 0)) or new
    return replace(rules, topic_id=found.topic_id, title=found.title or rules.title, last_message_id=None)


def _here(call: Call) -> str:
    """The command's place, in a form that `find_chat` reads."""
    if call.place.chat_id == call.tools.me.id and not call.tools.me.bot:
        return "me"
    number, kind = utils.resolve_id(call.place.chat_id)
    if kind is PeerChannel and call.place.topic_id:
        return f"t.me/c/{number}/{call.place.topic_id}"
    return str(call.place.chat_id)


def _changed(rules: ChatRules, given: Arguments, mode: ChatMode) -> ChatRules:
    changes: dict[str, object] = {"mode": mode}
    if (sources := given.names("sources")) is not None:
        changes["sources"] = None if sources in {(), ("all",)} else sources
    if (kind := given.options.get("kind")) is not None:
        changes["kind"] = _one_of(Kind, kind, "kind")
    if (quality := given.options.get("quality")) is not None:
        parse_quality(quality)
        changes["quality"] = quality
    if (feedback := given.options.get("feedback")) is not None:
        changes["feedback"] = _one_of(Feedback, feedback, "feedback")
    for key in ("archive", "reply"):
        if (is_on := given.switch(key)) is not None:
            changes[key] = is_on
    return replace(rules, **changes)  # type: ignore[arg-type]  # each of its field's type


def _one_of(kind: type[E], value: str, key: str) -> E:
    try:
        return kind(value.lower())
    except ValueError:
        raise InvalidRequest(f"{key}= is one of {', '.join(kind)}") from None


def _name(rules: ChatRules) -> str:
    name = remote(rules.title) if rules.title else str(rules.chat_id)
    is_named = not rules.topic_id or (rules.title and " / " in rules.title)
    return name if is_named else f"{name}, topic {rules.topic_id}"


def _rule_rows(rules: ChatRules) -> list[Row]:
    what = {
        ChatMode.AUTO: "Every link becomes a job.",
        ChatMode.COMMAND: "Links are fetched by command only.",
        ChatMode.OFF: "Links are left alone.",
    }[rules.mode]
    wanted = [rules.kind.value if rules.kind else "", rules.quality or ""]
    sources = f"Sources: {', '.join(map(remote, rules.sources))}" if rules.sources is not None else ""
    files = "kept" if rules.archive else "deleted once sent"
    reply = "sent back" if rules.reply else "not sent back"
    shown = [what, sources, " ".join(filter(None, ["Wanted:", *wanted])) if any(wanted) else ""]
    return [*filter(None, shown), f"Files: {reply}, {files}", f"Feedback: {rules.feedback.value}"]
