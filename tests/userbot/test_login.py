"""Logging in and out, as `reeldeck telegram login` does it, on a real server of ours."""

from __future__ import annotations

import asyncio
import base64
import stat
import struct

import pytest
from telethon import TelegramClient

from core.domain.errors import AuthRequired, ConfigError, FloodWait, InvalidRequest
from tests.fakes.telegram import FakeTelegram
from userbot.login import log_in, log_out, logged_in_as
from userbot.session import SessionBusy, SessionFile


class Person:
    """Answers from lists; what is left of them was not asked for."""

    def __init__(self, telegram, account, *, phones=(), codes=(None,), passwords=()):
        self._telegram, self._account = telegram, account
        self.phones, self.codes, self.passwords = (
            list(phones or [account.phone]),
            list(codes),
            list(passwords),
        )
        self.complaints, self.ways, self.hints, self.scans = [], [], [], []
        self.on_scan = lambda token: telegram.scan(token, account.id)

    def phone(self):
        return self.phones.pop(0)

    def code(self, *, sent_by):
        self.ways.append(sent_by)
        given = self.codes.pop(0)
        return self._telegram.code_for(self._account) if given is None else given

    def password(self, *, hint):
        self.hints.append(hint)
        return self.passwords.pop(0)

    def wrong(self, what):
        self.complaints.append(what)

    def scan(self, url, *, valid_s):
        assert 0 < valid_s <= 30
        self.scans.append(url)
        token = url.partition("token=")[2]
        token = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        # The app scans it a moment later.
        asyncio.get_running_loop().call_soon(self.on_scan, token)


