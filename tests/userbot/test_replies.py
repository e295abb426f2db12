"""Short answers below messages: sent once, as they are, in the right place."""

from __future__ import annotations

import pytest

from core.domain.errors import FloodWait, Forbidden, NotFound
from core.domain.job import ReplyTo
from tests.userbot.conftest import marked
from userbot.replies import Replies, random_id

SEND = "messages.sendMessage"


@pytest.fixture
async def group(telegram, client, account, friend):
    chat = telegram.add_supergroup("Films", account, friend, topics=["Talks"])
    await client.get_dialogs()
    return chat


@pytest.fixture
def question(telegram, friend, group):
    return telegram.post(friend, group, "?")


@pytest.fixture
def place(group, question):
    return ReplyTo(marked(group), question.numbers[0])


@pytest.fixture
def replies(client):
    return Replies(client)


@pytest.fixture
def texts(telegram, account, group):
    return lambda: [post for post in telegram.posts(account, group) if post.sender == account.id]


def test_the_number_of_a_text_is_the_same_every_time_and_another_for_another():
    place = ReplyTo(-100, 5)
    numbers = {
        random_id(1, place, "a"), random_id(2, place, "a"), random_id(1, place, "b"),
        random_id(1, ReplyTo(-100, 6), "a"), random_id(1, ReplyTo(-101, 5), "a"),
    }  # fmt: skip
    assert len(numbers) == 5
    assert all(0 < number < 2**63 for number in numbers)
    assert random_id(1, place, "a") == random_id(1, ReplyTo(-100, 5, 7), "a")


async def test_a_text_is_sent_as_it_is_without_a_preview(telegram, replies, question, place, texts):
    telegram.world.pages["https://x.example"] = "A page"
    number = await replies.send(place, "**bold** <b>b</b> https://x.example", purpose="test")
    (text,) = texts()
    assert (text.text, text.reply_to) == ("**bold** <b>b</b> https://x.example", question.uid)
    assert text.numbers[0] == number
    assert text.media is None


async def test_a_text_for_one_purpose_is_sent_once(replies, place, texts):
    first = await replies.send(place, "once", purpose="one")
    again = await replies.send(place, "once, but later", purpose="one")
    other = await replies.send(place, "another", purpose="two")
    assert first == again != other
    assert [text.text for text in texts()] == ["once", "another"]


async def test_a_text_that_telegram_only_says_it_has_is_found_in_the_history(
    telegram, client, replies, place, texts
):
    client._request_retries = 0
    first = await replies.send(place, "once", purpose="one")
    telegram.fail(SEND, "RANDOM_ID_DUPLICATE", times=10)
    assert await replies.send(place, "once", purpose="one") == first
    assert await replies.send(place, "never sent", purpose="two") is None
    assert len(texts()) == 1


async def test_a_text_stays_in_its_topic(telegram, replies, friend, group, texts):
    topic = next(number for number, title in group.topics.items() if title == "Talks")
    asked = telegram.post(friend, group, "?", topic=topic)
    await replies.send(ReplyTo(marked(group), asked.numbers[0], topic), "here", purpose="test")
    general = telegram.post(friend, group, "?")
    await replies.send(ReplyTo(marked(group), general.numbers[0], 1), "there", purpose="test")
    assert [(text.text, text.topic) for text in texts()] == [("here", topic), ("there", 0)]


async def test_a_message_that_is_gone_is_not_answered(telegram, replies, question, place, texts):
    telegram.delete(question)
    assert await replies.send(place, "too late", purpose="test") is None
    assert texts() == []


async def test_a_text_is_changed_and_taken_away(replies, place, texts):
    number = await replies.send(place, "one", purpose="test")
    assert await replies.edit(place.chat_id, number, "two")
    assert await replies.edit(place.chat_id, number, "two")
    assert [text.text for text in texts()] == ["two"]
    await replies.delete(place.chat_id, number)
    assert texts() == []
    assert not await replies.edit(place.chat_id, number, "three")


async def test_reactions_that_a_chat_does_not_allow_are_said_to_be_none(telegram, replies, question, place):
    assert await replies.react(place, ["👍"])
    assert await replies.react(place, ["👍"])
    assert not await replies.react(place, ["🧨"])
    assert list(question.reactions) == ["👍"]
    assert await replies.react(place, [])
    assert not question.reactions


async def test_what_telegram_refuses_comes_as_our_errors(telegram, client, replies, account, friend, place):
    news = telegram.add_channel("News", friend, account)
    post = telegram.post(friend, news, "?")
    await client.get_dialogs()
    with pytest.raises(Forbidden):
        await replies.send(ReplyTo(marked(news), post.numbers[0]), "one", purpose="test")
    with pytest.raises(NotFound):
        await replies.send(ReplyTo(-1009999999999, 1), "one", purpose="test")
    telegram.fail(SEND, "FLOOD_WAIT_5")
    with pytest.raises(FloodWait):
        await replies.send(place, "one", purpose="flood")
