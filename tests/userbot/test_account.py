"""The account beside the engine: connected, cut off, waiting, logged out, and the engine goes on."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from core.domain.errors import InvalidRequest, NetworkFailure, SessionLost
from core.domain.job import JobStatus
from tests.userbot.conftest import finish, marked
from userbot import service
from userbot.presence import State
from userbot.session import SessionFile


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """What is looked at now and then is looked at soon."""
    for name in ("LOOK_S", "ASK_S", "FIRST_WAIT_S"):
        monkeypatch.setattr(service, name, 0.05)


async def until(bot, *states):
    async with asyncio.timeout(20):
        await bot.userbot.until(*states)


async def looked_at(owner, name, *, times, monkeypatch):
    """Wait until an attribute was asked for so often."""
    plain, enough, seen = vars(owner)[name], asyncio.Event(), []

    def look(self):
        seen.append(self)
        if len(seen) == times:
            enough.set()
        return plain.__get__(self)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, property(look))
        async with asyncio.timeout(10):
            await enough.wait()


async def test_the_status_says_who_is_online(run_userbot):
    async with run_userbot() as bot:
        assert (await bot.engine.status())["telegram"] == {
            "state": "online",
            "account": "Alice",
            "wait_until": None,
            "detail": "",
        }
        assert (await bot.client.get_me()).id == bot.account.id


async def test_the_engine_works_while_telegram_is_away_and_the_account_comes_when_it_is_back(
    telegram, account, make_settings, log_in, run_userbot, film, monkeypatch
):
    await log_in(account, make_settings())
    await telegram.stop()
    async with run_userbot(expected=State.CONNECTING) as bot:
        assert (await finish(bot.engine, film)).status is JobStatus.COMPLETED
        with monkeypatch.context() as patched:
            patched.setattr(service, "PATIENCE_S", 0.05)
            with pytest.raises(NetworkFailure):
                await bot.userbot.dialogs()
        asked = asyncio.create_task(bot.userbot.dialogs())
        await telegram.start()
        assert await asked == []
        await until(bot, State.ONLINE)


async def test_a_cut_connection_comes_back_with_what_was_missed(telegram, friend, run_userbot, film):
    async with run_userbot() as bot:
        group = telegram.add_group("Films", bot.account, friend)
        await bot.watch(group)
        await telegram.stop()
        await until(bot, State.CONNECTING)
        assert bot.userbot.status()["detail"] == "the connection is lost"
        telegram.post(friend, group, film)
        await telegram.start()
        await until(bot, State.ONLINE)
        assert len(await bot.until_posts(group, 2)) == 2


async def test_an_ended_login_is_told_once_and_not_tried_again(
    telegram, account, run_userbot, log_in, caplog, monkeypatch
):
    async with run_userbot() as bot:
        telegram.revoke(account)
        await until(bot, State.LOGIN_NEEDED)
        calls = sum(telegram.counts.values())
        with pytest.raises(SessionLost):
            bot.userbot.collect(None)
        await looked_at(SessionFile, "stamp", times=5, monkeypatch=monkeypatch)
        assert sum(telegram.counts.values()) == calls
        told = [
            one for one in caplog.records if one.levelno == logging.ERROR and "not logged in" in one.message
        ]
        assert len(told) == 1
        entries = (await bot.engine.audit()).items
        assert [one.action for one in entries] == ["login_needed"]


async def test_the_first_call_that_is_refused_notices_that_the_login_has_ended(
    telegram, account, run_userbot, monkeypatch
):
    monkeypatch.setattr(service, "ASK_S", 3600.0)
    async with run_userbot() as bot:
        telegram.revoke(account)
        with pytest.raises(SessionLost):
            await bot.userbot.dialogs()
        await until(bot, State.LOGIN_NEEDED)
        await looked_at(SessionFile, "stamp", times=2, monkeypatch=monkeypatch)
        assert [one.action for one in (await bot.engine.audit()).items] == ["login_needed"]


async def test_a_refusal_of_one_call_does_not_end_a_login_that_is_good(telegram, run_userbot, monkeypatch):
    monkeypatch.setattr(service, "ASK_S", 3600.0)
    async with run_userbot() as bot:
        asked = telegram.counts["updates.getState"]
        telegram.fail("messages.getDialogs", "SESSION_REVOKED")
        with pytest.raises(SessionLost):
            await bot.userbot.dialogs()
        await telegram.until(lambda: telegram.counts["updates.getState"] > asked)
        assert await bot.userbot.dialogs() == []
        assert bot.userbot.status()["state"] == "online"


async def test_faults_without_end_are_no_reason_to_give_up(make_settings, monkeypatch):
    """Numbers that are doubled every time grow out of what a float holds."""
    settings = make_settings()
    waits: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds):
        waits.append(seconds)
        if len(waits) > 1100:
            enough.set()
            await asyncio.get_running_loop().create_future()

    async def fail():
        raise NetworkFailure("no network")

    bot = service.Userbot(None, settings, None)
    monkeypatch.setattr(bot, "_live", fail)
    monkeypatch.setattr(service.asyncio, "sleep", sleep)
    await bot.start()
    async with asyncio.timeout(10):
        await enough.wait()
    await bot.stop()
    assert waits[-1] == service.LAST_WAIT_S


async def test_a_new_login_is_taken_up_by_itself(telegram, account, run_userbot, make_settings, log_in):
    async with run_userbot() as bot:
        telegram.revoke(account)
        await until(bot, State.LOGIN_NEEDED)
        SessionFile(make_settings()).delete()
        await log_in(account, make_settings())
        await until(bot, State.ONLINE)
        assert (await bot.client.get_me()).id == account.id


async def test_a_key_that_telegram_forgot_needs_a_login(
    telegram, account, make_settings, log_in, run_userbot
):
    await log_in(account, make_settings())
    telegram.forget_keys()
    async with run_userbot(expected=State.LOGIN_NEEDED) as bot:
        assert bot.userbot.status()["detail"] == "AUTH_KEY_NOT_FOUND"


async def test_a_removed_session_file_needs_a_login(run_userbot, make_settings):
    async with run_userbot() as bot:
        SessionFile(make_settings()).path.unlink()
        await until(bot, State.LOGIN_NEEDED)


async def test_nobody_has_logged_in_yet(run_userbot, film):
    async with run_userbot(is_logged_in=False, expected=State.LOGIN_NEEDED) as bot:
        assert bot.userbot.status()["detail"] == "nobody has logged in yet"
        assert (await finish(bot.engine, film)).status is JobStatus.COMPLETED


async def test_a_wait_at_the_door_is_waited_for_and_shown(
    telegram, account, make_settings, log_in, run_userbot
):
    await log_in(account, make_settings())
    telegram.fail("help.getConfig", "FLOOD_WAIT_1")
    async with run_userbot(expected=State.WAITING) as bot:
        assert bot.userbot.status()["wait_until"].endswith("Z")
        await until(bot, State.ONLINE)


async def test_two_processes_do_not_share_a_login(
    telegram, make_settings, run_userbot, log_in, account, monkeypatch
):
    await log_in(account, make_settings())
    with contextlib.ExitStack() as other:
        other.enter_context(SessionFile(make_settings()).lock())
        async with run_userbot(expected=State.CONNECTING) as bot:
            await looked_at(SessionFile, "lock", times=2, monkeypatch=monkeypatch)
            assert bot.userbot.status()["detail"] == "Another process uses this Telegram login"
            assert telegram.connections == set()
            other.close()
            await until(bot, State.ONLINE)


async def test_an_unknown_api_id_is_told_and_not_tried_again(
    telegram, account, make_settings, log_in, run_userbot
):
    await log_in(account, make_settings())
    telegram.fail("help.getConfig", "API_ID_INVALID")
    async with run_userbot(expected=State.FAILED) as bot:
        assert "api_id" in bot.userbot.status()["detail"]


async def test_stopping_takes_seconds_even_when_telegram_does_not_answer(telegram, friend, run_userbot):
    async with run_userbot() as bot:
        telegram.ignore("*", times=1000)
        began = asyncio.get_running_loop().time()
        await bot.userbot.stop()
        assert asyncio.get_running_loop().time() - began < service.STOP_WITHIN_S + 0.5


async def test_chats_are_found_by_id_name_link_and_topic(telegram, friend, run_userbot, account):
    forum = telegram.add_supergroup("Lectures", account, friend, username="lectures", topics=["Physics"])
    physics = next(number for number, title in forum.topics.items() if title == "Physics")
    group = telegram.add_group("Films", account, friend)
    async with run_userbot() as bot:
        listed = {(one.chat_id, one.topic_id): one.title for one in await bot.userbot.dialogs()}
        assert listed[marked(group), 0] == "Films"
        assert listed[marked(forum), physics] == "Lectures / Physics"
        for name in (str(marked(forum)), "@lectures", "https://t.me/lectures", f"t.me/c/{forum.id}"):
            assert (await bot.userbot.find_chat(name)).chat_id == marked(forum)
        topic = await bot.userbot.find_chat(f"https://t.me/c/{forum.id}/{physics}")
        assert (topic.chat_id, topic.topic_id) == (marked(forum), physics)
        assert (await bot.userbot.find_chat("me")).chat_id == account.id
        for name in ("@nobody_has_this", "-100123", "what is this?"):
            with pytest.raises(InvalidRequest):
                await bot.userbot.find_chat(name)
