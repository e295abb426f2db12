"""A part that fails begins anew; the others and the engine never notice."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import FloodWait, NetworkFailure, SessionLost
from userbot import supervision
from userbot.supervision import supervise, until_one_ends


@pytest.fixture
def waits(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(supervision.asyncio, "sleep", sleep)
    return waited


async def test_a_part_begins_anew_after_every_fault_ever_later_until_the_login_is_lost(waits):
    faults = [KeyError("a bug"), NetworkFailure("gone"), ConnectionResetError(), None, SessionLost("ended")]

    async def run():
        fault = faults.pop(0)
        if fault is not None:
            raise fault

    with pytest.raises(SessionLost):
        await supervise("part", run)
    assert waits == [1, 2, 4, 8]


async def test_a_part_that_fails_for_days_is_still_begun_anew(waits):
    faults = [NetworkFailure("gone")] * 1100 + [SessionLost("ended")]

    async def run():
        raise faults.pop(0)

    with pytest.raises(SessionLost):
        await supervise("part", run)
    assert waits[-1] == supervision.LAST_WAIT_S


async def test_a_wait_that_telegram_asked_for_is_kept(waits):
    faults = [FloodWait("30 s", retry_after_s=30), SessionLost("ended")]

    async def run():
        raise faults.pop(0)

    with pytest.raises(SessionLost):
        await supervise("part", run)
    assert waits == [30]


async def test_the_cancelling_of_telethon_is_a_fault_like_others(waits):
    faults = [asyncio.CancelledError(), SessionLost("ended")]

    async def run():
        raise faults.pop(0)

    with pytest.raises(SessionLost):
        await supervise("part", run)
    assert waits == [1]


async def test_the_first_that_ends_ends_the_others():
    ended = []

    async def waiting():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    async def failing():
        await asyncio.sleep(0)
        raise SessionLost("ended")

    with pytest.raises(SessionLost):
        await until_one_ends({"waiting": waiting(), "failing": failing()})
    assert ended == [True]
