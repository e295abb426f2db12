"""Chats that are read: what tests of intake share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from telethon import events

from core.domain.chat import ChatMode, ChatRules
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from tests.userbot.conftest import marked
from userbot.intake import Intake


class Told:
    """Stands where feedback does: what was refused is all that these tests want of it."""

    def __init__(self, engine):
        self._engine = engine
        self.refusals = asyncio.Queue()

    async def wake(self, reply_to):
        told = await self._engine.acknowledgement(reply_to)
        if told and told.refused:
            await self._engine.acknowledge(told)
            await self.refusals.put((reply_to, told.refused))


@pytest.fixture
async def engine(make_settings):
    """Jobs are stored and do not run."""
    made = Engine(make_settings(limits={"quiet_hours": "00:00-23:59"}))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def told(engine):
    return Told(engine)


@asynccontextmanager
async def reading_with(client, engine, told, **options):
    """Messages that a client hears are taken meanwhile, as the userbot's crew hands them on."""
    me = await client.get_me()
    intake = Intake(client=client, engine=engine, settings=engine.settings, me=me, feedback=told, **options)

    async def on_new(event):
        await intake.on_message(event.message, is_edit=False)

    async def on_edit(event):
        await intake.on_message(event.message, is_edit=True)

    client.add_event_handler(on_new, events.NewMessage())
    client.add_event_handler(on_edit, events.MessageEdited())
    task = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        client.remove_event_handler(on_new)
        client.remove_event_handler(on_edit)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def reading(client, engine, told):
    """`async with reading() as intake`: the account's messages are taken meanwhile."""
    return partial(reading_with, client, engine, told)


@pytest.fixture
async def group(telegram, client, account, friend, engine):
    """A watched supergroup that was never read."""
    chat = telegram.add_supergroup("Films", account, friend)
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(chat), mode=ChatMode.AUTO))
    return chat


@pytest.fixture
def unheard(client):
    """`await unheard(post)`: its update has come and gone, and nobody listened."""
    told_of: asyncio.Queue = asyncio.Queue()
    client.add_event_handler(told_of.put, events.NewMessage())

    async def gone(post):
        while (await told_of.get()).raw_text != post.text:
            pass

    return gone


def link(number):
    return f"https://films.example/{number}.mp4"


async def jobs(engine, count, chat=None):
    """The jobs, the oldest first, once there are *count*."""
    async for _ in engine.stream():
        page = await engine.jobs(JobQuery(limit=2000, chat_id=chat and marked(chat)))
        assert len(page.items) <= count
        if len(page.items) == count:
            return list(page.items)[::-1]
    raise AssertionError("the stream ended")


@pytest.fixture
def cursor(engine):
    """`await cursor(chat, 5)`: the chat was read that far; it says how far."""
    stored = asyncio.Event()
    note = engine.note_read

    async def note_read(cursors, refused):
        await note(cursors, refused)
        stored.set()

    engine.note_read = note_read

    async def until_read(chat, at_least):
        while True:
            row = next(each for each in await engine.chat_rules() if each.chat_id == marked(chat))
            if row.last_message_id is not None and row.last_message_id >= at_least:
                return row.last_message_id
            stored.clear()
            await stored.wait()

    return until_read
