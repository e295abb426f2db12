"""The pace at which Telegram is tried again."""

from __future__ import annotations

import pytest

from userbot import link
from userbot.link import HELD_S, LAST_WAIT_S, Link


@pytest.fixture
def waits(monkeypatch):
    """How long each turn would have been waited for."""
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(link.asyncio, "sleep", sleep)
    monkeypatch.setattr(link.random, "uniform", lambda low, high: (low + high) / 2)
    return waited


async def test_the_first_try_is_at_once_and_each_failure_doubles_the_wait(waits):
    made = Link()
    for _ in range(10):
        await made.turn()
        made.failed()
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == LAST_WAIT_S


async def test_connections_that_break_at_once_are_failures_too(waits):
    made = Link()
    for _ in range(3):
        await made.turn()
        made.opened(1)
        made.closed(1, broke=True, held_s=0.1)
    assert waits == [0.5, 1.0]


async def test_where_connections_live_for_seconds_half_of_the_time_is_spent_online(waits):
    made = Link()
    for _ in range(9):
        await made.turn()
        made.opened(1)
        made.closed(1, broke=True, held_s=5.0)
    assert max(waits) == 5.0


async def test_one_that_held_is_made_again_at_once(waits):
    made = Link()
    made.failed()
    made.opened(1)
    made.closed(1, broke=True, held_s=HELD_S + 1)
    await made.turn()
    assert waits == []


async def test_one_that_was_closed_on_purpose_is_no_failure(waits):
    made = Link()
    made.opened(1)
    made.closed(1, broke=False, held_s=0.1)
    await made.turn()
    assert waits == []


def test_it_is_up_while_any_connection_is():
    told = []
    made = Link(lambda: told.append(made.is_up))
    made.opened(1)
    made.opened(2)
    made.closed(1, broke=True, held_s=1)
    assert made.is_up
    made.closed(2, broke=True, held_s=1)
    assert told == [True, False]
