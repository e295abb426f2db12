"""Logging the account in: by code and password, or by a QR code that a Telegram app scans."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from telethon import TelegramClient, errors
from telethon.sessions import SQLiteSession
from telethon.tl import functions, types
from telethon.tl.custom.qrlogin import QRLogin

from core.config.settings import Settings
from core.domain.chat import ChatRules
from core.domain.errors import AuthRequired, InvalidRequest, SessionLost, StageTimeout
from userbot.chats import AddressBook
from userbot.client import check_settings, let_go, make_client
from userbot.faults import telegram_errors
from userbot.link import Link
from userbot.session import SessionFile

#: Wrong answers to one question before it is given up; Telegram itself ends a login after a few.
MAX_TRIES = 3
#: A person waits.
CONNECT_WITHIN_S = 30.0
#: QR codes that are shown one after the other.
MAX_QR_CODES = 10
#: How long one is valid, by https://core.telegram.org/api/qr-login.
QR_CODE_S = 30.0


class Asks(Protocol):
    """Whoever answers: a person at a terminal."""

    def phone(self) -> str:
        """The number of the account, with its country code."""
        ...

    def code(self, *, sent_by: str) -> str:
        """The login code; empty asks for another one."""
        ...

    def password(self, *, hint: str) -> str:
        """The password of two-step verification."""
        ...

    def wrong(self, what: str) -> None:
        """An answer was wrong, or came too late; the question comes again."""
        ...

    def scan(self, url: str, *, valid_s: float) -> None:
        """Show a link as a QR code."""
        ...


async def logged_in_as(settings: Settings) -> types.User | None:
    """Whose login there is, as Telegram sees it; None when there is none, or it has ended.

    Raises:
        SessionBusy: An engine that is logged in runs.
        NetworkFailure: Telegram cannot be reached.
    """
    file = SessionFile(settings)
    with contextlib.suppress(SessionLost), file.lock():
        if file.stamp is not None:
            async with _connected(settings, file.open()) as client:
                return await client.get_me()
    return None


async def chats_of_account(settings: Settings) -> Sequence[ChatRules]:
    """The chats and topics of the account that is logged in, without an engine.

    Raises:
        SessionBusy: An engine that is logged in runs: ask it.
        SessionLost: There is no login.
        NetworkFailure: Telegram cannot be reached.
    """
    file = SessionFile(settings)
    with file.lock():
        async with _connected(settings, file.open()) as client:
            me = await client.get_me()
            if me is None:
                raise SessionLost("nobody has logged in yet")
            return await AddressBook(client, me).dialogs(are_read=True)


async def log_in(settings: Settings, asks: Asks, *, by_qr: bool) -> types.User:
    """Make a new login and put it into the session file's place; whose it is.

    Raises:
        ConfigError: The settings cannot be used.
        SessionBusy: An engine that is logged in runs.
        AuthRequired: Every try was wrong, or Telegram does not let this number in.
        FloodWait: There were too many tries.
        NetworkFailure: Telegram cannot be reached.
    """
    check_settings(settings)
    if settings.telegram.bot_token is not None:
        raise InvalidRequest(
            "telegram.bot_token is set: the engine logs the bot in by itself",
            hint="Remove it to use the account of a person.",
        )
    file = SessionFile(settings)
    with file.lock(), file.replacement() as session:
        async with _connected(settings, session) as client:
            return await (_by_qr(client, asks) if by_qr else _by_code(client, asks))


async def log_out(settings: Settings) -> bool:
    """End the login at Telegram and delete its file; False when there was none, or it had ended before.

    Raises:
        SessionBusy: An engine that is logged in runs.
        NetworkFailure: Telegram cannot be reached; the file stays.
    """
    file = SessionFile(settings)
    with file.lock():
        if file.stamp is None:
            return False
        is_known = False
        with contextlib.suppress(SessionLost):
            async with _connected(settings, file.open()) as client:
                is_known = await client.get_me() is not None
                if is_known:
                    await client.log_out()
        file.delete()
        return is_known


@contextlib.asynccontextmanager
async def _connected(settings: Settings, session: SQLiteSession) -> AsyncIterator[TelegramClient]:
    client = make_client(settings, session, Link())
    # Waits are told instead of slept through.
    client.flood_sleep_threshold = 0
    try:
        with telegram_errors():
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await client.connect()
            yield client
    finally:
        await let_go(client)


async def _by_code(client: TelegramClient, asks: Asks) -> types.User:
    phone, sent = await _send_code(client, asks)
    for _ in range(MAX_TRIES):
        while not (code := "".join(asks.code(sent_by=_way(sent)).split())):
            try:
                sent = await client.send_code_request(phone)
            except errors.SendCodeUnavailableError:
                asks.wrong("Telegram sends no other code to this number for now.")
        try:
            return await client.sign_in(phone, code)
        except errors.SessionPasswordNeededError:
            return await _by_password(client, asks)
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError):
            asks.wrong("That is not the code.")
        except errors.PhoneCodeExpiredError:
            asks.wrong("That code has expired; another one is on its way.")
            sent = await client.send_code_request(phone)
        except errors.PhoneNumberUnoccupiedError as error:
            raise AuthRequired("no Telegram account has this number", hint="Make one in an app.") from error
    raise AuthRequired("the codes were wrong", hint="Begin again: reeldeck telegram login")


async def _send_code(client: TelegramClient, asks: Asks) -> tuple[str, types.auth.SentCode]:
    for _ in range(MAX_TRIES):
        phone = asks.phone()
        try:
            return phone, await client.send_code_request(phone)
        except (errors.PhoneNumberInvalidError, TypeError):
            # Telethon itself refuses what has no digits.
            asks.wrong("That is no phone number; it begins with + and the country code.")
        except errors.PhoneNumberBannedError as error:
            raise AuthRequired(
                "Telegram has banned this number", hint="Ask its support: recover@telegram.org"
            ) from error
        except (errors.PhoneNumberFloodError, errors.PhonePasswordFloodError) as error:
            raise AuthRequired("there were too many logins with this number", hint="Wait a day.") from error
    raise AuthRequired("there was no phone number", hint="Begin again: reeldeck telegram login")


async def _by_password(client: TelegramClient, asks: Asks) -> types.User:
    hint = (await client(functions.account.GetPasswordRequest())).hint or ""
    for _ in range(MAX_TRIES):
        try:
            return await client.sign_in(password=asks.password(hint=hint))
        except errors.PasswordHashInvalidError:
            asks.wrong("That is not the password.")
    raise AuthRequired("the passwords were wrong", hint="Reset it in a Telegram app, under Privacy.")


async def _by_qr(client: TelegramClient, asks: Asks) -> types.User:
    shown = await client.qr_login()
    for _ in range(MAX_QR_CODES):
        valid_s = (shown.expires - datetime.now(UTC)).total_seconds()
        if not 0 < valid_s <= QR_CODE_S:
            valid_s = QR_CODE_S  # This machine's clock is wrong.
        asks.scan(shown.url, valid_s=valid_s)
        try:
            # Not scanned, or declined in the app, which Telethon does not expect.
            with contextlib.suppress(TimeoutError, TypeError):
                return await shown.wait(valid_s)
            if (user := await _renewed(client, shown)) is not None:
                return user
        except errors.SessionPasswordNeededError:
            return await _by_password(client, asks)
    raise StageTimeout("nobody scanned the code", hint="Begin again: reeldeck telegram login --qr")


async def _renewed(client: TelegramClient, shown: QRLogin) -> types.User | None:
    """Have the next code made; who it is, where the last one was scanned at the very last moment.

    What `QRLogin.wait` does once it has heard of the scan; it hears of none while it does not wait.
    """
    await shown.recreate()
    answer = shown._resp  # noqa: SLF001 -- there is no public way
    if isinstance(answer, types.auth.LoginTokenMigrateTo):
        await client._switch_dc(answer.dc_id)  # noqa: SLF001 -- as above
        answer = await client(functions.auth.ImportLoginTokenRequest(answer.token))
    if isinstance(answer, types.auth.LoginTokenSuccess):
        await client._on_login(answer.authorization.user)  # noqa: SLF001 -- as above
        return answer.authorization.user
    return None


def _way(sent: types.auth.SentCode) -> str:
    """How the code travels, in a word."""
    ways = {
        types.auth.SentCodeTypeApp: "in a Telegram app",
        types.auth.SentCodeTypeSms: "by SMS",
        types.auth.SentCodeTypeCall: "by a call",
        types.auth.SentCodeTypeFlashCall: "by a call",
        types.auth.SentCodeTypeMissedCall: "by a call: its last digits",
        types.auth.SentCodeTypeEmailCode: "by e-mail",
        types.auth.SentCodeTypeFragmentSms: "at fragment.com",
    }
    return ways.get(type(sent.type), "by Telegram")
