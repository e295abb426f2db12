"""Reads the history of watched chats from where it was read last, so that nothing posted is missed.

Updates tell of messages at once, but not surely: none come while the account is offline, gaps that are too
long are skipped, big channels are told of late or never. So the cursor of a chat moves by reading its history
only, at the start, when the account is back, and slowly in between; a message that came as an update leaves
it where it is, since messages before it may have been lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from telethon import TelegramClient
from telethon.tl import types
from telethon.utils import get_peer, get_peer_id

from core.domain.errors import FloodWait, Forbidden, NetworkFailure, NotFound, ReeldeckError, SessionLost
from core.domain.messenger import MessengerInterface
from userbot.agenda import Agenda
from userbot.faults import telegram_errors
from userbot.migration import moved
from userbot.owner import Owner
from userbot.replies import peer_of
from userbot.rules import Rules
from userbot.texts import Row, bold, remote

log = logging.getLogger("reeldeck.telegram.intake")

#: Each chat is read this often although nothing seems to be missing.
POLL_S = 300.0
#: Messages that are read and dealt with together; Telegram's longest page.
LOT = 100
#: Below the cursor so many messages are looked at for edits after the account was away.
EDITS_LOOKED_AT = 100
AGAIN_S = 5.0
#: A chat is left alone so long after it was read, however often the connection comes and goes.
REST_S = 3.0
#: After something was taken that came as an update, the cursor follows within this time.
FOLLOW_S = 30.0
#: Deals with messages in their order, and stores the cursor together with what they ask for.
TakeLot = Callable[[Sequence[Any], Mapping[int, int]], Awaitable[object]]


class Histories:
    """Reads on in watched chats, one after another.

    Args:
        client: Connected and logged in.
        engine: Keeps the cursors.
        rules: Say which chats are watched.
        me: The account.
        owner: Hears of chats that cannot be read any more.
        take: Deals with messages.
        poll_s: Seconds between two looks at a chat.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        rules: Rules,
        me: types.User,
        owner: Owner,
        take: TakeLot,
        poll_s: float = POLL_S,
    ) -> None:
        self._client = client
        self._engine = engine
        self._rules = rules
        self._me = me
        self._take = take
        self._poll_s = poll_s
        self._owner = owner
        self._agenda: Agenda[int] = Agenda()
        self._scheduled: set[int] = set()
        #: Chats in which messages may have been edited while the account was away.
        self._away: set[int] = set()
        self._read_at: dict[int, float] = {}
        self._has_listed = False

    async def run(self) -> None:
        """Read until cancelled."""
        if self._me.bot:
            # Telegram shows bots no history; what they missed it tells them again itself, for a day.
            await self._client.catch_up()
            await asyncio.Event().wait()
        self._agenda = Agenda()
        self._scheduled.clear()
        self._has_listed = False
        following = asyncio.create_task(self._follow_rules())
        reading = asyncio.create_task(self._read_on())
        try:
            done, _ = await asyncio.wait((following, reading), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (following, reading):
                task.cancel()
            await asyncio.gather(following, reading, return_exceptions=True)

    def look_again(self, chat_id: int | None = None) -> None:
        """Read a chat soon, with what was edited below its cursor; without one all of them."""
        for each in self._scheduled if chat_id is None else self._scheduled & {chat_id}:
            self._away.add(each)
            self._agenda.put(each, self._read_at.get(each, 0.0) + REST_S)

    def look_soon(self, chat_id: int) -> None:
        """Something was taken that came as an update: let the cursor follow, without a call for each."""
        if chat_id in self._scheduled:
            self._agenda.put(chat_id, asyncio.get_running_loop().time() + FOLLOW_S)

    async def _follow_rules(self) -> None:
        """Put chats on the agenda as they come to be watched, and take them off."""
        while True:
            self._rules.changed.clear()
            watched = await self._rules.watched()
            for chat_id in watched:
                if chat_id not in self._scheduled:
                    self._away.add(chat_id)
                # A group may have become a supergroup just now, and end here.
                if chat_id not in self._scheduled or _is_group(chat_id):
                    self._agenda.put(chat_id)
            for chat_id in self._scheduled - watched:
                self._agenda.drop(chat_id)
            self._scheduled = watched
            await self._rules.changed.wait()

    async def _read_on(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            chat_id = await self._agenda.take()
            wait_s = self._poll_s
            try:
                if await self._read(chat_id):
                    wait_s = 0.0
            except (NotFound, Forbidden) as error:
                await self._tell_lost(chat_id, error)
                # Until its rules change, the account is back, or is started anew.
                continue
            except FloodWait as wait:
                # It holds for all chats alike.
                await asyncio.sleep(wait.retry_after_s or AGAIN_S)
                wait_s = 0.0
            except (NetworkFailure, SessionLost):
                wait_s = AGAIN_S
            except ReeldeckError as error:
                log.warning("a chat could not be read", extra={"chat_id": chat_id, "error": str(error)})
            self._read_at[chat_id] = clock()
            if chat_id in self._scheduled:
                self._agenda.put(chat_id, clock() + wait_s)

    async def _read(self, chat_id: int) -> bool:
        """Read on by one lot, so that no chat keeps the others waiting; whether there may be more."""
        cursor = await self._cursor(chat_id)
        peer = await self._peer(chat_id)
        if cursor is None:
            newest = await self._page(peer, limit=1)
            # What was posted before somebody watched is not asked for.
            cursor = newest[0].id if newest else 0
            await self._take([], {chat_id: cursor})
        elif chat_id in self._away:
            await self._see_edits(peer, cursor)
        self._away.discard(chat_id)
        messages = await self._page(peer, min_id=cursor, limit=LOT, reverse=True)
        if messages:
            await self._take(messages, {chat_id: messages[-1].id})
        for one in messages:
            if isinstance(one.action, types.MessageActionChatMigrateTo):
                await self._move(chat_id, get_peer_id(types.PeerChannel(one.action.channel_id)))
        return len(messages) == LOT

    async def _peer(self, chat_id: int) -> Any:
        """The chat as requests name it. Raises NotFound when it is not among the account's chats either."""
        try:
            return await peer_of(self._client, chat_id)
        except NotFound:
            if self._has_listed:
                raise
        # Its key may be in the list of chats, which Telethon remembers as it goes by.
        with telegram_errors():
            await self._client.get_dialogs()
        self._has_listed = True
        return await peer_of(self._client, chat_id)

    async def _move(self, chat_id: int, new_id: int) -> None:
        """A group is a supergroup now and was read to its end: its rules hold there, from its beginning."""
        rules = {each.chat_id: each for each in await self._engine.chat_rules() if each.topic_id == 0}
        if chat_id not in rules:
            return
        if new_id not in rules:
            await self._engine.set_chat(moved(rules[chat_id], new_id))
        await self._engine.forget_chat(chat_id)

    async def _cursor(self, chat_id: int) -> int | None:
        """How far a chat was read; the rules in memory may be older than that."""
        for rules in await self._engine.chat_rules():
            if rules.chat_id == chat_id and rules.topic_id == 0:
                return rules.last_message_id
        return None

    async def _see_edits(self, peer: Any, cursor: int) -> None:
        """Deal with messages that were edited after the last one that was read."""
        messages = await self._page(peer, max_id=cursor + 1, limit=EDITS_LOOKED_AT)
        if messages:
            last_read = messages[0].date
            edited = [
                one for one in messages if getattr(one, "edit_date", None) and one.edit_date > last_read
            ]
            await self._take(edited[::-1], {})

    async def _page(self, peer: Any, **window: Any) -> Sequence[Any]:
        with telegram_errors():
            found: Sequence[Any] = await self._client.get_messages(peer, **window)
            return found

    async def _tell_lost(self, chat_id: int, error: ReeldeckError) -> None:
        """Tell the owner."""
        log.warning("a watched chat is lost to the account", extra={"chat_id": chat_id, "error": str(error)})
        title = next((each.title for each in await self._rules.of_chat(chat_id) if each.title), None)
        name = remote(title) if title else str(chat_id)
        rows: list[Row] = [
            ["I cannot read ", bold(name), f" any more: {error.detail}"],
            ["To stop watching it: ", self._owner.command(f"unwatch {chat_id}")],
        ]
        await self._owner.tell(f"lost {chat_id}", rows)


def _is_group(chat_id: int) -> bool:
    """Whether it is a basic group; only these become something else."""
    return isinstance(get_peer(chat_id), types.PeerChat)
