"""Rules of chats, how far each was read, and what its messages were told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.job import JobStatus, Kind, ReplyTo
from core.domain.messenger import Acknowledgement
from core.store.store import Store
from tests.fakes.stored import NOW, job_in, opened

CHAT = -1001
RULES = ChatRules(
    chat_id=CHAT,
    title="محاضرات \ud83d",
    mode=ChatMode.AUTO,
    sources=("youtube", "direct"),
    kind=Kind.AUDIO,
    quality="audio_192",
    archive=False,
    reply=False,
    feedback=Feedback.STATUS,
)
ASKED = ReplyTo(CHAT, 7, 3)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as running:
        yield running


async def test_rules_come_back_as_they_were_set(store: Store) -> None:
    stored = await store.chats.put(RULES)
    assert stored == replace(RULES, title="محاضرات ?")
    topic = await store.chats.put(ChatRules(chat_id=CHAT, topic_id=5))
    other = await store.chats.put(ChatRules(chat_id=CHAT - 1, sources=()))
    assert await store.chats.all() == [other, stored, topic]


async def test_new_rules_leave_title_and_cursor(store: Store) -> None:
    await store.chats.put(replace(RULES, title="A"))
    await store.acknowledgements.note_read({CHAT: 40}, {})
    changed = await store.chats.put(ChatRules(chat_id=CHAT, last_message_id=3))
    assert (changed.title, changed.last_message_id, changed.mode) == ("A", 40, ChatMode.OFF)
    assert (changed.sources, changed.archive, changed.reply) == (None, True, True)


async def test_a_cursor_never_goes_back(store: Store) -> None:
    await store.chats.put(RULES)
    for message_id in (7, 9, 8):
        await store.acknowledgements.note_read({CHAT: message_id, CHAT - 5: message_id}, {})
    (chat,) = await store.chats.all()
    assert chat.last_message_id == 9


async def test_a_chat_of_which_only_topics_have_rules_has_a_cursor(store: Store) -> None:
    topic = await store.chats.put(replace(RULES, topic_id=5))
    await store.acknowledgements.note_read({CHAT: 8}, {})
    chat, same = await store.chats.all()
    assert (chat.topic_id, chat.mode, chat.last_message_id) == (0, ChatMode.OFF, 8)
    assert same == topic


async def test_cursors_and_refusals_are_stored_together(store: Store) -> None:
    await store.chats.put(RULES)
    await store.acknowledgements.note_read({CHAT: 7}, {ASKED: "The queue is full."})
    (chat,) = await store.chats.all()
    told = await store.acknowledgements.get(ASKED)
    assert chat.last_message_id == 7
    assert told == Acknowledgement(reply_to=ASKED, refused="The queue is full.")
    assert await store.acknowledgements.unsettled() == [ASKED]
    await store.acknowledgements.put(told)
    assert await store.acknowledgements.unsettled() == []
    assert await store.acknowledgements.get(ASKED) is None


async def test_what_is_refused_while_a_message_is_told_of_something_else_is_still_to_be_told(
    store: Store,
) -> None:
    await store.acknowledgements.note_read({}, {ASKED: "old"})
    before = await store.acknowledgements.get(ASKED)
    assert before is not None
    await store.acknowledgements.note_read({}, {ASKED: "new"})
    await store.acknowledgements.put(replace(before, shown="x"))
    now = await store.acknowledgements.get(ASKED)
    assert now == Acknowledgement(reply_to=ASKED, shown="x", refused="new")
    assert await store.acknowledgements.unsettled() == [ASKED]


async def test_a_chat_is_forgotten_with_its_topics(store: Store) -> None:
    for topic_id in (0, 5, 6):
        await store.chats.put(replace(RULES, topic_id=topic_id))
    assert await store.chats.forget(CHAT, 5)
    assert [each.topic_id for each in await store.chats.all()] == [0, 6]
    assert await store.chats.forget(CHAT)
    assert await store.chats.all() == []
    assert not await store.chats.forget(CHAT)


async def test_what_a_message_was_told_is_kept(store: Store) -> None:
    assert await store.acknowledgements.get(ASKED) is None
    told = Acknowledgement(reply_to=ASKED, status_message_id=9, shown="x")
    await store.acknowledgements.put(told)
    assert await store.acknowledgements.get(ASKED) == told
    await store.acknowledgements.put(replace(told, shown="y"))
    assert await store.acknowledgements.get(ASKED) == replace(told, shown="y")


async def test_a_message_is_unsettled_until_it_is_told_how_its_last_delivery_ended(store: Store) -> None:
    job = await job_in(store, JobStatus.RUNNING, reply=ASKED)
    told = Acknowledgement(reply_to=ASKED, shown="x")
    assert await store.acknowledgements.unsettled() == [ASKED]
    assert await store.acknowledgements.get(ASKED) is None
    await store.acknowledgements.put(told)
    assert await store.acknowledgements.unsettled() == [ASKED]
    await store.jobs.transition(job.id, JobStatus.RUNNING, JobStatus.FAILED, attempt=job.attempt, now=NOW)
    assert await store.acknowledgements.unsettled() == [ASKED]
    await store.acknowledgements.put(told)
    assert await store.acknowledgements.unsettled() == []
    await store.jobs.transition(job.id, JobStatus.FAILED, JobStatus.PENDING, attempt=job.attempt, now=NOW)
    assert await store.acknowledgements.unsettled() == [ASKED]


async def test_whoever_tells_a_message_may_say_that_more_is_to_come_but_not_that_it_is_all(
    store: Store,
) -> None:
    for is_settled, left in ((False, [ASKED]), (True, [])):
        await store.acknowledgements.put(Acknowledgement(reply_to=ASKED, is_settled=is_settled))
        assert await store.acknowledgements.unsettled() == left
    await job_in(store, JobStatus.RUNNING, reply=ASKED)
    await store.acknowledgements.put(Acknowledgement(reply_to=ASKED, is_settled=True))
    assert await store.acknowledgements.unsettled() == [ASKED]
