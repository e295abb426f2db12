"""What comes next, and when."""

from __future__ import annotations

import asyncio

from userbot.agenda import Agenda


def now():
    return asyncio.get_running_loop().time()


async def test_things_come_in_the_order_of_their_times():
    agenda = Agenda()
    agenda.put("second", now() + 0.02)
    agenda.put("first", now() + 0.01)
    agenda.put("at once")
    assert [await agenda.take() for _ in range(3)] == ["at once", "first", "second"]


async def test_the_same_thing_stands_there_once_at_its_earlier_time():
    agenda = Agenda()
    agenda.put("a", now() + 1000)
    agenda.put("a")
    agenda.put("a", now() + 500)
    assert await agenda.take() == "a"
    agenda.put("b", now() + 0.01)
    assert await agenda.take() == "b"


async def test_a_taker_that_waits_is_woken_by_something_earlier():
    agenda = Agenda()
    agenda.put("late", now() + 1000)
    taking = asyncio.create_task(agenda.take())
    await asyncio.sleep(0)
    agenda.put("early")
    assert await taking == "early"


async def test_what_was_dropped_does_not_come():
    agenda = Agenda()
    agenda.put("gone")
    agenda.put("kept", now() + 0.01)
    agenda.drop("gone")
    agenda.drop("never there")
    assert await agenda.take() == "kept"


async def test_things_of_one_time_come_in_turn():
    agenda = Agenda()
    for number in range(100):
        agenda.put(number)
    assert [await agenda.take() for _ in range(100)] == list(range(100))
