"""Commands through the whole userbot: what is typed in a chat, and what the chat gets."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from core.domain.chat import ChatMode
from core.domain.job import JobStatus, Request
from tests.userbot.conftest import UNTIL_S, film, origin, until

__all__ = ["film", "origin"]


@pytest.fixture
def listening(telegram, run_userbot):
    """`async with listening(group) as bot`: the group is watched by command, and commands are heard."""

    @asynccontextmanager
    async def run(group, **options):
        async with run_userbot(**options) as bot:
            await bot.watch(group, ChatMode.COMMAND)
            # Reading the chat for the first time is what the server is asked after that.
            await telegram.until(lambda: bool(bot.client.list_event_handlers()), within_s=UNTIL_S)
            yield bot

    return run


def answers(bot, where, post):
    """What was sent in answer to a message."""
    return [one for one in bot.posts(where) if one.reply_to == post.uid and one.sender == bot.account.id]


async def test_an_owner_has_a_friends_link_fetched_and_sent_once_more(
    telegram, account, friend, listening, film
):
    group = telegram.add_group("Films", account, friend)
    async with listening(group) as bot:
        shown = telegram.post(friend, group, film)
        telegram.post(account, group, "/get", reply_to=shown)
        await telegram.until(lambda: any(one.media for one in answers(bot, group, shown)), within_s=UNTIL_S)
        (job,) = (await bot.engine.library("film")).items
        again = telegram.post(account, group, f"/send {job.job_id}")
        await telegram.until(lambda: any(one.media for one in answers(bot, group, again)), within_s=UNTIL_S)
        sent = [next(one for one in answers(bot, group, post) if one.media) for post in (shown, again)]
        assert telegram.bytes_of(sent[0]) == telegram.bytes_of(sent[1])


async def test_a_strangers_command_has_no_effect_in_a_watched_chat(
    telegram, account, friend, listening, film, origin
):
    group = telegram.add_group("Films", account, friend)
    async with listening(group) as bot:
        origin.put("/gone", b"")
        job = (await bot.engine.submit(Request(url=origin.url("/none")))).job
        await until(bot.engine, job.id, JobStatus.FAILED)
        tried = telegram.post(friend, group, f"/get {film}")
        telegram.post(friend, group, "/clear")
        asked = telegram.post(account, group, "/queue")
        await telegram.until(lambda: bool(answers(bot, group, asked)), within_s=UNTIL_S)
        assert answers(bot, group, tried) == []
        assert (await bot.engine.job(job.id)).status is JobStatus.FAILED
        tried_to = [(row.action, row.data["command"]) for row in (await bot.engine.audit()).items]
        assert sorted(tried_to) == [("command.refused", "clear"), ("command.refused", "get")]


async def test_a_bot_is_commanded_by_its_admins_in_private(telegram, friend, run_userbot):
    robot = telegram.add_bot("Reel")
    options = {"bot_token": robot.token, "admin_ids": (friend.id,)}
    async with run_userbot(is_logged_in=False, telegram=options) as bot:
        other = telegram.add_user("Eve")
        await bot.watch(other, ChatMode.COMMAND)
        bot.account = robot
        ignored = telegram.post(other, robot, "/status")
        asked = telegram.post(friend, robot, "/status")
        await telegram.until(lambda: bool(answers(bot, friend, asked)), within_s=UNTIL_S)
        assert "Telegram online as Reel" in answers(bot, friend, asked)[0].text
        assert answers(bot, other, ignored) == []
