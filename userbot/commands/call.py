"""A command as it is known, and one that was typed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from telethon.tl.types import MessageReplyHeader, User

from core.domain.job import ReplyTo
from core.domain.messenger import Messenger, MessengerInterface
from userbot.replies import Replies
from userbot.rules import Rules
from userbot.texts import Text


class LinkTaker(Protocol):
    """Takes the links of a message."""

    async def take(self, message: Any, *, commanded_by: int) -> int:
        """Fetch the links of *message* now, whatever is the rule of its chat; how many there were.

        Raises:
            InvalidRequest: It holds none.
            ReeldeckError: None is taken.
        """
        ...


class Subject(StrEnum):
    """What a command is about: a line of the help."""

    LOOK = "Look"
    FETCH = "Fetch"
    JOBS = "Jobs"
    CHATS = "Chats"
    ENGINE = "Engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line of the table."""

    name: str
    #: As its usage shows them.
    arguments: str = ""
    #: What it does, in a line.
    summary: str
    subject: Subject
    run: Callable[[Call], Awaitable[Text | None]]
    #: It is written into the record of changes.
    changes: bool = False

    def usage(self, prefix: str) -> str:
        """How it is typed."""
        return f"{prefix}{self.name} {self.arguments}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all commands work with."""

    engine: MessengerInterface
    messenger: Messenger
    intake: LinkTaker
    replies: Replies
    rules: Rules
    me: User
    prefix: str
    #: Whether files of chats without rules stay after they were sent.
    keeps_files: bool
    table: Mapping[str, Command]


@dataclass(frozen=True, slots=True)
class Call:
    """A command that somebody may give and has given."""

    tools: Tools
    command: Command
    #: What follows the command's name.
    arguments: str
    message: Any
    place: ReplyTo
    user_id: int

    @property
    def engine(self) -> MessengerInterface:
        """The engine."""
        return self.tools.engine

    async def answered(self) -> Any:
        """The message of this chat that this one answers; None if it stands alone, or only in a topic."""
        header = self.message.reply_to
        if not isinstance(header, MessageReplyHeader) or header.reply_to_peer_id is not None:
            return None
        if header.forum_topic and not header.reply_to_top_id:
            return None
        return await self.message.get_reply_message()

    async def say(self, text: Text, *, purpose: str = "answer") -> int | None:
        """Answer below the message; sent once for each *purpose*, also across crashes."""
        return await self.tools.replies.send(
            self.place, text.plain, purpose=f"command:{purpose}", entities=text.entities
        )

    async def change(self, message_id: int, text: Text) -> None:
        """Put *text* in place of an earlier answer."""
        await self.tools.replies.edit(self.place.chat_id, message_id, text.plain, entities=text.entities)

    async def withdraw(self, message_id: int) -> None:
        """Take an earlier answer away."""
        await self.tools.replies.delete(self.place.chat_id, message_id)


async def at_once(calls: list[Awaitable[Any]], *, limit: int = 8) -> list[Any]:
    """The answers to *calls*, in order; at most *limit* are waited for at a time."""
    slots = asyncio.Semaphore(limit)

    async def one(call: Awaitable[Any]) -> Any:
        async with slots:
            return await call

    return await asyncio.gather(*map(one, calls))
