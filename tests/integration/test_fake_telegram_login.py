"""Telethon, unpatched, connects to the loopback Telegram and logs in."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors
from telethon.network import connection as transports
from telethon.tl import functions

from tests.fakes.telegram import FakeTelegram


@pytest.fixture
async def tg(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


@pytest.mark.parametrize(
    "transport",
    [
        transports.ConnectionTcpFull,
        transports.ConnectionTcpAbridged,
        transports.ConnectionTcpIntermediate,
        transports.ConnectionTcpObfuscated,
    ],
)
async def test_a_code_logs_in_over_every_transport(tg, tmp_path, transport):
    alice = tg.add_user("Alice", phone="9990001")
    client = tg.client(tmp_path / "a.session", connection=transport)
    await tg.log_in(client, alice)
    me = await client.get_me()
    assert (me.id, me.first_name, me.phone) == (alice.id, "Alice", "9990001")
    await client.disconnect()


async def test_a_wrong_code_is_refused_and_a_used_one_has_expired(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    await client.send_code_request(alice.phone)
    with pytest.raises(errors.PhoneCodeInvalidError):
        await client.sign_in(alice.phone, "0")
    code = tg.code_for(alice)
    await client.sign_in(alice.phone, code)
    other = tg.client(tmp_path / "b.session")
    await other.connect()
    sent = await client.send_code_request(alice.phone)
    tg.codes.expire()
    with pytest.raises(errors.PhoneCodeExpiredError):
        await other.sign_in(alice.phone, code, phone_code_hash=sent.phone_code_hash)
    await client.disconnect()
    await other.disconnect()


async def test_a_number_without_an_account_is_unoccupied(tg, tmp_path):
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    await client.send_code_request("9990000")
    with pytest.raises(errors.PhoneNumberUnoccupiedError):
        await client.sign_in("9990000", tg.codes.last("9990000"))
    await client.disconnect()


async def test_a_second_factor_is_asked_for_and_proved(tg, tmp_path):
    alice = tg.add_user("Alice", password="correct horse")
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    await client.send_code_request(alice.phone)
    with pytest.raises(errors.SessionPasswordNeededError):
        await client.sign_in(alice.phone, tg.code_for(alice))
    assert not await client.is_user_authorized()
    with pytest.raises(errors.PasswordHashInvalidError):
        await client.sign_in(password="wrong horse")
    assert (await client.sign_in(password="correct horse")).id == alice.id
    await client.disconnect()


async def test_a_bot_logs_in_by_its_token_only(tg, tmp_path):
    bot = tg.add_bot("Helper")
    client = tg.client(tmp_path / "bot.session")
    await client.connect()
    with pytest.raises(errors.AccessTokenInvalidError):
        await client.sign_in(bot_token="1:nonsense")
    await tg.log_in(client, bot)
    assert await client.is_bot()
    with pytest.raises(errors.BotMethodInvalidError):
        await client.get_dialogs()
    await client.disconnect()


async def test_a_scanned_code_logs_in_and_may_still_want_the_password(tg, tmp_path):
    phone_owner = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    qr = await client.qr_login()
    waiting = asyncio.create_task(qr.wait(10))
    await asyncio.sleep(0)
    tg.scan(qr.token, phone_owner.id)
    assert (await waiting).id == phone_owner.id
    await client.disconnect()

    careful = tg.add_user("Bob", password="secret")
    client = tg.client(tmp_path / "b.session")
    await client.connect()
    qr = await client.qr_login()
    waiting = asyncio.create_task(qr.wait(10))
    await asyncio.sleep(0)
    tg.scan(qr.token, careful.id)
    with pytest.raises(errors.SessionPasswordNeededError):
        await waiting
    assert (await client.sign_in(password="secret")).id == careful.id
    await client.disconnect()


async def test_a_session_file_is_enough_after_a_restart_of_the_service(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    await client.disconnect()
    await tg.restart()
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    assert (await client.get_me()).id == alice.id
    assert tg.counts["auth.sendCode"] == 1
    await client.disconnect()


async def test_logging_out_ends_the_login(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    assert await client.log_out()
    assert tg.state.logins == {}


async def test_a_revoked_session_is_unauthorized(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    tg.revoke(alice)
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await client.get_dialogs()
    await client.disconnect()


async def test_a_forgotten_key_is_told_by_the_transport(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    await client.disconnect()
    tg.forget_keys()
    client = tg.client(tmp_path / "a.session")
    with pytest.raises(errors.AuthKeyNotFound):
        await client.connect()
    await client.disconnect()


async def test_a_changed_salt_costs_a_repeat_and_nothing_else(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    before = tg.counts["bad_msg 48"]
    tg.change_salt()
    assert (await client.get_me()).id == alice.id
    assert tg.counts["bad_msg 48"] > before
    await client.disconnect()


async def test_a_client_whose_clock_is_wrong_is_corrected(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    await client.disconnect()
    for ahead_s, code in ((1000, 16), (-1000, 17)):
        tg.clock_ahead_s = ahead_s
        client = tg.client(tmp_path / "a.session")
        await client.connect()
        assert (await client.get_me()).id == alice.id
        assert tg.counts[f"bad_msg {code}"] > 0
        await client.disconnect()


async def test_future_salts_are_told(tg, tmp_path):
    client = tg.client(tmp_path / "a.session")
    await client.connect()
    told = await client(functions.GetFutureSaltsRequest(1))
    assert [one.salt for one in told.salts] == [tg.state.salt]
    await client.disconnect()


async def test_methods_nobody_wrote_are_refused_not_guessed(tg, tmp_path):
    alice = tg.add_user("Alice")
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    with pytest.raises(errors.RPCError, match="does not exist"):
        await client(functions.messages.GetAllStickersRequest(0))
    await client.disconnect()


async def test_the_limits_of_uploads_can_be_read(tg, tmp_path):
    alice = tg.add_user("Alice", premium=True)
    client = tg.client(tmp_path / "a.session")
    await tg.log_in(client, alice)
    config = await client(functions.help.GetAppConfigRequest(0))
    limits = {one.key: one.value.value for one in config.config.value}
    assert limits["upload_max_fileparts_default"] == 4000
    assert limits["upload_max_fileparts_premium"] == 8000
    assert (await client.get_me()).premium
    await client.disconnect()
