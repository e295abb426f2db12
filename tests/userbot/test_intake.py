"""What is posted in watched chats becomes jobs: every link once, and none twice."""

from __future__ import annotations

import asyncio

import pytest
from telethon.tl import types

from core.domain.chat import ChatMode, ChatRules
from core.domain.errors import InvalidRequest, UnsupportedSource
from core.domain.job import JobStatus, Kind, ReplyTo
from tests.userbot.conftest import marked, until
from tests.userbot.reading import cursor, engine, group, jobs, link, reading, told, unheard
from userbot.links import links_of

__all__ = ["cursor", "engine", "group", "reading", "told", "unheard"]


async def test_every_kind_of_place_gives_its_links(telegram, client, engine, group, friend, reading, cursor):
    button = types.KeyboardInlineButton("Go", types.InlineButtonTypeUrl(link("button")))
    markup = types.ReplyInlineMarkup([types.KeyboardInlineButtonRow([button])])
    hidden = types.MessageEntityTextUrl(0, 4, link("hidden"))
    page = types.WebPage(1, link("preview"), "films.example", 0)
    name = [types.DocumentAttributeFilename("links.txt")]
    async with reading():
        await cursor(group, 1)
        telegram.post(friend, group, f"🎉 {link('text')}, or films.example/bare.mp4")
        telegram.post(friend, group, "here", entities=[hidden])
        telegram.post(friend, group, "press", markup=markup)
        telegram.post(friend, group, "new", media=types.MessageMediaWebPage(page))
        telegram.post(friend, group, link("caption"), file=b"picture", mime_type="image/png", album=77)
        telegram.post(friend, group, "", file=f"{link('l1')}\n{link('l2')}".encode(), attributes=name)
        found = await jobs(engine, 8)
    assert {job.url for job in found} == {
        link(name) for name in ("text", "bare", "hidden", "button", "preview", "caption", "l1", "l2")
    }
    assert {job.chat_id for job in found} == {marked(group)}
    assert {job.user_id for job in found} == {friend.id}


async def test_a_forward_counts_and_says_who_forwarded_it(
    telegram, client, engine, account, friend, reading, cursor
):
    news = telegram.add_channel("News", friend)
    group = telegram.add_group("Friends", account, friend)
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(group), mode=ChatMode.AUTO))
    async with reading():
        await cursor(group, 1)
        header = types.MessageFwdHeader(
            telegram.world.view(friend.id).message(telegram.post(friend, news, "x")).date,
            from_id=types.PeerChannel(news.id),
        )
        telegram.post(friend, group, link(1), forwarded=header)
        (job,) = await jobs(engine, 1)
    assert job.user_id == friend.id
    (delivery,) = await engine.deliveries_of(job_id=job.id)
    assert (delivery.chat_id, delivery.topic_id) == (marked(group), None)


async def test_comments_below_a_channels_post_are_read_as_posts_of_their_group(
    telegram, client, engine, account, friend, group, reading, cursor
):
    news = telegram.add_channel("News", friend)
    news.linked = group.id
    async with reading():
        await cursor(group, 1)
        date = telegram.world.view(friend.id).message(telegram.post(friend, news, "x")).date
        header = types.MessageFwdHeader(date, from_id=types.PeerChannel(news.id), channel_post=2)
        thread = telegram.post(friend, group, link("post"), forwarded=header)
        telegram.post(friend, group, link("comment"), reply_to=thread)
        found = await jobs(engine, 2)
    assert [job.url for job in found] == [link("post"), link("comment")]


async def test_what_another_reeldeck_answers_is_no_request_and_what_people_answer_is(
    telegram, engine, friend, group, reading, cursor
):
    async with reading():
        await cursor(group, 1)
        asked = telegram.post(friend, group, link(1))
        await jobs(engine, 1)
        telegram.post(friend, group, f"from {link(1)}", reply_to=asked, file=b"film")
        telegram.post(friend, group, f"❌ Nothing is there\n{link(1)}", reply_to=asked)
        telegram.post(friend, group, f"better: {link(2)}", reply_to=asked, file=b"picture")
        await jobs(engine, 2)
        again = telegram.post(friend, group, f"again: {link(1)}", reply_to=asked)
        telegram.post(friend, group, link(3))
        first, *_ = await jobs(engine, 3)
        answered = {each.reply_to for each in await engine.deliveries_of(job_id=first.id)}
    assert answered == {asked.numbers[0], again.numbers[0]}


