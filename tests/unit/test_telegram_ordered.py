"""Several at once, one after the other out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from userbot.transfer.ordered import ordered


async def test_results_come_in_order_whoever_is_done_first():
    gates = [asyncio.Event() for _ in range(6)]

    async def work(number):
        if number + 1 < len(gates):
            await gates[number].wait()
        if number:
            gates[number - 1].set()
        return number

    async with aclosing(ordered(range(6), work, ahead=6)) as results:
        assert [result async for result in results] == list(range(6))


async def test_no_more_are_begun_than_asked_for():
    running, most = 0, 0

    async def work(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    async with aclosing(ordered(range(50), work, ahead=4)) as results:
        assert [result async for result in results] == list(range(50))
    assert most == 4


async def test_a_failure_ends_what_was_begun():
    before = asyncio.all_tasks()

    async def work(number):
        if number == 1:
            raise ValueError("failed")
        if number > 1:
            await asyncio.Event().wait()
        return number

    async with aclosing(ordered(range(9), work, ahead=4)) as results:
        assert await anext(results) == 0
        with pytest.raises(ValueError, match="failed"):
            await anext(results)
    assert asyncio.all_tasks() == before


async def test_left_early_it_leaves_no_task():
    before = asyncio.all_tasks()

    async def work(number):
        if number:
            await asyncio.Event().wait()
        return number

    async with aclosing(ordered(range(9), work, ahead=4)) as results:
        async for _ in results:
            break
    assert asyncio.all_tasks() == before


async def test_nothing_comes_of_nothing():
    async with aclosing(ordered([], asyncio.sleep, ahead=4)) as results:
        assert [result async for result in results] == []
