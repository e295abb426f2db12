"""Those who post links are told what becomes of them: once, in few calls, whatever stops in between."""

from __future__ import annotations

import pytest

from core.domain.chat import ChatMode, Feedback
from core.domain.job import ReplyTo
from tests.userbot.conftest import marked
from tests.userbot.telling import REACT, SEND, engine, scene
from userbot.feedback import FAILURES

__all__ = ["engine", "scene"]


async def test_eyes_mean_taken_and_a_thumb_done(scene, telegram, film):
    async with scene.telling():
        post, job = await scene.ask(film)
        await scene.reacted(post, "👀")
        await scene.finish(job)
        await scene.reacted(post, "👍")
        await scene.settled()
    assert telegram.counts[REACT] == 2
    assert telegram.counts[SEND] == 0


async def test_a_message_with_several_links_is_done_when_the_last_one_is(scene, origin, film):
    async with scene.telling():
        post, first = await scene.ask(film)
        _, second = await scene.ask(origin.url("/none.mp4"), post=post)
        await scene.finish(first)
        await scene.reacted(post, "👀")
        await scene.fail(second)
        await scene.reacted(post, "👎")
        await scene.settled()


@pytest.mark.parametrize("reads", ["the owner", "everybody"])
async def test_a_failure_is_told_in_words_once_with_what_to_do(scene, engine, origin, reads):
    owners = {marked(scene.group)} if reads == "the owner" else ()
    async with scene.telling(owners=owners):
        post, job = await scene.ask(origin.url("/gone.mp4"), topic=0)
        await scene.fail(job)
        await scene.reacted(post, "👎")
        await scene.settled()
    (text,) = scene.texts()
    job = await engine.job(job.id)
    assert text.reply_to == post.uid
    assert text.text.startswith("❌ Nothing is there (any more)\n")
    assert "gone." in text.text
    assert "reeldeck auth add" in job.error_hint
    assert text.text.endswith(job.error_hint if owners else "\nCheck the link.")


async def test_of_many_failures_in_a_row_a_few_are_told_in_words(scene, origin):
    async with scene.telling():
        asked = [await scene.ask(origin.url(f"/gone{number}.mp4")) for number in range(FAILURES + 2)]
        for post, job in asked:
            await scene.fail(job)
            await scene.reacted(post, "👎")
        await scene.settled()
    assert [text.reply_to for text in scene.texts()] == [post.uid for post, _ in asked[:FAILURES]]


async def test_an_answer_lost_with_the_connection_is_no_second_answer(scene, telegram, origin):
    telegram.drop(SEND, after=True)
    async with scene.telling():
        post, job = await scene.ask(origin.url("/gone.mp4"))
        await scene.fail(job)
        await scene.reacted(post, "👎")
        await scene.settled()
    assert len(scene.texts()) == 1


async def test_a_stop_between_the_answer_and_its_being_stored_repeats_nothing(scene, telegram, origin):
    async with scene.telling():
        post, job = await scene.ask(origin.url("/gone.mp4"))
        await scene.reacted(post, "👀")
        telegram.ignore(REACT)
        await scene.fail(job)
        await scene.reacted(post, "👎")
    async with scene.telling():
        await scene.reacted(post, "👎")
        await scene.settled()
    assert len(scene.texts()) == 1


async def test_what_happened_while_nobody_told_is_told_at_the_next_start(scene, telegram, film):
    async with scene.telling():
        post, job = await scene.ask(film)
        await scene.reacted(post, "👀")
    await scene.finish(job)
    async with scene.telling():
        await scene.reacted(post, "👍")
        await scene.settled()
    async with scene.telling():
        await scene.settled()
    assert telegram.counts[REACT] == 2


@pytest.mark.parametrize("engine", [{}], indirect=True)
async def test_a_retry_that_works_mends_the_reaction(scene, engine, origin, film):
    async with scene.telling():
        post, job = await scene.ask(origin.url("/late.mp4"))
        await scene.reacted(post, "👎")
        origin.alias("/late.mp4", origin.resource("/film.mp4"))
        await scene.finish(job)
        await scene.reacted(post, "👍")


async def test_where_a_chat_allows_fewer_reactions_others_stand_in_and_that_is_remembered(
    scene, telegram, film
):
    telegram.reactions = set("🎉")
    async with scene.telling():
        post, job = await scene.ask(film)
        await scene.finish(job)
        await scene.reacted(post, "🎉")
        await scene.settled()
        tried = telegram.counts[REACT]
        again, job = await scene.ask(film)
        await scene.deliver(job)
        await scene.reacted(again, "🎉")
        await scene.settled()
    assert telegram.counts[REACT] == tried + 1


