"""How many calls Telegram may be asked at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from core.domain.errors import FloodWait
from userbot.transfer.window import Window


async def one_call(window):
    async with window.slot() as slot:
        slot.passed()


async def seated(stack, window, count):
    return [await stack.enter_async_context(window.slot()) for _ in range(count)]


async def no_seat(window):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await one_call(window)


async def test_no_more_calls_at_once_than_seats():
    window = Window(3, 8)
    async with AsyncExitStack() as stack:
        await seated(stack, window, 3)
        await no_seat(window)
    await one_call(window)


async def test_it_grows_by_one_with_each_round_that_went_well():
    window = Window(2, 4)
    sizes = []
    for _ in range(10):
        await one_call(window)
        sizes.append(window.size)
    assert sizes == [2, 3, 3, 3, 4, 4, 4, 4, 4, 4]


async def test_one_wait_halves_it_once_however_many_are_told_of_it():
    window = Window(8, 8, flood_sleep_s=10)
    async with AsyncExitStack() as stack:
        for slot in await seated(stack, window, 8):
            slot.flooded(0.02)
    assert window.size == 4
    async with window.slot() as slot:
        slot.flooded(0.01)
    assert window.size == 2


async def test_it_never_closes_wholly():
    window = Window(1, 8)
    async with window.slot() as slot:
        slot.flooded(0.01)
    assert window.size == 1
    await one_call(window)


async def test_nobody_is_seated_during_a_wait():
    window = Window()
    began = time.monotonic()
    async with window.slot() as slot:
        slot.flooded(0.1)
    assert 0 < window.wait_s <= 0.1
    await asyncio.gather(*(one_call(window) for _ in range(8)))
    assert time.monotonic() - began >= 0.1
    assert window.wait_s == 0


async def test_a_long_wait_is_raised_now_and_for_whoever_comes_during_it():
    window = Window(flood_sleep_s=10)
    with pytest.raises(FloodWait):
        async with window.slot() as slot:
            slot.flooded(300)
    with pytest.raises(FloodWait) as caught:
        await one_call(window)
    assert 299 < caught.value.retry_after_s <= 300


async def test_a_wait_that_grows_is_obeyed():
    window = Window(2, 2, flood_sleep_s=10)
    async with AsyncExitStack() as stack:
        first, second = await seated(stack, window, 2)
        first.flooded(0.2)
        second.flooded(0.01)
        assert window.wait_s > 0.1


async def test_a_seat_is_free_again_after_a_failure():
    window = Window(1, 1)
    with pytest.raises(ValueError, match="failed"):
        async with window.slot():
            raise ValueError("failed")
    await one_call(window)


async def test_who_waits_for_a_seat_may_leave():
    window = Window(1, 1)
    async with window.slot():
        waiting = asyncio.create_task(one_call(window))
        await asyncio.wait({waiting}, timeout=0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await one_call(window)


async def test_each_connection_has_its_seats():
    window = Window(4, 8, connections=3)
    assert (window.size, window.most) == (12, 24)