async def test_a_list_that_is_too_long_is_taken_in_part_and_says_so_and_is_fetched_once(
    telegram, client, engine, group, friend, reading, cursor, told
):
    engine.settings = engine.settings.model_copy(
        update={"limits": engine.settings.limits.model_copy(update={"max_playlist_items": 3})}
    )
    name = [types.DocumentAttributeFilename("links.txt")]
    async with reading(poll_s=0.1):
        await cursor(group, 1)
        text = "\n".join(link(number) for number in range(5)).encode()
        post = telegram.post(friend, group, "", file=text, attributes=name)
        found = await jobs(engine, 3)
        place, refused = await told.refusals.get()
        await cursor(group, post.numbers[0])
    assert [job.url for job in found] == [link(number) for number in range(3)]
    assert place.message_id == post.numbers[0]
    assert refused.startswith("❌ Only the first 3 links")
    # Twice where it comes as an update while the history is read.
    assert telegram.counts["upload.getFile"] <= 2
    await jobs(engine, 3)


async def test_a_message_that_cannot_be_understood_keeps_no_other_waiting(
    telegram, engine, group, friend, reading, cursor, monkeypatch
):
    def links(message):
        if message.message == "poison":
            raise UnicodeError
        return links_of(message)

    monkeypatch.setattr("userbot.intake.links_of", links)
    async with reading():
        await cursor(group, 1)
        telegram.lost_pushes = 2
        telegram.post(friend, group, "poison")
        last = telegram.post(friend, group, link(1))
    async with reading():
        (job,) = await jobs(engine, 1)
        await cursor(group, last.numbers[0])
    assert job.url == link(1)


async def test_a_thousand_posts_while_it_listens_are_a_thousand_jobs(
    telegram, engine, group, friend, reading, cursor
):
    async with reading():
        await cursor(group, 1)
        for number in range(1000):
            telegram.post(friend, group, link(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        found = await jobs(engine, 1000)
    assert len({job.url for job in found}) == 1000


async def test_links_that_an_edit_adds_are_taken_and_the_others_not_again(
    telegram, engine, group, friend, reading, cursor
):
    async with reading():
        await cursor(group, 1)
        post = telegram.post(friend, group, link(1))
        await jobs(engine, 1)
        telegram.edit(post, f"{link(2)} and {link(1)}")
        found = await jobs(engine, 2)
        page = types.WebPage(1, link(2), "films.example", 0)
        telegram.edit(post, f"{link(2)} and {link(1)}", media=types.MessageMediaWebPage(page))
        telegram.post(friend, group, link(3))
        await jobs(engine, 3)
    assert [job.url for job in found] == [link(1), link(2)]


async def test_in_command_mode_only_what_is_commanded_is_taken(
    telegram, client, engine, group, friend, reading, cursor
):
    rules = ChatRules(chat_id=marked(group), mode=ChatMode.COMMAND, kind=Kind.AUDIO, quality="audio_192")
    await engine.set_chat(rules)
    post = telegram.post(friend, group, link(1))
    async with reading() as intake:
        await cursor(group, 1)
        telegram.post(friend, group, link(2))
        message = await client.get_messages(marked(group), ids=post.numbers[0])
        assert await intake.take(message, commanded_by=friend.id) == 1
        (job,) = await jobs(engine, 1)
    assert (job.url, job.kind, job.quality, job.user_id) == (link(1), Kind.AUDIO, "audio_192", friend.id)


async def test_a_command_for_a_message_without_links_says_so(
    telegram, client, engine, group, friend, reading
):
    post = telegram.post(friend, group, "no link here")
    async with reading() as intake:
        message = await client.get_messages(marked(group), ids=post.numbers[0])
        with pytest.raises(InvalidRequest, match="no link"):
            await intake.take(message, commanded_by=friend.id)


async def test_a_topic_has_rules_of_its_own_and_others_follow_the_chat(
    telegram, client, engine, account, friend, reading, cursor
):
    forum = telegram.add_supergroup("Forum", account, friend, topics=["Music", "Talk"])
    music, talk = (number for number, title in forum.topics.items() if title != "General")
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(forum), mode=ChatMode.AUTO))
    await engine.set_chat(
        ChatRules(chat_id=marked(forum), topic_id=music, mode=ChatMode.AUTO, kind=Kind.AUDIO)
    )
    await engine.set_chat(ChatRules(chat_id=marked(forum), topic_id=talk, mode=ChatMode.OFF))
    async with reading():
        await cursor(forum, 1)
        for topic, name in ((music, "music"), (talk, "talk"), (0, "general")):
            telegram.post(friend, forum, link(name), topic=topic)
        found = await jobs(engine, 2)
    assert {(job.url, job.kind) for job in found} == {
        (link("music"), Kind.AUDIO),
        (link("general"), Kind.AUTO),
    }
    topics = {each.topic_id for job in found for each in await engine.deliveries_of(job_id=job.id)}
    assert topics == {music, 1}


