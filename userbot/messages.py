"""Links of messages, and the messages that they name (core.telegram.org/api/links#message-links)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from telethon import TelegramClient, errors, utils
from telethon.tl import functions, types
from telethon.tl.custom import Message

from core.domain.errors import Forbidden, InvalidRequest, NotFound
from core.links.normalise import host_is, normalise
from userbot.faults import telegram_errors

HOSTS = ("t.me", "telegram.me", "telegram.dog")
#: An album has up to ten messages, whose numbers follow one another.
ALBUM_MESSAGES = 10
_CHANNEL_MARK = 10**12
_MAX_MESSAGE_ID = 2**31 - 1
_NUMBER = r"\d{1,13}"
_NAME = r"[A-Za-z]\w{2,31}"
_MESSAGE = re.compile(
    rf"/(?:s/)?(?:(?P<name>(?!(?:s|c)/){_NAME})|c/(?P<kind>[ug]?)(?P<number>{_NUMBER}))"
    rf"(?:/{_NUMBER})?/(?P<message>{_NUMBER})/?",
    re.ASCII,
)
_CHAT = re.compile(rf"/(?:s/)?(?P<name>{_NAME})/?", re.ASCII)
_INVITATION = re.compile(r"/(?:\+|joinchat/)[\w-]+/?", re.ASCII)
#: What to do with an invitation: nobody is made a member of anything by a link.
INVITED = "Join it in a Telegram app, then give its name or links of its messages."


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLink:
    """A link of a message, read."""

    #: A name without @, or a marked id (people positive, groups -id, channels -100id).
    chat: str | int
    message_id: int
    #: Only this message of its album.
    is_single: bool = False
    #: Not the message itself, but this one among its comments.
    comment_id: int | None = None

    @classmethod
    def parse(cls, url: str) -> Self | None:
        """The reverse of `str`, for any spelling; None for links that name no message."""
        try:
            parts = urlsplit(normalise(url))
        except InvalidRequest:
            return None
        found = _MESSAGE.fullmatch(parts.path)
        if found is None or not host_is(parts.hostname or "", HOSTS):
            return None
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        message_id, comment = int(found["message"]), given.get("comment", "")
        if not 0 < message_id <= _MAX_MESSAGE_ID:
            return None
        return cls(
            chat=_chat_in(found),
            message_id=message_id,
            is_single="single" in given,
            comment_id=int(comment) if re.fullmatch(r"[0-9]{1,9}", comment) else None,
        )

    def __str__(self) -> str:
        """The link. Chats that Telegram has no links for get some of our own, which nobody else knows."""
        if isinstance(self.chat, str):
            chat = self.chat
        elif self.chat >= 0:
            chat = f"c/u{self.chat}"
        else:
            is_channel = -self.chat > _CHANNEL_MARK
            chat = f"c/{-self.chat - _CHANNEL_MARK}" if is_channel else f"c/g{-self.chat}"
        more = [f"comment={self.comment_id}"] if self.comment_id is not None else []
        more += ["single"] if self.is_single else []
        return f"https://t.me/{chat}/{self.message_id}" + ("?" + "&".join(more) if more else "")


def is_invitation(url: str) -> bool:
    """Whether a normalised link asks one to join a chat."""
    return bool(_INVITATION.fullmatch(urlsplit(url).path))


def names_chat(url: str) -> str | None:
    """The name in a normalised link of a public chat."""
    found = _CHAT.fullmatch(urlsplit(url).path)
    return found["name"] if found else None


async def peer_of(client: TelegramClient, chat: str | int) -> Any:
    """The input peer of the chat with a name or marked id. A name is asked for once, then stored.

    Raises:
        NotFound: Nobody has that name, or the account does not know that id.
        JobError, Forbidden: Telegram did not say.
    """
    try:
        with telegram_errors():
            if isinstance(chat, str):
                # Marked as a name: there are people called "me" and "self".
                return await client.get_input_entity(f"@{chat}")
            number, kind = utils.resolve_id(chat)
            return await client.get_input_entity(kind(number))
    except (ValueError, TypeError) as error:
        if isinstance(chat, str):
            raise NotFound(f"nobody on Telegram is called @{chat}", hint="Check the name.") from error
        hint = "Open the chat in a Telegram app with this account, then try again."
        raise NotFound("this account does not know that chat", hint=hint) from error


@contextmanager
def reading() -> Iterator[None]:
    """As `telegram_errors`; what the account may not see is not found."""
    try:
        with telegram_errors():
            yield
    except Forbidden as error:
        raise NotFound(error.detail, hint=error.hint) from error


async def read_message(client: TelegramClient, link: MessageLink) -> Message:
    """The message that *link* names.

    Raises:
        NotFound: It is gone, or the account may not see it.
        JobError: Telegram did not say.
    """
    message_id = link.message_id
    with reading():
        chat = await peer_of(client, link.chat)
        if link.comment_id is not None:
            chat, message_id = await _discussion(client, chat, message_id), link.comment_id
        (message,) = await _read(client, chat, [message_id])
    if message is None:
        raise NotFound("the message was deleted", hint="Check the link.")
    return message


async def _read(client: TelegramClient, chat: Any, ids: Sequence[int]) -> list[Message | None]:
    """Messages by their numbers, None for what is gone."""
    found = await client.get_messages(chat, ids=list(ids))
    return [message if isinstance(message, Message) else None for message in found]


async def read_album(client: TelegramClient, message: Message) -> list[Message]:
    """The messages of an album that *message* is part of, in their order; it alone if there is none.

    Raises what `read_message` does.
    """
    if message.grouped_id is None:
        return [message]
    first = max(1, message.id - ALBUM_MESSAGES + 1)
    with reading():
        chat = await message.get_input_chat()
        around = await _read(client, chat, range(first, message.id + ALBUM_MESSAGES))
    return [other for other in around if other is not None and other.grouped_id == message.grouped_id]


async def _discussion(client: TelegramClient, channel: Any, message_id: int) -> Any:
    """The group in which a channel's message is commented on."""
    try:
        found = await client(functions.messages.GetDiscussionMessageRequest(channel, message_id))
    except errors.MsgIdInvalidError as error:
        raise NotFound("the message has no comments", hint="Check the link.") from error
    if not found.messages:
        raise NotFound("the message has no comments", hint="Check the link.")
    number = utils.get_peer_id(found.messages[0].peer_id)
    return next(chat for chat in found.chats if utils.get_peer_id(chat) == number)


def username_of(chat: Any) -> str | None:
    """The name by which everybody finds a chat; None for those without, and for people."""
    if isinstance(chat, types.User):
        return None
    more = [each.username for each in getattr(chat, "usernames", None) or () if each.active]
    return getattr(chat, "username", None) or next(iter(more), None)


def link_of(chat: Any, message_id: int, *, is_single: bool = True) -> MessageLink:
    """The link of a message in *chat* (a user, group or channel)."""
    return MessageLink(
        chat=username_of(chat) or utils.get_peer_id(chat), message_id=message_id, is_single=is_single
    )


def is_public(link: MessageLink) -> bool:
    """Whether it is a link of Telegram's own, and not one of ours."""
    return isinstance(link.chat, str) or link.chat < -_CHANNEL_MARK


def _chat_in(found: re.Match[str]) -> str | int:
    if found["name"]:
        return found["name"]
    number = int(found["number"])
    return {"u": number, "g": -number, "": -_CHANNEL_MARK - number}[found["kind"]]
