"""What a client missed is told when it comes back."""

from __future__ import annotations

import asyncio

import pytest
from telethon import events
from telethon.tl import functions, types

from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import State


@pytest.fixture
async def tg(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


@pytest.fixture
async def alice_and_bob(tg, tmp_path):
    """Bob was online once and knows the supergroup; his session file is at the path."""
    alice, bob = tg.add_user("Alice"), tg.add_user("Bob")
    chat = tg.add_supergroup("Super", alice, bob)
    path = tmp_path / "bob.session"
    client = tg.client(path)
    await tg.log_in(client, bob)
    await client.get_dialogs()
    await client.disconnect()
    return alice, bob, chat, path


async def returning(tg, path, expected):
    """Texts that a client which catches up is told of, in the order of their numbers."""
    client = tg.client(path, catch_up=True)
    heard: asyncio.Queue = asyncio.Queue()
    client.add_event_handler(heard.put, events.NewMessage())
    await client.connect()
    async with asyncio.timeout(15):
        texts = [(await heard.get()).raw_text for _ in range(expected)]
    await client.disconnect()
    assert heard.empty()
    return texts


async def test_private_and_channel_messages_of_an_absence_come_once_after_a_restart(tg, alice_and_bob):
    alice, bob, chat, path = alice_and_bob
    for number in range(250):
        tg.post(alice, bob, f"p{number}")
        tg.post(alice, chat, f"c{number}")
    await tg.restart()
    texts = await returning(tg, path, 500)
    assert sorted(texts) == sorted(f"{kind}{number}" for kind in "pc" for number in range(250))
    assert tg.counts["updates.getDifference"] >= 3
    assert tg.counts["updates.getChannelDifference"] >= 3


async def test_a_difference_that_is_too_long_leaves_messages_to_the_history(tg, alice_and_bob):
    alice, bob, chat, path = alice_and_bob
    tg.too_long_after = 5
    for number in range(10):
        tg.post(alice, chat, f"{number}")
        tg.post(alice, bob, f"{number}")
    client = tg.client(path)
    await client.connect()
    peers = {dialog.name: dialog.input_entity for dialog in await client.get_dialogs()}
    now = await client(functions.updates.GetStateRequest())
    difference = await client(functions.updates.GetDifferenceRequest(pts=1, date=now.date, qts=0))
    assert isinstance(difference, types.updates.DifferenceTooLong)
    everything = types.ChannelMessagesFilterEmpty()
    ask = functions.updates.GetChannelDifferenceRequest(peers["Super"], everything, 1, 100)
    difference = await client(ask)
    assert isinstance(difference, types.updates.ChannelDifferenceTooLong)
    assert difference.messages[0].message == "9"
    assert len(await client.get_messages(peers["Alice"], limit=None)) == 10
    await client.disconnect()


async def test_a_lost_push_is_made_good_by_the_difference(tg, alice_and_bob):
    alice, bob, _, path = alice_and_bob
    client = tg.client(path)
    heard: asyncio.Queue = asyncio.Queue()
    client.add_event_handler(heard.put, events.NewMessage())
    await client.connect()
    await client.get_me()
    tg.lost_pushes = 1
    tg.post(alice, bob, "lost")
    tg.post(alice, bob, "heard")
    async with asyncio.timeout(10):
        assert {(await heard.get()).raw_text, (await heard.get()).raw_text} == {"lost", "heard"}
    await client.disconnect()


async def test_the_state_is_the_same_after_being_written_and_read(tg, alice_and_bob):
    alice, bob, chat, _ = alice_and_bob
    post = tg.post(alice, chat, "https://x.example", file=b"data", mime_type="video/mp4")
    tg.react(bob, post, "👍")
    tg.edit(post, "https://y.example")
    text = tg.state.to_json()
    assert State.from_json(text).to_json() == text
    await tg.restart()
    assert tg.posts(alice, chat)[0].reactions == {"👍": [bob.id]}
