"""One message with a file, sent exactly once, under the message that asked.

https://core.telegram.org/method/messages.sendMedia
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from telethon import TelegramClient, errors
from telethon.tl import functions, types

from core.domain.delivery import Delivery
from core.domain.errors import FloodWait, Forbidden, NotFound, Unknown
from userbot.delivery.captions import Caption
from userbot.faults import answered

#: An account that Telegram takes for a spammer sends nothing for so long.
SPAMMER_REST_S = 3600.0
#: How far back a message of ours is looked for, in all messages of its chat.
RECENT = 300
#: "General", the topic of a forum that is not named in replies.
_GENERAL = 1

_FLOODS = (errors.FloodWaitError, errors.FloodPremiumWaitError)
#: What a stored file is refused with that can be sent by an upload.
_UNUSABLE = (
    errors.FileReferenceExpiredError,
    errors.FileReferenceInvalidError,
    errors.FileReferenceEmptyError,
    errors.MediaEmptyError,
    errors.MediaInvalidError,
    errors.DocumentInvalidError,
    errors.ChatForwardsRestrictedError,
)
#: Phones ring for the first answer to a message, and for others no sooner than this: lists are long.
RING_AGAIN_S = 60.0
#: Telethon has no classes for these.
_NOBODY_ASKED = frozenset({"REPLY_MESSAGE_ID_INVALID", "REPLY_TO_INVALID"})
_TOPIC_CLOSED = "TOPIC_CLOSED"
#: To make a file of its parts may take Telegram a while.
_MAKING_S = 180.0


class PartLostError(Exception):
    """Telegram does not have a part of the upload (any more), or nothing of it."""

    def __init__(self, index: int, *, is_all: bool = False) -> None:
        super().__init__(index)
        self.index = index
        self.is_all = is_all


class AlreadyThereError(Exception):
    """Telegram says that this message was sent before."""


class TakenForSpammer(Forbidden):
    """Telegram lets this account send nothing to strangers for some hours."""


class TopicForbidden(Forbidden):
    """One topic of a forum takes nothing; others may."""


class DocumentRefusedError(Exception):
    """Telegram does not send this stored file again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is there."""

    message_id: int
    document_id: int | None


class Sender:
    """Sends files, one call at a time: whoever comes while Telegram wants us to wait, waits as well.

    Args:
        client: Connected and logged in.
        is_bot: Bots cannot read what they have sent.
    """

    def __init__(self, client: TelegramClient, *, is_bot: bool) -> None:
        self._client = client
        self._is_bot = is_bot
        self._turn = asyncio.Lock()
        self._rest_until = 0.0
        #: When phones rang last, by chat and the message that was answered.
        self._rang_at: dict[tuple[int, int | None], float] = {}

    @property
    def wait_s(self) -> float:
        """Seconds until Telegram lets the account send again; 0 when it does."""
        return max(0.0, self._rest_until - time.monotonic())

    async def send(self, delivery: Delivery, media: Any, caption: Caption) -> Sent:
        """Send *media* as the answer of a delivery. A repetition is the first message again.

        Raises:
            AlreadyThereError: Telegram does not say it is the first message, but it is.
            PartLostError: Of an upload.
            DocumentRefusedError: Of a stored file.
            FloodWait, NetworkFailure, Stalled, SessionLost, Forbidden, NotFound, Unknown: As they say.
        """
        peer = await input_peer(self._client, delivery.chat_id)
        request = functions.messages.SendMediaRequest(
            peer,
            media,
            caption.text,
            random_id=delivery.random_id,
            reply_to=_asked(delivery),
            entities=list(caption.entities),
        )
        async with self._turn, answered(_MAKING_S):
            request.silent = not self._may_ring(delivery)
            return await self._call(request, delivery)

    def _may_ring(self, delivery: Delivery) -> bool:
        now, place = time.monotonic(), (delivery.chat_id, delivery.reply_to)
        self._rang_at = {key: at for key, at in self._rang_at.items() if now - at < RING_AGAIN_S}
        if delivery.reply_to is not None and place in self._rang_at:
            return False
        self._rang_at[place] = now
        return True

    async def _call(self, request: Any, delivery: Delivery) -> Sent:
        if (wait_s := self.wait_s) > 0:
            raise FloodWait(f"for {wait_s:.0f} s", retry_after_s=wait_s)
        try:
            return await self._answered(request, delivery)
        except errors.RandomIdDuplicateError as error:
            raise AlreadyThereError from error
        except _FLOODS as error:
            self._rest_until = time.monotonic() + error.seconds
            raise
        except errors.PeerFloodError as error:
            self._rest_until = time.monotonic() + SPAMMER_REST_S
            raise TakenForSpammer(
                "Telegram limits what this account may send, as it does with spammers",
                hint="Ask @SpamBot in Telegram what is wrong, then send it again.",
            ) from error
        except (errors.FilePartMissingError, errors.FilePart0MissingError) as error:
            raise PartLostError(getattr(error, "which", 0)) from error
        except errors.Md5ChecksumInvalidError as error:
            raise PartLostError(0) from error  # One of them is not what we sent.
        except _UNUSABLE as error:
            if isinstance(request.media, types.InputMediaDocument):
                raise DocumentRefusedError from error
            raise
        except errors.FilePartsInvalidError as error:
            raise PartLostError(0, is_all=True) from error

    async def _answered(self, request: Any, delivery: Delivery) -> Sent:
        try:
            return _sent_in(await self._client(request), delivery.random_id)
        except errors.BadRequestError as error:
            if isinstance(error, errors.TopicDeletedError):
                raise TopicForbidden("that topic was deleted") from error
            if error.message == _TOPIC_CLOSED:
                raise TopicForbidden("that topic is closed") from error
            if not isinstance(error, errors.MsgIdInvalidError) and error.message not in _NOBODY_ASKED:
                raise
        # Who asked has deleted the message; the file goes where it stood.
        topic = delivery.topic_id
        request.reply_to = types.InputReplyToMessage(topic) if topic and topic > _GENERAL else None
        return _sent_in(await self._client(request), delivery.random_id)

    async def find(
        self,
        delivery: Delivery,
        caption: Caption,
        *,
        size_bytes: int | None = None,
        others: Collection[int] = (),
    ) -> Sent | None:
        """The message that an earlier try has sent without our hearing of it.

        Telegram knows a `random_id` again for some time only, so before another try one looks.

        Args:
            delivery: Whose message it would be.
            caption: What it would say.
            size_bytes: How large its file would be.
            others: Messages of other deliveries.

        Raises:
            FloodWait, NetworkFailure, SessionLost, Forbidden, NotFound, Unknown: As they say.
        """
        if self._is_bot:
            return None
        peer = await input_peer(self._client, delivery.chat_id)
        async with answered():
            async for message in self._client.iter_messages(
                peer, limit=RECENT, min_id=delivery.reply_to or 0
            ):
                document = message.document
                if (
                    document is not None
                    and (message.out or message.post)
                    and message.id not in others
                    and message.message == caption.text.strip()
                    # Where who asked has deleted the message, ours answers the topic or nothing.
                    and message.reply_to_msg_id in {delivery.reply_to, delivery.topic_id, None}
                    and size_bytes in {document.size, None}
                ):
                    return Sent(message.id, document.id)
        return None


async def input_peer(client: TelegramClient, chat_id: int) -> Any:
    """A chat as calls name it.

    Raises:
        NotFound: The account has never met it.
        FloodWait, NetworkFailure, SessionLost, Forbidden, Unknown: As they say.
    """
    async with answered():
        try:
            return await client.get_input_entity(chat_id)
        except ValueError as error:
            raise NotFound(f"this account does not know chat {chat_id}") from error


def _asked(delivery: Delivery) -> types.InputReplyToMessage | None:
    """Where the answer goes: below the message that asked, in its topic."""
    topic = delivery.topic_id
    if topic is None or topic <= _GENERAL or topic == delivery.reply_to:
        topic = None
    if delivery.reply_to:
        return types.InputReplyToMessage(delivery.reply_to, top_msg_id=topic)
    return types.InputReplyToMessage(topic) if topic else None


def _sent_in(answer: Any, random_id: int) -> Sent:
    """The message that an answer to a send tells of."""
    if isinstance(answer, types.UpdateShortSentMessage):
        return Sent(answer.id, _document_id(answer))
    updates = getattr(answer, "updates", ())
    named = (each for each in updates if isinstance(each, types.UpdateMessageID))
    number = next((each.id for each in named if each.random_id == random_id), None)
    if number is None:
        raise Unknown("Telegram's answer to a send names no message")
    for update in updates:
        is_new = isinstance(update, types.UpdateNewMessage | types.UpdateNewChannelMessage)
        if is_new and update.message.id == number:
            return Sent(number, _document_id(update.message))
    return Sent(number, None)


def _document_id(message: Any) -> int | None:
    document = getattr(getattr(message, "media", None), "document", None)
    return None if document is None else int(document.id)
