"""A group that becomes a supergroup gets another id: its rules follow it (core.telegram.org/api/channel)."""

from __future__ import annotations

import asyncio
import dataclasses
import logging

from telethon import TelegramClient, events, utils
from telethon.tl import types

from core.domain.chat import ChatRules
from core.domain.errors import Forbidden, NotFound
from core.domain.messenger import MessengerInterface
from userbot.chats import AddressBook

log = logging.getLogger("reeldeck.telegram")


class MigrationDesk:
    """Moves the rules of groups that have become supergroups."""

    def __init__(self, *, client: TelegramClient, engine: MessengerInterface, book: AddressBook) -> None:
        self._client = client
        self._engine = engine
        self._book = book

    async def run(self) -> None:
        """Follow the groups that migrate, and those that did while nobody listened, until cancelled."""
        kinds = [types.UpdateNewMessage, types.UpdateNewChannelMessage]
        self._client.add_event_handler(self._on_update, events.Raw(kinds))
        try:
            await self._look()
            await asyncio.get_running_loop().create_future()
        finally:
            self._client.remove_event_handler(self._on_update)

    async def _look(self) -> None:
        for rules in await self._engine.chat_rules():
            if not _is_group(rules.chat_id):
                continue
            try:
                entity = await self._book.entity(rules.chat_id)
            except (NotFound, Forbidden):
                continue
            if moved := getattr(entity, "migrated_to", None):
                await self._follow(rules.chat_id, moved.channel_id)

    async def _on_update(self, update: types.UpdateNewMessage | types.UpdateNewChannelMessage) -> None:
        message = update.message
        action = getattr(message, "action", None)
        if isinstance(action, types.MessageActionChatMigrateTo):
            await self._follow(utils.get_peer_id(message.peer_id), action.channel_id)

    async def _follow(self, old_id: int, channel_id: int) -> None:
        new_id = utils.get_peer_id(types.PeerChannel(channel_id))
        rules = await self._engine.chat_rules()
        if any(each.chat_id == new_id for each in rules):
            return
        for each in rules:
            if each.chat_id == old_id and each.topic_id == 0:
                # The old rules go when the rest of the old group's history was read (userbot.catch_up).
                await self._engine.set_chat(moved(each, new_id))
                log.info("a watched group became a supergroup", extra={"from": old_id, "to": new_id})


def moved(rules: ChatRules, chat_id: int) -> ChatRules:
    """The same rules for a chat whose messages are numbered anew, and of which none was read."""
    return dataclasses.replace(rules, chat_id=chat_id, last_message_id=0)


def _is_group(chat_id: int) -> bool:
    """Whether it is a basic group; only these migrate."""
    return isinstance(utils.get_peer(chat_id), types.PeerChat)