async def test_sources_that_a_chat_does_not_take_are_refused_by_name(
    telegram, engine, group, friend, reading, cursor, told
):
    await engine.set_chat(ChatRules(chat_id=marked(group), mode=ChatMode.AUTO, sources=("direct",)))
    async with reading():
        await cursor(group, 1)
        post = telegram.post(friend, group, f"{link(1)} https://www.youtube.com/watch?v=dQw4w9WgXcQ")
        (job,) = await jobs(engine, 1)
        telegram.post(friend, group, "https://soundcloud.com/some/sound")
        place, text = await told.refusals.get()
        await told.refusals.get()
    assert job.source_type == "direct"
    assert place == ReplyTo(marked(group), post.numbers[0])
    assert "this chat takes direct, and this is youtube" in text


async def test_refused_commands_raise_why(telegram, client, engine, group, friend, reading, told):
    await engine.set_chat(ChatRules(chat_id=marked(group), mode=ChatMode.COMMAND, sources=("youtube",)))
    post = telegram.post(friend, group, link(1))
    async with reading() as intake:
        message = await client.get_messages(marked(group), ids=post.numbers[0])
        with pytest.raises(UnsupportedSource, match="youtube"):
            await intake.take(message, commanded_by=friend.id)
    assert told.refusals.empty()


async def test_a_limit_is_told_once_with_when_to_try_again(
    telegram, friend, told, reading, cursor, engine, group
):
    engine._intake.limits = engine.settings.limits.model_copy(update={"max_jobs_per_chat_per_hour": 1})
    async with reading(poll_s=0.1):
        await cursor(group, 1)
        telegram.post(friend, group, link(1))
        await jobs(engine, 1)
        post = telegram.post(friend, group, link(2))
        place, text = await told.refusals.get()
        await cursor(group, post.numbers[0])
    # As an update and in the history at once it may be refused twice: the same, which is sent once.
    while not told.refusals.empty():
        assert told.refusals.get_nowait() == (place, text)
    assert place.message_id == post.numbers[0]
    assert text == "❌ This chat added 1 jobs in the last hour. Try again within the hour."
    assert "within the hour" in text


async def test_what_the_owner_types_counts_and_what_was_sent_for_him_does_not(
    telegram, engine, account, reading, cursor, unheard
):
    await engine.set_chat(ChatRules(chat_id=account.id, mode=ChatMode.AUTO))
    async with reading():
        await cursor(account, 0)
    typed = telegram.post(account, account, link("typed"))
    telegram.post(account, account, f"✅ {link('answer')}", reply_to=typed)
    telegram.post(account, account, f"note {link('note')}", reply_to=typed)
    await unheard(telegram.post(account, account, f"/job {link('command')}"))
    async with reading():
        found = await jobs(engine, 2)
    assert [job.url for job in found] == [link("typed"), link("note")]


async def test_a_delivered_file_with_a_link_in_its_caption_is_no_request(
    telegram, client, engine, account, origin, film, reading, cursor
):
    await engine.set_chat(ChatRules(chat_id=account.id, mode=ChatMode.AUTO))
    async with reading():
        await cursor(account, 0)
        asked = telegram.post(account, account, film)
        (job,) = await jobs(engine, 1)
    await until(engine, (await engine.retry(job.id)).id, JobStatus.COMPLETED)
    (delivery,) = await engine.deliveries_of(job_id=job.id)
    await engine.begin_delivery(delivery.id)
    sent = telegram.post(account, account, link("caption"), reply_to=asked, file=b"film")
    await engine.end_delivery(delivery.id, message_id=sent.numbers[account.id], document_id=1)
    last = telegram.post(account, account, "done")
    async with reading():
        await cursor(account, last.numbers[account.id])
        await jobs(engine, 1)


async def test_an_answer_to_a_message_that_was_deleted_is_no_request_either(
    telegram, engine, account, film, reading, cursor
):
    await engine.set_chat(ChatRules(chat_id=account.id, mode=ChatMode.AUTO))
    async with reading():
        await cursor(account, 0)
        telegram.post(account, account, film)
        (job,) = await jobs(engine, 1)
    await until(engine, (await engine.retry(job.id)).id, JobStatus.COMPLETED)
    (delivery,) = await engine.deliveries_of(job_id=job.id)
    await engine.begin_delivery(delivery.id)
    sent = telegram.post(account, account, link("caption"), file=b"film")
    await engine.end_delivery(delivery.id, message_id=sent.numbers[account.id], document_id=1)
    last = telegram.post(account, account, "done")
    async with reading():
        await cursor(account, last.numbers[account.id])
        await jobs(engine, 1)


async def test_the_userbots_own_answers_are_not_taken_for_requests_after_a_restart(
    telegram, account, run_userbot, film
):
    async with run_userbot() as bot:
        await bot.watch(account)
        asked = telegram.post(account, account, film)
        await bot.until_posts(account, 2)
        await bot.until_reaction(asked, "👍")
    for _ in range(2):
        async with run_userbot() as bot:
            read = telegram.counts["messages.getHistory"]
            await telegram.until(lambda read=read: telegram.counts["messages.getHistory"] > read + 1)
            assert len((await bot.engine.deliveries()).items) == 1
    assert len(telegram.posts(account, account)) == 2
