"""The rules of watched chats, as the userbot looks them up; kept in memory until somebody changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from telethon.tl import types

from core.domain.chat import ChatMode, ChatRules
from core.domain.job import ReplyTo
from core.domain.messenger import MessengerInterface
from userbot.faults import telegram_errors

#: The topic of a forum that every forum has.
GENERAL_TOPIC = 1


class Rules:
    """Rules by chat and topic.

    Attributes:
        changed: Set when the rules have changed; whoever waits for it clears it.
    """

    def __init__(self, engine: MessengerInterface) -> None:
        self._engine = engine
        self._known: Mapping[tuple[int, int], ChatRules] | None = None
        self._changes = 0
        self.changed = asyncio.Event()
        engine.on_rules(self._forget)

    def _forget(self) -> None:
        self._known = None
        self._changes += 1
        self.changed.set()

    async def _all(self) -> Mapping[tuple[int, int], ChatRules]:
        known = self._known
        while known is None:
            changes = self._changes
            rules = await self._engine.chat_rules()
            # What was read may be older than a change that was told of meanwhile.
            if changes == self._changes:
                known = self._known = {(each.chat_id, each.topic_id): each for each in rules}
        return known

    async def of(self, place: ReplyTo) -> ChatRules:
        """The rules of a message's place; those that nobody made do nothing."""
        known = await self._all()
        general = known.get((place.chat_id, 0)) or ChatRules(chat_id=place.chat_id)
        return known.get((place.chat_id, place.topic_id), general) if place.topic_id else general

    async def of_chat(self, chat_id: int) -> list[ChatRules]:
        """All rules of a chat, its own before those of its topics."""
        return [rules for (chat, _), rules in (await self._all()).items() if chat == chat_id]

    async def watched(self) -> set[int]:
        """The chats that are read: something is done with links there, or in one of their topics."""
        known = await self._all()
        return {chat for (chat, _), each in known.items() if each.mode is not ChatMode.OFF}


async def place_of(message: Any) -> ReplyTo:
    """Where a message stands: its chat by its marked id, and its topic if that is a forum."""
    header, chat = message.reply_to, message.chat
    if chat is None:
        with telegram_errors():
            chat = await message.get_chat()
    topic: int | None = None
    if isinstance(header, types.MessageReplyHeader) and header.forum_topic:
        topic = header.reply_to_top_id or header.reply_to_msg_id
    elif getattr(chat, "forum", False):
        # Posts in "General" look like those of a plain group.
        topic = GENERAL_TOPIC
    return ReplyTo(chat_id=message.chat_id, message_id=message.id, topic_id=topic)
