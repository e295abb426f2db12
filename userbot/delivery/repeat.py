"""Files that Telegram has from an earlier delivery: sent again by reference, without an upload.

A reference is good for some time only (https://core.telegram.org/api/file_reference), so the message
that has the file is read again each time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from telethon import TelegramClient
from telethon.tl import types

from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import Forbidden, NotFound, Unknown
from core.domain.job import Job
from core.domain.messenger import MessengerInterface
from userbot.delivery.send import input_peer
from userbot.faults import answered

#: Messages that are looked at before the file is rather uploaded.
_LOOKED_AT = 3
_SENT = DeliveryState.SENT


class Repeats:
    """Knows what was sent before."""

    def __init__(self, client: TelegramClient, engine: MessengerInterface) -> None:
        self._client = client
        self._engine = engine

    async def parts_of_old(self, job: Job) -> int | None:
        """In how many parts a job's file was sent before, all of them; None if it was not."""
        for earlier in await self._engine.sent_before(job, 0):
            parts = await self._parts(earlier)
            if len(parts) > 1 and all(part.state is DeliveryState.SENT for part in parts):
                return len(parts)
        return None

    async def documents(
        self, job: Job, part_index: int, *, parts: int
    ) -> AsyncIterator[types.InputMediaDocument]:
        """The stored files that hold this part of a job's file, cut into so many, the newest first.

        Raises:
            FloodWait, NetworkFailure, SessionLost: As they say.
        """
        for earlier in (await self._engine.sent_before(job, part_index))[:_LOOKED_AT]:
            if len(await self._parts(earlier)) != parts:
                continue
            document = await self._document(earlier)
            # A whole file must be as large as ours: Telegram could have made another one of it.
            if document is None or (parts == 1 and document.size != job.size_bytes):
                continue
            stored = types.InputDocument(document.id, document.access_hash, document.file_reference)
            yield types.InputMediaDocument(stored)

    async def _parts(self, earlier: Delivery) -> Sequence[Delivery]:
        """All parts of the file that went out with this one."""
        return parts_with(earlier, await self._engine.deliveries_of(job_id=earlier.job_id))

    async def _document(self, earlier: Delivery) -> types.Document | None:
        try:
            peer = await input_peer(self._client, earlier.chat_id)
            async with answered():
                message = await self._client.get_messages(peer, ids=earlier.message_id)
        except (Forbidden, NotFound, Unknown):
            return None  # We are not in that chat any more.
        document = message.document if message is not None else None
        return document if document is not None and document.id == earlier.document_id else None


def parts_with(one: Delivery, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those of a job's *deliveries* that answer the same message as *one*: the parts of one file.

    What answers nothing can have gone to the same chat before: of each part, one that was sent stands for
    all.
    """
    place = (one.chat_id, one.reply_to, one.topic_id)
    same = [each for each in deliveries if (each.chat_id, each.reply_to, each.topic_id) == place]
    parts = {each.part_index: each for each in sorted(same, key=lambda each: each.state is _SENT)}
    return [parts[index] for index in sorted(parts)]
