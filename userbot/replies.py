"""Short texts and reactions below the messages that asked, each sent once however often it is tried.

Texts go out as they are: nothing in them is read as markup, and Telegram makes no preview of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from telethon import TelegramClient, errors
from telethon.tl import functions, types

from core.domain.errors import NotFound
from core.domain.job import ReplyTo
from userbot.faults import telegram_errors

#: Telegram's longest text, in UTF-16 units.
MAX_UNITS = 4096
#: What our texts begin with: by it they are known again in a chat's history.
WORKING, DONE, FAILED, INFO = "\u23f3", "\u2705", "\u274c", "\u2139"
MARKS = (WORKING, DONE, FAILED, INFO)
_UNCHANGEABLE = (
    errors.MessageIdInvalidError,
    errors.MessageAuthorRequiredError,
    errors.MessageEditTimeExpiredError,
)
_NOTHING_TO_ANSWER = "REPLY_MESSAGE_ID_INVALID"
#: How far back an answer of ours is looked for.
_RECENT = 100


def random_id(account_id: int, place: ReplyTo, purpose: str) -> int:
    """The same number for the same text every time, so that Telegram takes a repetition for one."""
    name = f"{account_id}:{place.chat_id}:{place.message_id}:{purpose}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1 or 1


class Replies:
    """Writes below messages. All methods raise what `telegram_errors` does, and NotFound for lost chats."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._me: Any = None

    async def send(
        self, place: ReplyTo, text: str, *, purpose: str, entities: Sequence[Any] = ()
    ) -> int | None:
        """Answer a message; the answer's number, None where there is none or Telegram does not tell.

        Args:
            place: The message; one that is gone is not answered. Number 0 answers none.
            text: Cut to what Telegram takes.
            purpose: One answer for each purpose is ever sent.
            entities: What is bold or code in it.
        """
        number = random_id(await self._account_id(), place, purpose)
        peer = await peer_of(self._client, place.chat_id)
        with telegram_errors():
            try:
                return await self._send(peer, place, text, number, entities)
            except errors.RandomIdDuplicateError:
                return await self._sent_before(peer, place, text)

    async def _send(
        self, peer: Any, place: ReplyTo, text: str, number: int, entities: Sequence[Any]
    ) -> int | None:
        # Posts of "General" stand in no topic.
        topic = place.topic_id if place.topic_id and place.topic_id > 1 else None
        text, entities = _fitting(text, entities)
        request = functions.messages.SendMessageRequest(
            peer,
            text,
            no_webpage=True,
            silent=True,
            random_id=number,
            entities=list(entities),
            reply_to=types.InputReplyToMessage(place.message_id, top_msg_id=topic)
            if place.message_id
            else None,
        )
        try:
            answer = await self._client(request)
        except errors.BadRequestError as error:
            if error.message != _NOTHING_TO_ANSWER:
                raise
            return None
        return _number_in(answer, number)

    async def _sent_before(self, peer: Any, place: ReplyTo, text: str) -> int | None:
        """Telegram says that it has the text already, but not where."""
        if (await self._client.get_me()).bot:
            return None
        async for message in self._client.iter_messages(peer, limit=_RECENT, min_id=place.message_id):
            if message.out and message.reply_to_msg_id == place.message_id and message.message == text:
                return int(message.id)
        return None

    async def edit(self, chat_id: int, message_id: int, text: str, *, entities: Sequence[Any] = ()) -> bool:
        """Change a text of ours; False when it is not there any more, or too old to be changed."""
        peer = await peer_of(self._client, chat_id)
        text, entities = _fitting(text, entities)
        with telegram_errors():
            try:
                await self._client(
                    functions.messages.EditMessageRequest(
                        peer, message_id, message=text, no_webpage=True, entities=list(entities)
                    )
                )
            except errors.MessageNotModifiedError:
                pass
            except _UNCHANGEABLE:
                return False
        return True

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Take a text of ours away."""
        peer = await peer_of(self._client, chat_id)
        with telegram_errors():
            await self._client.delete_messages(peer, [message_id])

    async def react(self, place: ReplyTo, emojis: Sequence[str]) -> bool:
        """Set our reaction to a message, none for no *emojis*; False where the chat does not allow it."""
        peer = await peer_of(self._client, place.chat_id)
        chosen = [types.ReactionEmoji(emoji) for emoji in emojis]
        with telegram_errors():
            try:
                await self._client(
                    functions.messages.SendReactionRequest(peer, place.message_id, reaction=chosen)
                )
            except (errors.ReactionInvalidError, errors.ReactionEmptyError, errors.ReactionsTooManyError):
                return False
            except errors.MessageNotModifiedError:
                pass
        return True

    async def _account_id(self) -> int:
        if self._me is None:
            with telegram_errors():
                self._me = await self._client.get_me(input_peer=True)
        return int(self._me.user_id)


async def peer_of(client: TelegramClient, chat_id: int) -> Any:
    """The chat with this marked id as requests name it. Raises NotFound for one that was never seen."""
    with telegram_errors():
        try:
            return await client.get_input_entity(chat_id)
        except ValueError as error:
            raise NotFound(f"this account does not know chat {chat_id}") from error


def _fitting(text: str, entities: Sequence[Any]) -> tuple[str, list[Any]]:
    """As much of a text as Telegram takes: marks upon marks are many units in few cells."""
    cut = text.encode("utf-16-le")[: 2 * MAX_UNITS].decode("utf-16-le", "ignore")
    return cut, [one for one in entities if one.offset + one.length <= MAX_UNITS]


def _number_in(answer: Any, number: int) -> int | None:
    """The number that a text got, as the answer to sending it says."""
    if isinstance(answer, types.UpdateShortSentMessage):
        return int(answer.id)
    for update in getattr(answer, "updates", ()):
        if isinstance(update, types.UpdateMessageID) and update.random_id == number:
            return int(update.id)
    return None
