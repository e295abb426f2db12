"""The same on the account of a bot, and what bots cannot do."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.delivery import DeliveryState
from core.domain.errors import InvalidRequest
from userbot import service
from userbot.presence import State


async def test_a_bot_logs_in_by_its_token_and_says_what_bots_cannot_do(telegram, friend, run_userbot):
    bot_account = telegram.add_bot("Helper")
    async with run_userbot(is_logged_in=False, telegram={"bot_token": bot_account.token}) as bot:
        assert bot.userbot.status()["account"] == "Helper"
        with pytest.raises(InvalidRequest, match="a bot cannot list its chats"):
            await bot.userbot.dialogs()


async def test_a_bot_answers_links_as_a_person_does(telegram, friend, run_userbot, film):
    bot_account = telegram.add_bot("Helper")
    group = telegram.add_supergroup("Films", friend, bot_account)
    async with run_userbot(is_logged_in=False, telegram={"bot_token": bot_account.token}) as bot:
        await bot.watch(group)
        asked = telegram.post(friend, group, film)
        answer = (await bot.until_posts(group, 2))[-1]
        assert (answer.sender, answer.reply_to) == (bot_account.id, asked.uid)


async def test_a_bot_is_told_by_an_admin_in_a_chat_to_watch_it(telegram, friend, run_userbot):
    bot_account, stranger = telegram.add_bot("Helper"), telegram.add_user("Carol")
    group = telegram.add_supergroup("Films", friend, stranger, bot_account)
    telegram_settings = {"bot_token": bot_account.token, "admin_ids": (friend.id,)}
    async with run_userbot(is_logged_in=False, telegram=telegram_settings) as bot:
        for who in (stranger, friend):
            telegram.post(who, group, "/watch@helper_bot")
        answer = (await bot.until_posts(group, 3))[-1]
    assert answer.text.startswith("✅ Watching Films\n")
    assert answer.reply_to == telegram.posts(friend, group)[1].uid


async def test_a_bot_takes_telegrams_word_that_its_answer_is_there(telegram, friend, run_userbot, film):
    """A person looks for the message in the chat, which bots cannot."""
    bot_account = telegram.add_bot("Helper")
    group = telegram.add_supergroup("Films", friend, bot_account)
    async with run_userbot(is_logged_in=False, telegram={"bot_token": bot_account.token}) as bot:
        bot.client._request_retries = 0  # Telethon waits two seconds for each.
        await bot.watch(group)
        telegram.drop("messages.sendMedia", after=True)
        telegram.fail("messages.sendMedia", "RANDOM_ID_DUPLICATE")
        telegram.post(friend, group, film)
        await bot.until_posts(group, 2)
        async for _ in bot.engine.stream():
            if found := (await bot.engine.deliveries(state=DeliveryState.SKIPPED)).items:
                break
        assert [each.error_type for each in found] == [None]
        # What was sent cannot be repeated without its number: a second request is uploaded again.
        telegram.post(friend, group, film)
        assert len(await bot.until_posts(group, 4)) == 4


async def test_a_bot_finds_what_was_posted_while_it_was_away(telegram, friend, run_userbot, film):
    bot_account = telegram.add_bot("Helper")
    group = telegram.add_supergroup("Films", friend, bot_account)
    token = {"bot_token": bot_account.token}
    async with run_userbot(is_logged_in=False, telegram=token) as bot:
        await bot.watch(group)
        telegram.post(friend, group, film)
        await bot.until_posts(group, 2)
    telegram.post(friend, group, film)
    async with run_userbot(is_logged_in=False, telegram=token) as bot:
        await bot.until_posts(group, 4)


async def test_a_bot_whose_login_was_ended_makes_another_one(telegram, run_userbot, monkeypatch):
    monkeypatch.setattr(service, "BOT_WAIT_S", 0.05)
    bot_account = telegram.add_bot("Helper")
    async with run_userbot(is_logged_in=False, telegram={"bot_token": bot_account.token}) as bot:
        telegram.forget_keys()
        async with asyncio.timeout(20):
            await bot.userbot.until(State.LOGIN_NEEDED)
            await bot.userbot.until(State.ONLINE)


async def test_a_wrong_token_is_told_and_not_tried_again(telegram, run_userbot):
    wrong = {"bot_token": "1:nonsense"}
    async with run_userbot(is_logged_in=False, expected=State.FAILED, telegram=wrong) as bot:
        assert bot.userbot.status()["detail"] == "Telegram does not take telegram.bot_token"
        assert telegram.counts["auth.importBotAuthorization"] == 1
