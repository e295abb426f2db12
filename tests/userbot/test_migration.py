"""A watched group that becomes a supergroup goes on being watched."""

from __future__ import annotations

import asyncio

from core.domain.job import Kind
from tests.userbot.conftest import marked


async def rules_of(engine, chat_id):
    """The rules of a chat once there are some."""
    changed = asyncio.Event()
    engine.on_rules(changed.set)
    async with asyncio.timeout(10):
        while True:
            changed.clear()
            found = [each for each in await engine.chat_rules() if each.chat_id == chat_id]
            if found:
                return found
            await changed.wait()


async def without(engine, chat_id):
    """The chat has no rules any more."""
    changed = asyncio.Event()
    engine.on_rules(changed.set)
    async with asyncio.timeout(10):
        while any(each.chat_id == chat_id for each in await engine.chat_rules()):
            changed.clear()
            await changed.wait()


async def test_rules_follow_a_group_that_is_upgraded(telegram, account, friend, run_userbot, film):
    group = telegram.add_group("Films", account, friend)
    async with run_userbot() as bot:
        await bot.watch(group, kind=Kind.VIDEO)
        telegram.post(friend, group, film)
        await bot.until_posts(group, 2)
        supergroup = telegram.upgrade(group)
        (rules,) = await rules_of(bot.engine, marked(supergroup))
        assert rules.kind is Kind.VIDEO
        asked = telegram.post(friend, supergroup, film)
        answer = (await bot.until_posts(supergroup, 2))[1]
        assert answer.reply_to == asked.uid
        await without(bot.engine, marked(group))


async def test_an_upgrade_while_nobody_listened_is_followed_at_the_next_start(
    telegram, account, friend, run_userbot, film
):
    group = telegram.add_group("Films", account, friend)
    async with run_userbot() as bot:
        await bot.watch(group)
    supergroup = telegram.upgrade(group)
    telegram.post(friend, supergroup, film)
    async with run_userbot() as bot:
        await rules_of(bot.engine, marked(supergroup))
        telegram.post(friend, supergroup, film)
        await bot.until_posts(supergroup, 3)
