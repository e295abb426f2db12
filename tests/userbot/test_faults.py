"""Telegram's words become errors of our tree."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors

from core.domain.errors import (
    ConfigError,
    FloodWait,
    Forbidden,
    NetworkFailure,
    NotFound,
    SessionLost,
    Unknown,
)
from userbot.faults import SlowMode, telegram_errors, translated


@pytest.mark.parametrize(
    ("raised", "expected", "detail"),
    [
        (errors.FloodWaitError(None, capture=7), FloodWait, "7 s"),
        (errors.SlowModeWaitError(None, capture=30), SlowMode, "30 s"),
        (errors.UserDeactivatedBanError(None), SessionLost, "USER_DEACTIVATED_BAN"),
        (errors.AuthKeyDuplicatedError(None), SessionLost, "AUTH_KEY_DUPLICATED"),
        (errors.AuthKeyNotFound(), SessionLost, "AUTH_KEY_NOT_FOUND"),
        (errors.ChatWriteForbiddenError(None), Forbidden, "this account may not write in that chat"),
        (errors.ForbiddenError(None, "SOMETHING_NEW"), Forbidden, "SOMETHING_NEW"),
        (errors.MsgIdInvalidError(None), NotFound, "Telegram knows nothing of it (MSG_ID_INVALID)"),
        (errors.RpcCallFailError(None), NetworkFailure, "Telegram: RPC_CALL_FAIL"),
        (ConnectionResetError(104, "Connection reset by peer"), NetworkFailure, "Telegram: Connection reset"),
        (TimeoutError(), NetworkFailure, "Telegram: TIMEOUT"),
        (errors.ApiIdInvalidError(None), ConfigError, "Telegram does not take telegram.api_id"),
        (errors.BadRequestError(None, "SOMETHING_NEW"), Unknown, "Telegram: SOMETHING_NEW"),
    ],
)
def test_each_answer_has_its_error(raised, expected, detail):
    error = translated(raised)
    assert type(error) is expected
    assert error.detail.startswith(detail)


def test_a_wait_says_how_long():
    assert translated(errors.FloodPremiumWaitError(None, capture=11)).retry_after_s == 11
    assert translated(errors.PeerFloodError(None)).retry_after_s >= 3600


def test_a_wanted_password_is_no_lost_login():
    assert type(translated(errors.SessionPasswordNeededError(None))) is Unknown


async def test_what_telethon_cancels_when_it_disconnects_is_a_network_failure():
    answer = asyncio.get_running_loop().create_future()
    answer.cancel()
    with pytest.raises(NetworkFailure), telegram_errors():
        await answer


async def test_ones_own_cancellation_stays_one():
    async def wait():
        with telegram_errors():
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_other_errors_pass_untouched():
    with pytest.raises(KeyError), telegram_errors():
        raise KeyError("ours")
