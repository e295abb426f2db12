"""One message tells how links stand, and is edited on a budget."""

from __future__ import annotations

import itertools

from core.domain.chat import Feedback
from tests.userbot.telling import EDIT, REACT, SEND, engine, scene

__all__ = ["engine", "scene"]


async def test_a_status_message_stands_in_the_topic_and_goes_when_the_file_is_there(scene, telegram, film):
    await scene.tell_by(Feedback.STATUS)
    topic = next(number for number, title in scene.group.topics.items() if title == "Talks")
    async with scene.telling():
        post, job = await scene.ask(film, topic=topic)
        await telegram.until(lambda: len(scene.texts()) == 1)
        (status,) = scene.texts()
        assert (status.reply_to, status.topic) == (post.uid, topic)
        assert status.text.startswith("⏳ ")
        await scene.finish(job)
        await telegram.until(lambda: scene.texts() == [])
        await scene.settled()
    assert telegram.counts[REACT] == 0
    assert telegram.counts[SEND] == 1


async def test_a_status_message_stays_where_no_file_is_sent(scene, telegram, film):
    await scene.tell_by(Feedback.STATUS)
    async with scene.telling():
        _, job = await scene.ask(film)
        await telegram.until(lambda: len(scene.texts()) == 1)
        await scene.finish(job, is_sent=False)
        await scene.settled()
    (status,) = scene.texts()
    assert status.text.startswith("✅ ")


async def test_a_status_message_ends_with_the_failure(scene, telegram, origin):
    await scene.tell_by(Feedback.STATUS)
    async with scene.telling():
        _, job = await scene.ask(origin.url("/gone.mp4"))
        await telegram.until(lambda: len(scene.texts()) == 1)
        await scene.fail(job)
        await scene.settled()
    (status,) = scene.texts()
    assert "Nothing is there" in status.text


async def test_a_chats_status_messages_are_edited_on_a_budget_and_end_with_the_newest(
    scene, telegram, origin
):
    await scene.tell_by(Feedback.STATUS)
    async with scene.telling(edit_interval_s=0.3):
        asked = [await scene.ask(origin.url(f"/gone{number}.mp4")) for number in range(3)]
        await telegram.until(lambda: len(scene.texts()) == 3)
        for _, job in asked:
            await scene.fail(job)
        await scene.settled()
    times = [at for at, method, _ in telegram.calls if method == EDIT]
    assert all(later - earlier > 0.25 for earlier, later in itertools.pairwise(times))
    assert all("Nothing is there" in status.text for status in scene.texts())


async def test_no_call_is_made_during_a_flood_and_the_newest_text_comes_after_it(scene, telegram, origin):
    await scene.tell_by(Feedback.STATUS)
    async with scene.telling():
        _, job = await scene.ask(origin.url("/gone.mp4"))
        await telegram.until(lambda: len(scene.texts()) == 1)
        telegram.flood(EDIT, 1)
        await scene.fail(job)
        await scene.settled()
    assert telegram.script.impatient[EDIT] == 0
    assert "Nothing is there" in scene.texts()[0].text


async def test_a_status_message_that_somebody_deleted_is_not_sent_again(scene, telegram, origin):
    await scene.tell_by(Feedback.STATUS)
    async with scene.telling():
        _, job = await scene.ask(origin.url("/gone.mp4"))
        await telegram.until(lambda: len(scene.texts()) == 1)
        telegram.delete(*scene.texts())
        await scene.fail(job)
        await scene.settled()
    assert scene.texts() == []
