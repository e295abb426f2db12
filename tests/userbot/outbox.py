"""What tests of delivery share: a watched group, somebody who asks, and the outbox at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.delivery import Delivery, DeliveryState
from core.domain.job import ReplyTo, Request
from core.engine.engine import Engine
from tests.fakes.media import audio_mp3, made_once, ready_mp4
from tests.fakes.origin import Origin
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import Where
from tests.fakes.telegram.state import Account, Chat, Post
from tests.userbot.conftest import marked
from userbot.delivery.loop import Deliveries
from userbot.transfer.upload import PART_BYTES

FINAL = tuple(state for state in DeliveryState if state.is_final)
#: Of the large film.
PARTS = 24
SEND, SMALL_PART, BIG_PART = "messages.sendMedia", "upload.saveFilePart", "upload.saveBigFilePart"


def clip(padding_bytes: int = 0) -> bytes:
    """A film that is kept and sent as it is, with what players ignore behind it."""
    return made_once(ready_mp4, "ready.mp4").read_bytes() + bytes(padding_bytes)


@dataclass(slots=True)
class Outbox:
    """An account's client, a group, and the engine whose deliveries go out."""

    telegram: FakeTelegram
    client: TelegramClient
    engine: Engine
    me: types.User
    account: Account
    friend: Account
    group: Chat

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Deliveries go out meanwhile."""
        task = asyncio.create_task(
            Deliveries(
                client=self.client, engine=self.engine, settings=self.engine.settings, me=self.me
            ).run()
        )
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def restart(self, settings: Settings | None = None) -> None:
        """Another engine on the same data, as after a crash: what was on its way is not put away."""
        await self.engine.stop()
        self.engine = Engine(settings or self.engine.settings)
        await self.engine.start()

    @property
    def topic(self) -> int:
        """The group's topic beside "General"."""
        return next(number for number, title in self.group.topics.items() if title == "Talks")

    def asked(self, link: str, where: Where | None = None, *, topic: int = 0) -> tuple[Post, ReplyTo]:
        """The friend's message with a link, and what names it to us."""
        where = where or self.group
        post = self.telegram.post(self.friend, where, link, topic=topic)
        number = post.numbers.get(0) or post.numbers[self.account.id]
        chat = self.friend if where is self.account else where
        return post, ReplyTo(marked(chat), number, topic or None)

    async def take(self, link: str, reply: ReplyTo, **options: Any) -> int:
        """The id of the job that answers a message."""
        (taken,) = await self.engine.take_links([Request(url=link, reply=reply, **options)])
        assert not isinstance(taken, Exception), taken
        return taken.job.id

    async def until(self, job_id: int, *states: DeliveryState) -> Sequence[Delivery]:
        """A job's deliveries, once each of them is in one of *states*."""
        async with asyncio.timeout(20):
            async for _ in self.engine.stream():
                found = await self.engine.deliveries_of(job_id=job_id)
                if found and all(each.state in states for each in found):
                    return found
        raise AssertionError("the stream ended")

    async def parked(self, job_id: int) -> Delivery:
        """A job's only delivery, once it waits for another try."""
        async with asyncio.timeout(20):
            async for _ in self.engine.stream():
                (found,) = await self.engine.deliveries_of(job_id=job_id)
                if found.state is DeliveryState.READY and found.not_before is not None:
                    return found
                assert not found.state.is_final, found
        raise AssertionError("the stream ended")

    async def deliver(self, link: str, reply: ReplyTo) -> Delivery:
        """Ask, and wait for what becomes of it."""
        job_id = await self.take(link, reply)
        found = await self.until(job_id, *FINAL)
        return next(each for each in reversed(found) if each.reply_to == reply.message_id)

    def answers(self, where: Where | None = None) -> list[Post]:
        """Our messages in a chat, oldest first."""
        found = self.telegram.posts(self.account, where or self.group)
        return [post for post in found if post.sender == self.account.id]

    def uploads(self) -> int:
        """Parts that were sent so far, thumbnails included."""
        return self.telegram.counts[SMALL_PART] + self.telegram.counts[BIG_PART]


@pytest.fixture
async def outbox(
    telegram: FakeTelegram,
    client: TelegramClient,
    engine: Engine,
    me: types.User,
    account: Account,
    friend: Account,
) -> AsyncIterator[Outbox]:
    """All of it; the group is a forum with a topic "Talks"."""
    group = telegram.add_supergroup("Films", account, friend, topics=["Talks"])
    await client.get_dialogs()
    made = Outbox(telegram, client, engine, me, account, friend, group)
    yield made
    if made.engine is not engine:
        await made.engine.stop()


@pytest.fixture
def large(origin: Origin) -> str:
    """A film of so many parts."""
    origin.put("/large.mp4", clip(PARTS * PART_BYTES - len(clip())))
    return origin.url("/large.mp4")


@pytest.fixture
def song(origin: Origin) -> str:
    """Some sound."""
    origin.put("/song.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    return origin.url("/song.mp3")


async def once(outbox: Outbox, job_id: int) -> Delivery:
    """The job's file goes out in the end, as one message."""
    async with outbox.sending():
        (delivery,) = await outbox.until(job_id, *FINAL)
    assert delivery.state is DeliveryState.SENT, delivery.error_message
    (answer,) = outbox.answers()
    assert answer.numbers[0] == delivery.message_id
    assert outbox.telegram.file_id(answer) == delivery.document_id
    return delivery
