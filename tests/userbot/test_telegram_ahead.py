"""Messages and small files that are fetched before their jobs come: fewer calls, and the same files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl import types

from core.domain.errors import JobError
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Account, Chat, Post
from userbot import ahead as ahead_module
from userbot.ahead import Ahead, is_protected
from userbot.media import media_of
from userbot.messages import MessageLink, read_message
from userbot.transfer.window import Window

CALL = "channels.getMessages"


@pytest.fixture
async def chat(telegram: FakeTelegram, account: Account, friend: Account, client: TelegramClient) -> Chat:
    group = telegram.add_supergroup("Lectures", friend, account, username="lectures")
    await client.get_dialogs()
    return group


@pytest.fixture
def post(telegram: FakeTelegram, friend: Account, chat: Chat) -> Callable[..., MessageLink]:
    """The link of a message with a small file, which says which it is."""

    def send(text: str = "", size: int = 100, **fields: Any) -> MessageLink:
        sound = [types.DocumentAttributeAudio(5)]
        data = text.encode().ljust(size, b".")
        sent: Post = telegram.post(
            friend, chat, text, file=data, mime_type="audio/mpeg", attributes=sound, **fields
        )
        return MessageLink(chat="lectures", message_id=sent.numbers[0], is_single=True)

    return send


async def fetched(ahead: Ahead, client: TelegramClient, link: MessageLink, window: Window) -> bytes | None:
    message, _ = await ahead.read(client, link)
    ahead.take(link)
    media = media_of(message)
    assert media is not None
    return await ahead.file(client, window, link, media)


@pytest.mark.parametrize("step", [1, -1])
async def test_messages_that_follow_one_another_are_read_together(telegram, client, post, step):
    links = [post(f"{number}") for number in range(60)][::step]
    ahead = Ahead()
    texts = [(await ahead.read(client, link))[0].message for link in links]
    assert texts == [f"{number}" for number in range(60)][::step]
    assert telegram.counts[CALL] == 2


async def test_messages_that_are_far_apart_or_of_another_kind_are_read_alone(telegram, client, post):
    first, *_, last = [post(f"{number}") for number in range(120)]
    ahead = Ahead()
    for link in (last, first, MessageLink(chat="lectures", message_id=first.message_id + 1)):
        await ahead.read(client, link)
        assert ahead.take(last) is None
    assert telegram.counts[CALL] == 3


async def test_what_is_gone_from_among_them_is_told_of_its_own_job(telegram, client, chat, friend, post):
    links = [post(f"{number}") for number in range(4)]
    telegram.delete(telegram.posts(friend, chat)[1])
    ahead = Ahead()
    await ahead.read(client, links[0])
    with pytest.raises(JobError, match="deleted"):
        await ahead.read(client, links[1])
    assert (await ahead.read(client, links[2]))[0].message == "2"


async def test_an_album_is_known_where_all_of_it_was_read(client, post):
    links = [post("before"), post("one", album=7), post("", album=7), *[post(f"{n}") for n in range(3)]]
    ahead = Ahead()
    for link in (links[0], links[1]):
        message, album = await ahead.read(client, link)
    # It begins where the page does: there may be more of it.
    assert (message.message, list(album)) == ("one", [])
    ahead.forget()
    for link in (links[5], links[4], links[2]):
        message, album = await ahead.read(client, link)
    assert [each.message for each in album] == ["one", ""]


async def test_where_there_is_no_more_room_the_first_stay(monkeypatch, client, post):
    monkeypatch.setattr(ahead_module, "_MAX_KEPT", 3)
    links = [post(f"{number}") for number in range(5)]
    ahead = Ahead()
    messages = [await read_message(client, link) for link in links]
    for link, message in zip(links[:4], messages, strict=False):
        ahead.keep(link, message, [])
    ahead.keep(links[4], messages[4], [], is_next=True)
    assert [link for link in links if ahead.take(link) is not None] == [links[0], links[1], links[4]]


async def test_those_whose_jobs_never_come_make_room_in_the_end(monkeypatch, client, post):
    monkeypatch.setattr(ahead_module, "_MAX_KEPT", 1)
    monkeypatch.setattr(ahead_module, "_STALE_S", 0.0)
    old, new = post("old"), post("new")
    ahead = Ahead()
    for link in (old, new):
        ahead.keep(link, await read_message(client, link), [])
    assert ahead.take(old) is None
    assert ahead.take(new) is not None


async def test_small_files_are_on_their_way_before_their_jobs_come(telegram, client, post):
    links = [post(f"{number}") for number in range(20)]
    ahead, window = Ahead(), Window()
    for link in links:
        ahead.keep(link, await read_message(client, link), [])
    assert await fetched(ahead, client, links[0], window) == b"0".ljust(100, b".")
    await telegram.until(lambda: telegram.counts["upload.getFile"] == 9)
    for number, link in enumerate(links[1:], 1):
        assert await fetched(ahead, client, link, window) == f"{number}".encode().ljust(100, b".")
    assert telegram.counts["upload.getFile"] == 20


async def test_large_files_are_left_to_those_who_go_on_where_they_stopped(client, post):
    link = post("large", 600_000)
    assert await fetched(Ahead(), client, link, Window()) is None


async def test_what_did_not_come_ahead_is_asked_for_by_its_job(telegram, client, post):
    links = [post(f"{number}") for number in range(3)]
    ahead, window = Ahead(), Window()
    for link in links:
        ahead.keep(link, await read_message(client, link), [])
    telegram.fail("upload.getFile", "FILE_ID_INVALID", times=3)
    with pytest.raises(JobError):
        await fetched(ahead, client, links[0], window)
    await telegram.until(lambda: telegram.counts["upload.getFile"] == 3)
    assert await fetched(ahead, client, links[1], window) == b"1".ljust(100, b".")


async def test_nothing_of_a_chat_that_forbids_it_is_fetched_unasked(telegram, account, friend, client):
    closed = telegram.add_supergroup("Closed", friend, account, username="closed")
    closed.noforwards = True
    await client.get_dialogs()
    sound = [types.DocumentAttributeAudio(5)]
    links, ahead = [], Ahead()
    for text in ("a", "b"):
        sent = telegram.post(
            friend, closed, text, file=text.encode() * 9, mime_type="audio/mpeg", attributes=sound
        )
        links.append(MessageLink(chat="closed", message_id=sent.numbers[0]))
        ahead.keep(links[-1], await read_message(client, links[-1]), [])
    message, _ = await ahead.read(client, links[0])
    assert is_protected(message)
    # Whoever asks for it by its job has been allowed to.
    assert await fetched(ahead, client, links[0], Window()) == b"a" * 9
    assert telegram.counts["upload.getFile"] == 1


async def test_another_account_finds_nothing_of_the_one_before(telegram, client, post):
    link = post("secret")
    ahead = Ahead()
    ahead.keep(link, await read_message(client, link), [])
    ahead.forget()
    assert ahead.take(link) is None