async def test_a_code_logs_in_and_the_login_is_its_owners_alone(telegram, account, make_settings):
    settings = make_settings()
    file = SessionFile(settings)
    assert await logged_in_as(settings) is None
    person = Person(telegram, account)
    assert (await log_in(settings, person, by_qr=False)).id == account.id
    assert person.ways == ["in a Telegram app"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {each.name for each in file.path.parent.iterdir()} == {"telegram.session", "telegram.lock"}
    assert (await logged_in_as(settings)).id == account.id


async def test_wrong_answers_are_asked_for_again_and_a_password_where_there_is_one(telegram, make_settings):
    careful = telegram.add_user("Carol", password="correct horse")
    person = Person(
        telegram,
        careful,
        phones=["none", careful.phone],
        codes=["0", None],
        passwords=["battery", "correct horse"],
    )
    assert (await log_in(make_settings(), person, by_qr=False)).id == careful.id
    assert len(person.complaints) == 3
    assert (person.phones, person.codes, person.passwords) == ([], [], [])


async def test_enter_alone_asks_for_another_code(telegram, account, make_settings):
    await log_in(make_settings(), Person(telegram, account, codes=["", None]), by_qr=False)
    assert telegram.counts["auth.resendCode"] == 1


async def test_three_wrong_codes_end_it_and_leave_nothing_behind(telegram, account, make_settings):
    settings = make_settings()
    with pytest.raises(AuthRequired):
        await log_in(settings, Person(telegram, account, codes=["0", "1", "2"]), by_qr=False)
    assert [each.name for each in SessionFile(settings).path.parent.iterdir()] == ["telegram.lock"]


async def test_a_code_that_came_too_late_is_followed_by_another(telegram, account, make_settings):
    person = Person(telegram, account, codes=["1 2 3", None])
    plain = person.code

    def code(*, sent_by):
        if len(person.codes) == 2:
            telegram.codes.expire()
        return plain(sent_by=sent_by)

    person.code = code
    assert (await log_in(make_settings(), person, by_qr=False)).id == account.id
    assert person.complaints == ["That code has expired; another one is on its way."]
    assert telegram.counts["auth.sendCode"] == 2


async def test_where_no_other_code_can_be_sent_the_first_one_still_counts(telegram, account, make_settings):
    telegram.fail("auth.resendCode", "SEND_CODE_UNAVAILABLE")
    person = Person(telegram, account, codes=["", None])
    assert (await log_in(make_settings(), person, by_qr=False)).id == account.id
    assert "no other code" in person.complaints[0]


@pytest.mark.parametrize(
    ("word", "told"),
    [("PHONE_NUMBER_BANNED", "has banned this number"), ("PHONE_NUMBER_FLOOD", "too many logins")],
)
async def test_a_number_that_is_not_let_in_is_told_why_and_asked_no_more(
    telegram, account, make_settings, word, told
):
    telegram.fail("auth.sendCode", word)
    with pytest.raises(AuthRequired, match=told):
        await log_in(make_settings(), Person(telegram, account), by_qr=False)
    assert telegram.counts["auth.sendCode"] == 1


async def test_three_wrong_passwords_end_it_and_leave_nothing_behind(telegram, make_settings):
    careful = telegram.add_user("Carol", password="secret")
    settings = make_settings()
    with pytest.raises(AuthRequired, match="passwords"):
        await log_in(settings, Person(telegram, careful, passwords=["a", "b", "c"]), by_qr=False)
    assert [each.name for each in SessionFile(settings).path.parent.iterdir()] == ["telegram.lock"]


async def test_an_account_of_another_data_centre_is_logged_in_there(tmp_path, make_settings, run_userbot):
    """Its login leads there again at every start, whatever the settings name."""
    async with FakeTelegram(tmp_path / "two", dcs=(2, 4)) as telegram:
        TelegramClient._config = None  # Cached on the class, from another server.
        account = telegram.add_user("Dora")
        key = tmp_path / "two.pem"
        key.write_text(telegram.public_key)
        server = {"dc_id": 2, "host": "127.0.0.1", "port": telegram.ports[2], "public_key_file": key}
        settings = make_settings(telegram={"server": server})
        telegram.fail("auth.sendCode", "PHONE_MIGRATE_4")
        assert (await log_in(settings, Person(telegram, account), by_qr=False)).id == account.id
        async with run_userbot(telegram={"server": server}) as bot:
            assert bot.userbot.status()["state"] == "online"
            assert bot.client.session.dc_id == 4
            assert {each.dc for each in telegram.connections} == {4}
    TelegramClient._config = None


async def test_a_wait_is_told_with_its_length(telegram, account, make_settings):
    telegram.fail("auth.sendCode", "FLOOD_WAIT_300")
    with pytest.raises(FloodWait) as caught:
        await log_in(make_settings(), Person(telegram, account), by_qr=False)
    assert caught.value.retry_after_s == 300


async def test_a_scanned_code_logs_in(telegram, account, make_settings):
    person = Person(telegram, account)
    assert (await log_in(make_settings(), person, by_qr=True)).id == account.id
    assert len(person.scans) == 1


async def test_a_scanned_code_may_still_want_the_password(telegram, make_settings):
    careful = telegram.add_user("Carol", password="secret")
    person = Person(telegram, careful, passwords=["secret"])
    assert (await log_in(make_settings(), person, by_qr=True)).id == careful.id


@pytest.mark.parametrize("password", ["", "secret"])
async def test_a_code_that_was_scanned_at_the_last_moment_logs_in(
    telegram, make_settings, monkeypatch, password
):
    """Nobody waits for word of a scan while the next code is made."""
    monkeypatch.setattr("userbot.login.QR_CODE_S", 0.2)
    late = telegram.add_user("Late", password=password)
    person = Person(telegram, late, passwords=[password])
    person.on_scan = lambda token: telegram.scanned.update({struct.unpack("<Qq", token)[0]: late.id})
    assert (await log_in(make_settings(), person, by_qr=True)).id == late.id
    assert len(person.scans) == 1
    assert (await logged_in_as(make_settings())).id == late.id


async def test_logging_out_ends_the_login_there_and_here(telegram, account, make_settings, log_in):
    settings = make_settings()
    file = await log_in(account, settings)
    assert await log_out(settings)
    assert telegram.state.logins == {}
    assert not file.exists()
    assert not await log_out(settings)


async def test_logging_out_of_a_login_that_has_ended_deletes_it(telegram, account, make_settings, log_in):
    settings = make_settings()
    for end in (lambda: telegram.revoke(account), telegram.forget_keys):
        file = await log_in(account, settings)
        end()
        assert not await log_out(settings)
        assert not file.exists()


async def test_a_login_that_telegram_has_ended_is_none(telegram, account, make_settings, log_in):
    settings = make_settings()
    await log_in(account, settings)
    telegram.forget_keys()
    assert await logged_in_as(settings) is None


async def test_nobody_logs_in_while_another_process_uses_the_login(telegram, account, make_settings):
    settings = make_settings()
    with SessionFile(settings).lock(), pytest.raises(SessionBusy):
        await log_in(settings, Person(telegram, account), by_qr=False)


async def test_what_is_missing_is_named_with_where_to_get_it(telegram, account, make_settings):
    with pytest.raises(ConfigError) as caught:
        await log_in(make_settings(telegram={"api_id": None}), Person(telegram, account), by_qr=False)
    assert "my.telegram.org" in caught.value.hint
    with pytest.raises(InvalidRequest, match="bot"):
        await log_in(make_settings(telegram={"bot_token": "1:x"}), Person(telegram, account), by_qr=False)
