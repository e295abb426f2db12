"""A group in which links are posted and told of: what tests of feedback share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from telethon import TelegramClient

from core.domain.chat import ChatMode, ChatRules
from core.domain.job import JobStatus, ReplyTo, Request
from core.engine.engine import Engine
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Account, Chat
from tests.userbot.conftest import marked, until
from userbot.feedback import FeedbackDesk
from userbot.standing import refusal_text

REACT, SEND, EDIT = "messages.sendReaction", "messages.sendMessage", "messages.editMessage"


@pytest.fixture
async def engine(make_settings, request):
    """Jobs wait until a test lets them run, unless it says otherwise."""
    limits = getattr(request, "param", {"quiet_hours": "00:00-23:59"})
    made = Engine(make_settings(limits=limits, retries={"max_retries": 0}))
    await made.start()
    made.told, acknowledge = asyncio.Event(), made.acknowledge

    async def acknowledging(told):
        await acknowledge(told)
        made.told.set()

    made.acknowledge = acknowledging
    yield made
    await made.stop()


@dataclass
class Scene:
    """A group, what people do there, and what becomes visible."""

    telegram: FakeTelegram
    engine: Engine
    client: TelegramClient
    account: Account
    friend: Account
    group: Chat

    @asynccontextmanager
    async def telling(self, **options):
        """Messages are kept told meanwhile."""
        options = {"gap_s": 0.0, "edit_interval_s": 0.0} | options
        desk = FeedbackDesk(client=self.client, engine=self.engine, **options)
        task = asyncio.create_task(desk.run())
        try:
            yield desk
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def tell_by(self, feedback, mode=ChatMode.AUTO):
        """The group's rules."""
        await self.engine.set_chat(ChatRules(chat_id=marked(self.group), mode=mode, feedback=feedback))

    async def ask(self, link, *, post=None, where=None, topic=0):
        """Somebody posts a link and it is taken."""
        where = where or self.group
        post = post or self.telegram.post(self.friend, where, link, topic=topic)
        reply = ReplyTo(marked(where), post.numbers[0], topic or None)
        request = Request(url=link, chat_id=reply.chat_id, reply=reply)
        (answer,) = await self.engine.take_links([request])
        return post, answer.job

    async def refuse(self, desk, post, sentence):
        """Links of a message are not taken."""
        place = ReplyTo(marked(self.group), post.numbers[0])
        await self.engine.note_read({}, {place: refusal_text([sentence])})
        await desk.wake(place)

    async def finish(self, job, *, is_sent=True):
        """It runs to its end, and its file is said to be sent."""
        await self.engine.retry(job.id)
        await until(self.engine, job.id, JobStatus.COMPLETED)
        await self.deliver(job, is_sent=is_sent)

    async def deliver(self, job, *, is_sent=True):
        """Its file is said to be sent."""
        for delivery in await self.engine.deliveries_of(job_id=job.id):
            if not delivery.state.is_final:
                await self.engine.begin_delivery(delivery.id)
                await self.engine.end_delivery(delivery.id, message_id=9999 if is_sent else None)

    async def fail(self, job):
        """It runs and fails."""
        await self.engine.retry(job.id)
        await until(self.engine, job.id, JobStatus.FAILED)

    async def reacted(self, post, emoji):
        """The account's reaction is this one; None for none."""

        def holds():
            reactions = self.telegram.state.posts[post.uid].reactions
            mine = [one for one, people in reactions.items() if self.account.id in people]
            return mine == ([emoji] if emoji else [])

        await self.telegram.until(holds)

    async def settled(self):
        """All that there was to tell was told."""
        async with asyncio.timeout(15):
            while await self.engine.unsettled_messages():
                self.engine.told.clear()
                await self.engine.told.wait()

    def texts(self):
        """What the account has written."""
        posts = self.telegram.posts(self.account, self.group)
        return [post for post in posts if post.sender == self.account.id]


@pytest.fixture
async def scene(telegram, engine, client, account, friend):
    group = telegram.add_supergroup("Films", account, friend, topics=["Talks"])
    await client.get_dialogs()
    return Scene(telegram, engine, client, account, friend, group)
