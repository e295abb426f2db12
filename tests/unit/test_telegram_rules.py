"""The rules of a place, also while they are being changed."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.chat import ChatMode, ChatRules
from core.domain.job import ReplyTo
from userbot.rules import Rules


class Rulebook:
    """As much of the engine as keeps rules; it answers when it is let."""

    def __init__(self, *rules):
        self.rules = list(rules)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = 0
        self.tell = None

    def on_rules(self, changed):
        self.tell = changed

    async def chat_rules(self):
        self.asked += 1
        found = list(self.rules)
        await self.may_answer.wait()
        return found


CHAT = ChatRules(chat_id=-100, mode=ChatMode.AUTO)
TOPIC = ChatRules(chat_id=-100, topic_id=5, mode=ChatMode.OFF)
ALONE = ChatRules(chat_id=-200, topic_id=7, mode=ChatMode.COMMAND)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (ReplyTo(-100, 1), CHAT),
        (ReplyTo(-100, 1, 5), TOPIC),
        (ReplyTo(-100, 1, 6), CHAT),
        (ReplyTo(-100, 1, 1), CHAT),
        (ReplyTo(-200, 1, 7), ALONE),
        (ReplyTo(-200, 1, 8), ChatRules(chat_id=-200)),
        (ReplyTo(-300, 1), ChatRules(chat_id=-300)),
    ],
)
async def test_a_topic_without_rules_follows_its_chat_and_a_chat_without_any_is_off(place, expected):
    assert await Rules(Rulebook(CHAT, TOPIC, ALONE)).of(place) == expected


async def test_a_chat_is_watched_for_the_sake_of_one_topic():
    silent = ChatRules(chat_id=-300)
    rules = Rules(Rulebook(CHAT, TOPIC, ALONE, silent))
    assert await rules.watched() == {-100, -200}
    assert await rules.of_chat(-100) == [CHAT, TOPIC]


async def test_rules_are_read_again_only_after_a_change():
    book = Rulebook(CHAT)
    rules = Rules(book)
    for _ in range(3):
        await rules.watched()
    assert book.asked == 1
    book.rules.append(ALONE)
    book.tell()
    assert await rules.watched() == {-100, -200}
    assert rules.changed.is_set()


async def test_a_change_during_the_reading_is_not_lost():
    book = Rulebook()
    rules = Rules(book)
    book.may_answer.clear()
    reading = asyncio.create_task(rules.watched())
    await asyncio.sleep(0)
    book.rules.append(CHAT)
    book.tell()
    book.may_answer.set()
    assert await reading == {-100}
    assert await rules.watched() == {-100}
