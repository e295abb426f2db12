"""Commands that fetch: get, collect."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from core.domain.errors import FloodWait, InvalidRequest, ReeldeckError
from core.domain.figures import size_text
from core.domain.messenger import Collect, Collected
from userbot.commands.arguments import parse
from userbot.commands.call import Call
from userbot.links import links_of
from userbot.replies import DONE, INFO, WORKING
from userbot.texts import Row, Text, bold, compose, counted, remote

log = logging.getLogger("reeldeck.telegram.commands")

#: Edits are limited harder than messages.
EDIT_INTERVAL_S = 4.0
_KEYS = frozenset({"limit", "type", "since", "until", "grep", "topic"})
_TYPES = frozenset({"audio", "video", "voice", "photo", "document"})
_SHOWN = 5


async def get(call: Call) -> Text | None:
    """Fetch the links of the command, or of the message that it answers."""
    named = call.message if links_of(call.message) else await call.answered()
    if named is None:
        raise InvalidRequest(
            "there is no link", hint="Send it with the command, or answer a message with one."
        )
    await call.tools.intake.take(named, commanded_by=call.user_id)
    return None  # The message with the links shows what becomes of them.


async def collect(call: Call) -> Text | None:
    """Fetch the media of a chat, telling how far it is in one message."""
    wanted = _wanted(call)
    board = _Board(call)
    await board.show(compose(WORKING, ["Looking through the chat…"]))
    last = Collected()
    try:
        async for last in call.tools.messenger.collect(wanted):
            if not last.is_done:
                await board.show(_told(last, wanted))
    except ReeldeckError:
        # What went wrong is the answer; that it goes on would stand there for ever.
        await board.clear()
        raise
    await board.end(_told(replace(last, is_done=True), wanted))
    return None


def _wanted(call: Call) -> Collect:
    given = parse(call.arguments, _KEYS)
    names = [word for word in given.words if word.lower() != "dry"]
    if len(names) > 1:
        raise InvalidRequest(f"{len(names)} chats are named; name one")
    types = frozenset(given.names("type") or ())
    if unknown := types - _TYPES:
        raise InvalidRequest(f"type= is of {', '.join(sorted(_TYPES))}; not {', '.join(sorted(unknown))}")
    topic = given.number("topic")
    return Collect(
        chat=names[0] if names else str(call.place.chat_id),
        topic_id=topic if topic is not None or names else call.place.topic_id,
        limit=given.number("limit") or 0,
        types=types,
        since=given.day("since"),
        until=given.day("until"),
        grep=given.options.get("grep"),
        dry_run=len(names) != len(given.words),
    )


def _told(figures: Collected, wanted: Collect) -> Text:
    head = "Would fetch" if wanted.dry_run else "Collected" if figures.is_done else "Collecting"
    rows: list[Row] = [
        [bold(head), f" {counted(figures.found, 'file')}, {size_text(figures.size_bytes)}"],
        f"Looked at {counted(figures.seen, 'message')}",
    ]
    if wanted.dry_run:
        rows += [f"· {remote(title)}" for title in figures.sample[:_SHOWN]]
    else:
        rows.append(f"New jobs {figures.added}, known {figures.joined}")
    mark = WORKING if not figures.is_done else INFO if wanted.dry_run else DONE
    return compose(mark, rows)


class _Board:
    """One message that is edited as things go on, seldom; what stands in it at the end is always told."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._message_id: int | None = None
        self._not_before = 0.0

    async def show(self, text: Text) -> None:
        """Show *text*, unless it is too soon for an edit."""
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            return
        self._not_before = now + EDIT_INTERVAL_S
        try:
            if self._message_id is None:
                self._message_id = await self._call.say(text, purpose="progress")
            else:
                await self._call.change(self._message_id, text)
        except FloodWait as error:
            self._not_before = now + (error.retry_after_s or EDIT_INTERVAL_S)
        except ReeldeckError as error:
            log.warning("progress of a command could not be shown", extra={"error_type": error.code})

    async def clear(self) -> None:
        """Take it away."""
        if self._message_id is None:
            return
        try:
            await self._call.withdraw(self._message_id)
        except ReeldeckError as error:
            log.warning("progress of a command could not be taken away", extra={"error_type": error.code})

    async def end(self, text: Text) -> None:
        """Show *text* for good."""
        if self._message_id is not None:
            await asyncio.sleep(max(0.0, self._not_before - asyncio.get_running_loop().time()))
            await self._call.change(self._message_id, text)
        else:
            await self._call.say(text)
