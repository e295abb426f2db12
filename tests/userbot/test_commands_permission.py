"""Only an owner commands, only by typing, only where it is allowed: everybody else does nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from telethon.tl import types

from core.domain.chat import ChatMode
from core.domain.job import JobStatus, Request
from tests.fakes.origin import Fault
from tests.userbot.commanding import desk, make_desk
from tests.userbot.conftest import marked, origin, until

__all__ = ["desk", "make_desk", "origin"]


@pytest.fixture
def group(telegram, account, friend):
    return telegram.add_group("Films", account, friend)


@pytest.fixture
async def running(origin, engine):
    """A job that does not end by itself."""
    origin.put("/slow.bin", b"x" * 2**20).fail(Fault(hold_after=1000), times=99)
    job = (await engine.submit(Request(url=origin.url("/slow.bin")))).job
    await until(engine, job.id, JobStatus.RUNNING)
    yield job
    origin.release.set()


async def refused(desk, post):
    """The reason that was written down for a message that had no other effect."""
    assert await desk.dealt_with(post) is True
    assert not [
        one for one in desk.telegram.posts(desk.account, where_of(desk, post)) if one.reply_to == post.uid
    ]
    (row,) = await desk.audit()
    assert (row.action, row.data["command"], row.data["count"]) == ("command.refused", "cancel", 1)
    return row.data["why"]


def where_of(desk, post):
    kind, _, rest = post.chat.partition(":")
    if kind == "p":
        one, other = map(int, rest.split(":"))
        return desk.telegram.state.accounts[other if one == desk.account.id else one]
    return desk.telegram.state.chats[int(rest)]


async def test_the_account_commands_in_saved_messages(desk, running):
    answer = await desk.say(f"/cancel {running.id}")
    assert answer.startswith("✅ Cancelled 1 job\n")
    assert (await desk.engine.job(running.id)).status is JobStatus.CANCELLED
    (row,) = await desk.audit()
    assert (row.actor, row.action, row.target) == (
        f"telegram:{desk.account.id}", "command.cancel", str(desk.account.id),
    )  # fmt: skip
    assert row.data["arguments"] == str(running.id)


async def test_an_admin_commands_in_a_watched_group_and_is_answered_there(make_desk, friend, group):
    desk = await make_desk(admin_ids=(friend.id,))
    await desk.watch(group, ChatMode.COMMAND)
    assert "All is well." in await desk.say("/health", group, friend)


async def test_a_stranger_in_a_watched_group_does_nothing(desk, running, friend, group):
    await desk.watch(group)
    post = desk.telegram.post(friend, group, f"/cancel {running.id}")
    assert await refused(desk, post) == "not an admin"
    assert (await desk.engine.job(running.id)).status is JobStatus.RUNNING


async def test_a_stranger_in_private_does_nothing(desk, running, friend):
    post = desk.telegram.post(friend, desk.account, f"/cancel {running.id}")
    assert await refused(desk, post) == "not an admin"
    assert (await desk.engine.job(running.id)).status is JobStatus.RUNNING


async def test_a_forward_by_an_admin_does_nothing(desk, running, friend):
    header = types.MessageFwdHeader(datetime.now(UTC), from_id=types.PeerUser(friend.id))
    post = desk.telegram.post(desk.account, desk.account, f"/cancel {running.id}", forwarded=header)
    assert await refused(desk, post) == "forwarded"
    assert (await desk.engine.job(running.id)).status is JobStatus.RUNNING


async def test_a_post_of_a_channel_does_nothing_even_in_the_owners_own(desk, running):
    channel = desk.telegram.add_channel("News", desk.account)
    await desk.watch(channel)
    post = desk.telegram.post(desk.account, channel, f"/cancel {running.id}")
    assert await refused(desk, post) == "posted in the name of a chat"


async def test_an_admin_who_hides_behind_the_group_does_nothing(make_desk, running, friend):
    desk = await make_desk(admin_ids=(friend.id,))
    group = desk.telegram.add_supergroup("Films", desk.account, friend)
    await desk.watch(group)
    post = desk.telegram.post(friend, group, f"/cancel {running.id}", anonymous=True)
    assert await refused(desk, post) == "posted in the name of a chat"


async def test_a_text_that_is_edited_into_a_command_does_nothing(desk, running):
    post = desk.telegram.post(desk.account, desk.account, "nothing to see")
    assert await desk.dealt_with(post) is False
    desk.heard.clear()
    desk.telegram.edit(post, f"/cancel {running.id}")
    assert await refused(desk, post) == "edited"
    assert (await desk.engine.job(running.id)).status is JobStatus.RUNNING


async def test_a_command_that_is_edited_later_or_gets_a_preview_is_obeyed_once(desk, running):
    post = desk.telegram.post(desk.account, desk.account, f"/pause {running.id}")
    assert await desk.dealt_with(post) is True
    await desk.engine.resume(running.id)
    for text, hidden in ((post.text, True), (f"/cancel {running.id}", False)):
        desk.heard.clear()
        desk.telegram.edit(post, text, edit_hidden=hidden)
        assert await desk.dealt_with(post) is True
    assert (await desk.engine.job(running.id)).status is not JobStatus.CANCELLED
    assert [row.action for row in await desk.audit()] == ["command.pause"]


async def test_a_caption_does_nothing(desk, running):
    post = desk.telegram.post(desk.account, desk.account, f"/cancel {running.id}", file=b"film")
    assert await refused(desk, post) == "caption of a file"


async def test_a_quoted_command_does_nothing(desk, running):
    entities = [types.MessageEntityBlockquote(0, 9)]
    post = desk.telegram.post(desk.account, desk.account, f"/cancel {running.id}", entities=entities)
    assert await refused(desk, post) == "quoted"


async def test_an_old_command_does_nothing(desk, running):
    now = desk.telegram.world.now
    desk.telegram.world.now = lambda: int(time.time()) - 400
    post = desk.telegram.post(desk.account, desk.account, f"/cancel {running.id}")
    desk.telegram.world.now = now
    assert await refused(desk, post) == "too old"


async def test_an_owner_in_a_group_that_is_not_watched_does_nothing(desk, running, group):
    post = desk.telegram.post(desk.account, group, f"/cancel {running.id}")
    assert await refused(desk, post) == "the chat is not watched"


async def test_what_others_tell_their_bots_in_unwatched_groups_is_no_attempt(desk, friend, group):
    post = desk.telegram.post(friend, group, "/status")
    assert await desk.dealt_with(post) is False
    assert await desk.audit() == []


async def test_a_command_for_another_bot_is_not_ours(desk, group):
    await desk.watch(group)
    assert await desk.say("/status@other_bot", group) == ""
    assert "Telegram" in await desk.say("/status@Alice", group)


async def test_a_flood_of_attempts_is_one_row(desk, friend, group):
    await desk.watch(group)
    posts = [desk.telegram.post(friend, group, "/clear") for _ in range(30)]
    for post in posts:
        await desk.dealt_with(post)
    assert len(await desk.audit()) == 1


async def test_a_topic_that_is_watched_opens_itself_alone(desk, friend):
    forum = desk.telegram.add_supergroup("Forum", desk.account, friend, topics=["Films", "Talk"])
    films, talk = (number for number, title in forum.topics.items() if title in {"Films", "Talk"})
    await desk.watch(forum, topic_id=films)
    (answer,) = await desk.type("/health", forum, topic=films)
    assert answer.topic == films
    assert await desk.say("/health", forum, topic=talk) == ""


async def test_an_account_that_is_watched_by_nobody_else_keeps_its_own_chat_shut(desk, friend):
    """A private chat with a person is no place for commands unless it is watched."""
    assert await desk.say("/health", friend) == ""
    await desk.watch(friend)
    assert "All is well." in await desk.say("/health", friend)
    assert marked(friend) == friend.id
