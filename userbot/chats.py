"""The account's chats: a list of them, and the one that somebody means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from telethon import TelegramClient, utils
from telethon.tl import functions, types

from core.domain.chat import ChatRules, Feedback
from core.domain.errors import InvalidRequest, NotFound
from userbot.faults import telegram_errors

#: t.me/c/CHANNEL[/TOPIC], t.me/NAME[/TOPIC], @NAME; as Telegram's apps copy them.
_LINK = re.compile(
    r"(?:https?://)?(?:t|telegram)\.me/(?:c/(?P<channel>\d{1,15})|(?P<name>[A-Za-z]\w{3,31}))"
    r"(?:/(?P<topic>\d{1,10}))?/?(?:\?.*)?"
)
_NAME = re.compile(r"@?(?P<name>[A-Za-z]\w{3,31})")
_SELF = frozenset({"me", "self", "saved"})
_TOPICS_AT_ONCE = 100


class AddressBook:
    """What the account knows of chats.

    An id is worth nothing without a key that only this account has; Telethon keeps those it has seen in the
    session file. So what is not known there is looked for in the list of chats first, and asked for by name
    last: no other question is answered so rarely by Telegram (FLOOD_WAIT of hours).
    """

    def __init__(self, client: TelegramClient, me: types.User) -> None:
        self._client = client
        self._me = me

    async def dialogs(self, *, are_read: bool = False) -> Sequence[ChatRules]:
        """All chats and, of forums, topics.

        Args:
            are_read: Count what is in the chats as read, so that watching one begins now, and not when an
                engine first looks at it.

        Raises:
            InvalidRequest: The account is a bot.
        """
        self._refuse_bots("list its chats")
        found: list[ChatRules] = []
        with telegram_errors():
            async for dialog in self._client.iter_dialogs():
                chat = _unwatched(dialog.entity, dialog.title or dialog.name)
                newest = dialog.message.id if dialog.message else 0
                found.append(replace(chat, last_message_id=newest) if are_read else chat)
                if getattr(dialog.entity, "forum", False):
                    found += await self._topics(chat)
        return found

    async def find(self, name: str) -> ChatRules:
        """The chat, or forum topic, with this marked id, @name or t.me link.

        Raises:
            InvalidRequest: It is nothing of these, or the account knows no such chat.
        """
        wanted, topic_id = _read(name.strip())
        if wanted == "me":
            return ChatRules(chat_id=self._me.id, title="Saved Messages")
        try:
            entity = await self.entity(wanted)
        except NotFound as error:
            raise InvalidRequest(
                f"this account knows no chat {name!r}",
                hint="Join it in a Telegram app; then see: reeldeck telegram chats --known",
            ) from error
        chat = _unwatched(entity, utils.get_display_name(entity))
        if topic_id and getattr(entity, "forum", False):
            topics = await self._topics(chat)
            if found := next((topic for topic in topics if topic.topic_id == topic_id), None):
                return found
        return chat

    async def entity(self, wanted: int | str) -> types.User | types.Chat | types.Channel:
        """The chat with this marked id or name. Raises NotFound and what Telegram answers."""
        with telegram_errors():
            try:
                return await self._client.get_entity(wanted)
            except ValueError as error:
                if not isinstance(wanted, int) or self._me.bot:
                    raise NotFound(f"no chat {wanted}") from error
            # Its key may be in the list of chats, which Telethon remembers as it goes by.
            await self._client.get_dialogs()
            try:
                return await self._client.get_entity(wanted)
            except ValueError as error:
                raise NotFound(f"no chat {wanted}") from error

    async def learn(self, chat_ids: Sequence[int]) -> None:
        """Make sure that these chats can be asked for their history."""
        for chat_id in chat_ids:
            try:
                await self._client.get_input_entity(chat_id)
            except ValueError:
                if not self._me.bot:
                    with telegram_errors():
                        await self._client.get_dialogs()
                return

    async def _topics(self, chat: ChatRules) -> list[ChatRules]:
        found: list[ChatRules] = []
        with telegram_errors():
            peer = await self._client.get_input_entity(chat.chat_id)
            while True:
                page = await self._client(
                    functions.messages.GetForumTopicsRequest(
                        peer=peer,
                        offset_date=None,
                        offset_id=0,
                        offset_topic=found[-1].topic_id if found else 0,
                        limit=_TOPICS_AT_ONCE,
                    )
                )
                live = [topic for topic in page.topics if isinstance(topic, types.ForumTopic)]
                found += [
                    replace(chat, topic_id=topic.id, title=f"{chat.title or ''} / {topic.title}")
                    for topic in live
                ]
                if len(page.topics) < _TOPICS_AT_ONCE or not live:
                    return found

    def _refuse_bots(self, what: str) -> None:
        if self._me.bot:
            raise InvalidRequest(
                f"a bot cannot {what}: Telegram keeps that to the accounts of people",
                hint="Use the account of a person (no telegram.bot_token), or name the chat by its id.",
            )


def _unwatched(entity: Any, title: str) -> ChatRules:
    """The rules that a chat begins with. Where the account only reads, nothing is sent back or shown."""
    rules = ChatRules(chat_id=utils.get_peer_id(entity), title=title)
    return rules if _may_post(entity) else replace(rules, reply=False, feedback=Feedback.NONE)


def _may_post(entity: Any) -> bool:
    """Whether the account may write (https://core.telegram.org/api/rights); people are asked by writing."""
    if not isinstance(entity, types.Channel | types.Chat) or entity.creator:
        return True
    if getattr(entity, "broadcast", False):
        return bool(entity.admin_rights and entity.admin_rights.post_messages)
    if entity.admin_rights:
        return True
    banned = [getattr(entity, "banned_rights", None), entity.default_banned_rights]
    return not any(each and (each.send_messages or each.send_media) for each in banned)


def _read(name: str) -> tuple[int | str, int]:
    """What a person wrote, as `me`, marked id or name, and the topic (0: none). Raises InvalidRequest."""
    if name.lower() in _SELF:
        return "me", 0
    if re.fullmatch(r"-?\d{1,16}", name):
        return int(name), 0
    if match := _LINK.fullmatch(name):
        topic_id = int(match["topic"] or 0)
        if match["channel"]:
            return utils.get_peer_id(types.PeerChannel(int(match["channel"]))), topic_id
        return match["name"], topic_id
    if match := _NAME.fullmatch(name):
        return match["name"], 0
    raise InvalidRequest(
        f"{name!r} names no chat", hint="Give its id, @name or t.me link; see: reeldeck telegram chats"
    )
