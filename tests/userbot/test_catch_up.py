"""Nothing is missed: what was posted while nobody listened is read from the history."""

from __future__ import annotations

from core.domain.chat import ChatMode, ChatRules, Feedback
from tests.userbot.conftest import marked
from tests.userbot.reading import cursor, engine, group, jobs, link, reading, reading_with, told, unheard

__all__ = ["cursor", "engine", "group", "reading", "told", "unheard"]


async def test_what_was_posted_before_somebody_watched_is_not_asked_for(
    telegram, engine, group, friend, reading, cursor, unheard
):
    old = telegram.post(friend, group, link("old"))
    await unheard(old)
    async with reading():
        await cursor(group, old.numbers[0])
        telegram.post(friend, group, link("new"))
        (job,) = await jobs(engine, 1)
    assert job.url == link("new")


async def test_everything_posted_in_an_absence_is_taken_once_in_its_order(
    telegram, engine, group, friend, reading, cursor, unheard
):
    async with reading():
        await cursor(group, 1)
    posts = [telegram.post(friend, group, link(number)) for number in range(250)]
    await unheard(posts[-1])
    for _ in range(2):
        async with reading(poll_s=0.05):
            found = await jobs(engine, 250)
            await cursor(group, posts[-1].numbers[0])
    assert [job.url for job in found] == [link(number) for number in range(250)]
    deliveries = [each for job in found for each in await engine.deliveries_of(job_id=job.id)]
    assert [each.reply_to for each in deliveries] == [post.numbers[0] for post in posts]


async def test_more_than_a_difference_can_tell_is_read_from_the_history_of_every_chat(
    telegram, client, engine, account, friend, reading, cursor
):
    chats = [telegram.add_supergroup(f"S{number}", account, friend) for number in range(3)]
    chats += [telegram.add_channel("News", friend, account), telegram.add_group("Group", account, friend)]
    await client.get_dialogs()
    for chat in chats:
        await engine.set_chat(ChatRules(chat_id=marked(chat), mode=ChatMode.AUTO))
    async with reading():
        for chat in chats:
            await cursor(chat, 1)
    telegram.too_long_after = 5
    telegram.lost_pushes = 10_000
    for place, chat in enumerate(chats):
        for number in range(30):
            telegram.post(friend, chat, link(f"{place}-{number}"))
    telegram.lost_pushes = 0
    async with reading():
        # One that comes meanwhile must not let the cursor jump over those that are still unread.
        telegram.post(friend, chats[0], link("live"))
        found = await jobs(engine, 151)
    assert len({job.url for job in found}) == 151


async def test_an_outage_longer_than_any_difference_loses_nothing(
    telegram, account, friend, run_userbot, monkeypatch
):
    monkeypatch.setattr("userbot.catch_up.REST_S", 0.1)
    chats = [telegram.add_supergroup(f"S{number}", account, friend) for number in range(4)]
    chats += [telegram.add_channel("News", friend, account), telegram.add_group("Group", account, friend)]
    async with run_userbot(limits={"quiet_hours": "00:00-23:59"}) as bot:
        for chat in chats:
            await bot.watch(chat, feedback=Feedback.NONE)
        await telegram.until(lambda: telegram.counts["messages.getHistory"] == 12)
        for chat in chats:
            telegram.post(friend, chat, link(f"{chat.id}-before"))
        await jobs(bot.engine, 6)
        telegram.too_long_after = 5
        await telegram.stop()
        for chat in chats:
            for number in range(20):
                telegram.post(friend, chat, link(f"{chat.id}-{number}"))
        await telegram.start()
        await jobs(bot.engine, 126)
        await telegram.until(lambda: telegram.counts["difference too long"] > 0)
        # Each shows Telethon a gap in its channel, which is too long as well: it leaves them out.
        for chat in chats:
            telegram.post(friend, chat, link(f"{chat.id}-live"))
        found = await jobs(bot.engine, 132)
        assert telegram.counts["channel difference too long"] > 0
    assert len({job.url for job in found}) == 132


async def test_a_chat_with_much_to_read_does_not_keep_the_others_waiting(  # noqa: PLR0917 -- fixtures
    telegram, client, engine, account, friend, group, reading, cursor, unheard
):
    other = telegram.add_supergroup("Other", account, friend)
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(other), mode=ChatMode.AUTO))
    async with reading():
        await cursor(group, 1)
        await cursor(other, 1)
    for chat in (group, other):
        for number in range(150):
            last = telegram.post(friend, chat, link(f"{chat.id}-{number}"))
    await unheard(last)
    async with reading():
        found = await jobs(engine, 300)
    assert {job.chat_id for job in found[:200]} == {marked(group), marked(other)}


async def test_the_cursor_follows_soon_after_links_that_came_as_updates(
    telegram, engine, group, friend, reading, cursor, monkeypatch
):
    monkeypatch.setattr("userbot.catch_up.FOLLOW_S", 0.1)
    async with reading():
        await cursor(group, 1)
        await telegram.until(lambda: telegram.counts["messages.getHistory"] == 2)
        posts = [telegram.post(friend, group, link(number)) for number in range(5)]
        await cursor(group, posts[-1].numbers[0])
    assert telegram.counts["messages.getHistory"] <= 4


async def test_a_chat_whose_key_was_lost_is_found_in_the_list_of_chats(
    telegram, engine, account, friend, told, tmp_path
):
    chat = telegram.add_supergroup("Films", account, friend)
    await engine.set_chat(ChatRules(chat_id=marked(chat), mode=ChatMode.AUTO, last_message_id=1))
    telegram.post(friend, chat, link(1))
    client = telegram.client(tmp_path / "fresh.session")
    await telegram.log_in(client, account)
    async with reading_with(client, engine, told):
        (job,) = await jobs(engine, 1)
    await client.disconnect()
    assert job.url == link(1)
    assert telegram.posts(account, account) == []


