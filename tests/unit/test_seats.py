"""Who gets the connections to a host."""

from __future__ import annotations

import asyncio
import math

import pytest

from core.net import seats as seating
from core.net.seats import Seat, Seats, Width, fair_level, seating_of
from tests.fakes.transfer import cancelled

HOST = "media.example:443"


async def queued(seats: Seats, asker: str) -> asyncio.Task[Seat]:
    """A task that asks for a seat, and has begun to wait if it must."""

    async def take() -> Seat:
        seat = Seat(seats, HOST, asker)
        await seat.take()
        return seat

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    return task


async def seated(seats: Seats, asker: str) -> Seat:
    return await (await queued(seats, asker))


def test_a_seat_is_at_a_host_and_port():
    assert seating_of("https://Media.example/a?b") == "media.example:443"
    assert seating_of("http://u:p@media.example:8080/") == "media.example:8080"


async def test_no_more_sit_than_there_are_seats():
    seats = Seats(2)
    first, _ = await seated(seats, "a"), await seated(seats, "b")
    waiting = await queued(seats, "c")
    assert (seats.taken(HOST), waiting.done()) == (2, False)
    first.leave()
    await waiting
    assert seats.taken(HOST) == 2


async def test_it_is_known_how_many_are_free():
    seats = Seats(3)
    assert seats.free(HOST) == 3
    await seated(seats, "a")
    assert seats.free(HOST) == 2
    seats.squeeze_in(HOST, "b")
    seats.squeeze_in(HOST, "c")
    seats.squeeze_in(HOST, "d")
    assert seats.free(HOST) == 0


async def test_each_host_has_its_own():
    seats = Seats(1)
    await seated(seats, "a")
    elsewhere = Seat(seats, "other.example:80", "a")
    await elsewhere.take()
    assert (seats.taken(HOST), seats.taken("other.example:80")) == (1, 1)


async def test_who_has_fewest_is_next_and_of_those_who_waits_longest():
    seats = Seats(3)
    mine = [await seated(seats, "a") for _ in range(2)]
    theirs = await seated(seats, "b")
    order = []
    for asker in ("a", "b", "c", "d"):
        (await queued(seats, asker)).add_done_callback(lambda _, asker=asker: order.append(asker))
    for seat in (*mine, theirs):
        seat.leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert order == ["c", "a", "b"]  # each of them had none at its time


async def test_a_seat_is_wanted_as_long_as_somebody_would_still_have_fewer():
    seats = Seats(4)
    mine = [await seated(seats, "a") for _ in range(4)]
    assert not mine[0].is_wanted
    waiting = [await queued(seats, "b") for _ in range(4)]
    given_up = 0
    while mine[-1].is_wanted:
        mine.pop().leave()
        given_up += 1
        await waiting[given_up - 1]
    assert (given_up, len(mine)) == (2, 2)
    assert not (await waiting[0]).is_wanted


async def test_nobody_is_asked_for_the_last_one():
    seats = Seats(1)
    only = await seated(seats, "a")
    await queued(seats, "b")
    assert not only.is_wanted


async def test_who_stops_waiting_leaves_the_queue():
    seats = Seats(1)
    only = await seated(seats, "a")
    await cancelled(await queued(seats, "b"))
    following = await queued(seats, "c")
    only.leave()
    (await following).leave()
    assert seats.taken(HOST) == 0


async def test_a_seat_that_was_given_to_who_stops_waiting_goes_on_to_the_next():
    seats = Seats(1)
    only = await seated(seats, "a")
    given, following = await queued(seats, "b"), await queued(seats, "c")
    only.leave()
    await cancelled(given)
    await following
    assert seats.taken(HOST) == 1


async def test_who_is_redirected_sits_elsewhere_whether_there_is_room_or_not():
    seats = Seats(1)
    here = await seated(seats, "a")
    there = Seat(seats, "node.example:443", "b")
    await there.take()
    waiting = await queued(seats, "c")
    here.move_to("node.example:443")
    await waiting
    assert (seats.taken(HOST), seats.taken("node.example:443")) == (1, 2)
    here.leave()
    there.leave()
    assert seats.taken("node.example:443") == 0


@pytest.mark.parametrize(
    ("seats", "demands", "level"),
    [
        (16, [16] * 8, 2),
        (16, [16, 1, 1], 14),
        (16, [16, 16, 16], 16 / 3),
        (16, [2, 5, 16], 9),
        (4, [1] * 8, 0.5),
        (16, [1, 2], math.inf),
    ],
)
def test_who_wants_little_leaves_the_rest_to_the_others_in_equal_parts(seats, demands, level):
    assert fair_level(seats, demands) == level


async def test_a_newcomer_gets_its_part_at_once():
    seats = Seats(16)
    mine = [await seated(seats, "a") for _ in range(16)]
    assert mine[0].surplus == 0
    waiting = [await queued(seats, "b") for _ in range(10)]
    assert (mine[0].share, mine[0].surplus) == (8, 8)
    for seat in mine[:8]:
        seat.leave()
    theirs = await asyncio.gather(*waiting[:8])
    assert (theirs[0].surplus, mine[-1].surplus, mine[-1].is_wanted) == (0, 0, False)


async def test_each_of_several_is_asked_for_its_part_only():
    seats = Seats(16)
    held = [await seated(seats, asker) for asker in "ab" for _ in range(8)]
    _ = [await queued(seats, "c") for _ in range(8)]
    assert (held[0].surplus, held[-1].surplus) == (2, 2)  # a fair part is 5⅓: who has 6 has not too many


async def test_a_seat_that_is_left_over_goes_round(monkeypatch):
    monkeypatch.setattr(seating, "_TURN_S", 1000)
    seats = Seats(4)
    held = {asker: [await seated(seats, asker)] for asker in "abc"}
    held["a"].append(await seated(seats, "a"))
    waiting = {asker: await queued(seats, asker) for asker in "bca"}
    assert not held["a"][0].is_wanted  # its turn is not over
    monkeypatch.setattr(seating, "_TURN_S", -1)
    for giver, taker in ("ab", "bc", "ca"):
        assert (held[giver][0].surplus, held[taker][0].surplus) == (1, 0)
        held[giver].pop().leave()
        held[taker].append(await waiting[taker])
        waiting[taker] = await queued(seats, taker)


async def test_who_has_more_is_told_at_once_that_somebody_waits():
    seats = Seats(4)
    mine, theirs = [await seated(seats, "a") for _ in range(3)], await seated(seats, "b")
    told = []
    mine[0].tell(Width(3, 3), lambda: told.append("a"))
    theirs.tell(Width(1, 1), lambda: told.append("b"))
    await queued(seats, "c")
    await asyncio.sleep(0)
    assert told == ["a"]
    for seat in mine:
        seat.leave()
    _ = [await queued(seats, "d") for _ in range(8)]
    assert told == ["a"]  # who has left is not asked any more


async def test_what_one_has_found_out_the_others_hear_of_until_it_leaves():
    seats = Seats(8)
    mine, theirs = await seated(seats, "a"), await seated(seats, "b")
    mine.tell(Width(2, 8))
    assert theirs.others == (1, Width(2, 8))
    assert mine.others == (1, Width(0, 0))
    mine.leave()
    mine.tell(Width(4, 4))  # it is not here any more
    assert theirs.others == (0, Width(0, 0))