async def test_where_reactions_are_not_allowed_at_all_it_is_silent_after_one_try_each(scene, telegram, film):
    telegram.reactions = set()
    async with scene.telling():
        _, job = await scene.ask(film)
        await telegram.until(lambda: telegram.counts[REACT] == 3)
        await scene.finish(job)
        await scene.settled()
        tried = telegram.counts[REACT]
        for _ in range(3):
            await scene.ask(film)
            await scene.deliver(job)
        await scene.settled()
    assert telegram.counts[REACT] == tried == 6


async def test_pages_without_media_go_uncommented_in_groups(scene, origin):
    origin.put("/page.html", b"<html><body>news</body></html>")
    await scene.tell_by(Feedback.REACTION)
    async with scene.telling():
        post, job = await scene.ask(origin.url("/page.html"))
        await scene.reacted(post, "👀")
        await scene.fail(job)
        await scene.reacted(post, None)
        await scene.settled()
    assert scene.texts() == []


async def test_pages_without_media_are_told_where_somebody_commanded_them(scene, origin):
    origin.put("/page.html", b"<html><body>news</body></html>")
    await scene.tell_by(Feedback.REACTION, ChatMode.COMMAND)
    async with scene.telling():
        post, job = await scene.ask(origin.url("/page.html"))
        await scene.fail(job)
        await scene.reacted(post, "👎")
        await scene.settled()
    assert "No media was found" in scene.texts()[0].text


async def test_where_nobody_wants_to_be_told_nothing_is_called(scene, telegram, film):
    await scene.tell_by(Feedback.NONE)
    async with scene.telling():
        _, job = await scene.ask(film)
        await scene.finish(job)
        await scene.settled()
    assert telegram.counts[REACT] == telegram.counts[SEND] == 0


async def test_a_message_that_is_gone_is_told_nothing_and_not_tried_for_ever(scene, telegram, origin):
    post, job = await scene.ask(origin.url("/gone.mp4"))
    telegram.delete(post)
    await scene.fail(job)
    async with scene.telling():
        await scene.settled()
    assert scene.texts() == []
    assert telegram.counts[REACT] <= 1


async def test_a_chat_in_which_the_account_may_not_write_still_gets_its_reaction(scene, telegram, origin):
    news = telegram.add_channel("News", scene.friend, scene.account)
    await scene.client.get_dialogs()
    async with scene.telling():
        for _ in range(2):
            _, job = await scene.ask(origin.url("/gone.mp4"), where=news)
            await scene.fail(job)
            await scene.settled()
    assert telegram.counts[SEND] == 1


async def test_refusals_are_told_once_and_not_each_of_many_in_a_row(scene, telegram):
    posts = [telegram.post(scene.friend, scene.group, "link") for _ in range(3)]
    async with scene.telling() as desk:
        for post in [*posts, posts[0]]:
            await scene.refuse(desk, post, "The queue is full. Try later.")
        await scene.reacted(posts[1], "👎")
        await scene.reacted(posts[2], "👎")
    (text,) = scene.texts()
    assert (text.text, text.reply_to) == ("❌ The queue is full. Try later.", posts[0].uid)


async def test_a_refusal_that_nobody_could_be_told_of_is_told_at_the_next_start(scene, telegram):
    post = telegram.post(scene.friend, scene.group, "link")
    place = ReplyTo(marked(scene.group), post.numbers[0])
    await scene.engine.note_read({}, {place: "❌ The queue is full."})
    for _ in range(2):
        async with scene.telling():
            await scene.settled()
    (text,) = scene.texts()
    assert (text.text, text.reply_to) == ("❌ The queue is full.", post.uid)


async def test_a_flood_of_reactions_does_not_keep_words_waiting(scene, telegram, film):
    telegram.flood(REACT, 1)
    async with scene.telling() as desk:
        post, _ = await scene.ask(film)
        await telegram.until(lambda: telegram.counts[REACT] == 1)
        other = telegram.post(scene.friend, scene.group, "link")
        await scene.refuse(desk, other, "The queue is full.")
        await telegram.until(lambda: len(scene.texts()) == 1)
        await scene.reacted(post, "👀")
    assert telegram.script.impatient[REACT] == 0
