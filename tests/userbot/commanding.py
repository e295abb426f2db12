"""A desk of commands at a loopback Telegram: what tests of commands share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from telethon import TelegramClient, events

from core.domain.chat import ChatMode, ChatRules
from core.domain.messenger import Collect, Collected
from core.domain.token import AuditEntry
from core.engine.engine import Engine
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import Where
from tests.fakes.telegram.state import Account, Post
from tests.userbot.conftest import UNTIL_S, marked
from userbot.chats import AddressBook
from userbot.collect import Collector
from userbot.commands.desk import Commands
from userbot.feedback import FeedbackDesk
from userbot.intake import Intake


class AccountFace:
    """What commands ask of the account as a whole; `userbot.service` answers the same from the same parts."""

    def __init__(self, book: AddressBook, collector: Collector) -> None:
        self.find_chat, self.dialogs = book.find, book.dialogs
        self._collector = collector

    def status(self) -> dict[str, Any]:
        return {"state": "online"}

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        return self._collector.collect(wanted)


@dataclass
class Desk:
    """Types into chats and reads the answers."""

    telegram: FakeTelegram
    account: Account
    engine: Engine
    commands: Commands
    #: Messages that were dealt with (by channel, 0 for none, and number), and whether each was a command.
    heard: dict[tuple[int, int], bool] = field(default_factory=dict)
    more_heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, event: Any) -> None:
        """What the router does with an event."""
        is_edit = isinstance(event, events.MessageEdited.Event)
        key = getattr(event.message.peer_id, "channel_id", 0), event.message.id
        self.heard[key] = await self.commands.on_message(event.message, is_edit=is_edit)
        self.more_heard.set()

    async def watch(self, where: Where, mode: ChatMode = ChatMode.AUTO, **rules: Any) -> ChatRules:
        """Watch a chat."""
        return await self.engine.set_chat(ChatRules(chat_id=marked(where), mode=mode, **rules))

    def number(self, post: Post) -> int:
        """The account's number of a message."""
        return self.telegram.world.view(self.account.id).number(post)

    async def dealt_with(self, post: Post) -> bool:
        """Whether a message was taken for a command, once the desk is done with it."""
        key = int(post.chat[2:]) if post.chat.startswith("c:") else 0, self.number(post)
        async with asyncio.timeout(UNTIL_S):
            while key not in self.heard:
                self.more_heard.clear()
                await self.more_heard.wait()
        return self.heard[key]

    async def say(
        self, text: str, where: Where | None = None, who: Account | None = None, **post: Any
    ) -> str:
        """Type *text* (into Saved Messages, as the account); the answer, empty if there is none."""
        return "\n".join(self.texts(await self.type(text, where, who, **post)))

    async def type(
        self, text: str, where: Where | None = None, who: Account | None = None, **post: Any
    ) -> list[Post]:
        """As `say`; the posts that answer."""
        where = where or self.account
        typed = self.telegram.post(who or self.account, where, text, **post)
        await self.dealt_with(typed)
        return [one for one in self.telegram.posts(self.account, where) if one.reply_to == typed.uid]

    @staticmethod
    def texts(posts: list[Post]) -> list[str]:
        """What posts say."""
        return [post.text for post in posts]

    async def audit(self) -> list[AuditEntry]:
        """The record of changes, oldest first."""
        return list(reversed((await self.engine.audit()).items))


@pytest.fixture
async def make_desk(
    telegram: FakeTelegram, account: Account, client: TelegramClient, me: Any, engine: Engine
):
    """`await make_desk(admin_ids=(7,))`: a desk at the account's client."""

    async def make(**options: Any) -> Desk:
        settings = engine.settings.model_copy(
            update={"telegram": engine.settings.telegram.model_copy(update=options)}
        )
        feedback = FeedbackDesk(client=client, engine=engine)
        intake = Intake(client=client, engine=engine, settings=settings, me=me, feedback=feedback)
        face = AccountFace(AddressBook(client, me), Collector(client=client, engine=engine))
        commands = Commands(
            client=client, engine=engine, settings=settings, me=me, intake=intake, messenger=face
        )
        desk = Desk(telegram, account, engine, commands)
        client.add_event_handler(desk.hear, events.NewMessage())
        client.add_event_handler(desk.hear, events.MessageEdited())
        return desk

    return make


@pytest.fixture
async def desk(make_desk: Any) -> Desk:
    """A desk that only the account itself commands."""
    return await make_desk()
