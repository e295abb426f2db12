"""What Reeldeck itself says in chats: it is read there like anything else, and asks for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.domain.delivery import Delivery, DeliveryState
from core.domain.job import ReplyTo
from core.domain.messenger import MessengerInterface
from core.links.identify import identify
from userbot.replies import INFO, MARKS

#: So many deliveries are looked at for one that answers a message which is gone.
LATEST = 100
_ON_ITS_WAY = frozenset({DeliveryState.READY, DeliveryState.SENDING})


class Answers:
    """Tells answers from requests, by what *engine* has sent."""

    def __init__(self, engine: MessengerInterface) -> None:
        self._engine = engine

    async def holds(self, message: Any) -> bool:
        """Whether we have sent *message*: the account's owner types messages too, and these count."""
        if not message.out:
            return False
        asked = message.reply_to_msg_id
        if (message.message or "").startswith(MARKS if asked else INFO):
            return True
        if message.file is None:
            return False
        answers = await self._to(message)
        # One that is on its way may have been sent just before the engine was killed.
        if any(each.message_id == message.id or each.state in _ON_ITS_WAY for each in answers):
            return True
        # What answers a message that was deleted answers none any more.
        return bool(await self._sent_as(message.chat_id, message.id))

    async def without_repeated(self, message: Any, links: list[str]) -> list[str]:
        """*links* without those that the answer of another Reeldeck repeats.

        Its captions and texts name what it was asked for: two in one chat would answer each other for ever.
        """
        asked = message.reply_to_msg_id
        is_answer = asked and (message.file is not None or (message.message or "").startswith(MARKS))
        if not links or not is_answer:
            return links
        answered = [*await self._to(message), *await self._sent_as(message.chat_id, asked)]
        known: set[str | None] = set()
        for job_id in {each.job_id for each in answered}:
            job = await self._engine.job(job_id)
            known |= {job.url, job.media_id}
        return [link for link in links if not {link, str(identify(link))} & known]

    async def _to(self, message: Any) -> Sequence[Delivery]:
        """What answers the message that this one answers."""
        asked = message.reply_to_msg_id
        return await self._engine.deliveries_of(reply_to=ReplyTo(message.chat_id, asked)) if asked else ()

    async def _sent_as(self, chat_id: int, message_id: int) -> list[Delivery]:
        """The delivery that became this message, if it was among the last of its chat."""
        latest = await self._engine.deliveries(chat_id=chat_id, limit=LATEST)
        return [each for each in latest.items if each.message_id == message_id]