async def test_when_the_account_is_back_all_chats_are_read_at_once(
    telegram, engine, group, friend, reading, cursor
):
    async with reading() as intake:
        await cursor(group, 1)
        await telegram.until(lambda: telegram.counts["messages.getHistory"] == 2)
        telegram.lost_pushes = 1
        telegram.post(friend, group, link("lost"))
        intake.look_again()
        (job,) = await jobs(engine, 1)
    assert job.url == link("lost")


async def test_a_live_message_leaves_the_cursor_where_it_is(telegram, engine, group, friend, reading, cursor):
    async with reading():
        before = await cursor(group, 1)
        await telegram.until(lambda: telegram.counts["messages.getHistory"] == 2)
        telegram.post(friend, group, link(1))
        await jobs(engine, 1)
        assert await cursor(group, 1) == before


async def test_a_lost_update_is_found_by_the_slow_poll(telegram, engine, group, friend, reading, cursor):
    async with reading(poll_s=0.1):
        await cursor(group, 1)
        telegram.lost_pushes = 1
        telegram.post(friend, group, link("lost"))
        (job,) = await jobs(engine, 1)
    assert job.url == link("lost")


async def test_an_edit_made_while_away_is_seen_when_it_is_back(
    telegram, engine, group, friend, reading, cursor
):
    post = telegram.post(friend, group, "nothing yet")
    last = telegram.post(friend, group, "and more")
    post.date = last.date = last.date - 60
    async with reading():
        await cursor(group, last.numbers[0])
    telegram.edit(post, link("edited"))
    async with reading():
        (job,) = await jobs(engine, 1)
    assert job.url == link("edited")


async def test_a_chat_of_which_only_a_topic_is_watched_is_read_too(
    telegram, client, engine, account, friend, reading, cursor
):
    forum = telegram.add_supergroup("Forum", account, friend, topics=["Music"])
    music = next(number for number, title in forum.topics.items() if title == "Music")
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(forum), topic_id=music, mode=ChatMode.AUTO))
    async with reading():
        await cursor(forum, 1)
    telegram.post(friend, forum, link("general"))
    telegram.post(friend, forum, link("music"), topic=music)
    async with reading():
        (job,) = await jobs(engine, 1)
    assert job.url == link("music")


async def test_an_unwatched_chat_is_left_alone_and_a_new_watch_begins_at_once(
    telegram, client, engine, account, friend, reading, cursor, unheard
):
    chat = telegram.add_supergroup("Later", account, friend)
    await client.get_dialogs()
    await unheard(telegram.post(friend, chat, link("before")))
    async with reading():
        await engine.set_chat(ChatRules(chat_id=marked(chat), mode=ChatMode.AUTO))
        await cursor(chat, 2)
        telegram.post(friend, chat, link("after"))
        (job,) = await jobs(engine, 1)
        await engine.forget_chat(marked(chat))
        await unheard(telegram.post(friend, chat, link("ignored")))
    assert job.url == link("after")
    await jobs(engine, 1)


async def test_a_group_that_became_a_supergroup_is_read_to_its_end_and_forgotten(
    telegram, client, engine, account, friend, reading, cursor, unheard
):
    group = telegram.add_group("Group", account, friend)
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(group), mode=ChatMode.AUTO))
    async with reading():
        await cursor(group, 1)
    telegram.post(friend, group, link("before"))
    supergroup = telegram.upgrade(group)
    await unheard(telegram.post(friend, supergroup, link("after")))
    async with reading():
        found = await jobs(engine, 2)
    assert {job.url for job in found} == {link("before"), link("after")}
    assert [each.chat_id for each in await engine.chat_rules()] == [marked(supergroup)]


async def test_a_flood_is_waited_out_and_nothing_is_called_meanwhile(
    telegram, engine, group, friend, reading, cursor
):
    async with reading():
        await cursor(group, 1)
    telegram.post(friend, group, link(1))
    telegram.flood("messages.getHistory", 1)
    async with reading():
        await jobs(engine, 1)
    assert telegram.script.impatient["messages.getHistory"] == 0


async def test_a_chat_that_is_lost_is_told_once_and_the_others_are_read(
    telegram, client, engine, account, friend, group, reading, cursor
):
    lost = telegram.add_supergroup("Lost", account, friend)
    await client.get_dialogs()
    await engine.set_chat(ChatRules(chat_id=marked(lost), mode=ChatMode.AUTO, title="Lost"))
    lost.members.remove(account.id)
    for _ in range(2):
        async with reading(poll_s=0.05):
            await telegram.until(lambda: telegram.posts(account, account) != [])
            await cursor(group, 1)
    (told_owner,) = telegram.posts(account, account)
    assert told_owner.text.startswith("ℹ I cannot read Lost any more: ")
    assert told_owner.text.endswith(f"/unwatch {marked(lost)}")
    telegram.post(friend, group, link(1))
    async with reading():
        await jobs(engine, 1)


async def test_a_bot_reads_no_history_and_takes_what_it_hears(telegram, engine, friend, told, tmp_path):
    bot = telegram.add_bot("Helper")
    group = telegram.add_supergroup("Films", bot, friend)
    await engine.set_chat(ChatRules(chat_id=marked(group), mode=ChatMode.AUTO))
    client = telegram.client(tmp_path / "bot.session")
    await telegram.log_in(client, bot)
    async with reading_with(client, engine, told):
        telegram.post(friend, group, link(1))
        (job,) = await jobs(engine, 1)
    await client.disconnect()
    assert job.url == link(1)
    assert telegram.counts["messages.getHistory"] == 0
