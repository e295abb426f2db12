"""Telling an outage of our own from hosts that are down."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from core.domain.errors import BlockedAddress, NetworkFailure
from core.net import reach as module
from core.net.reach import Reach

NO_WAY = OSError(errno.ENETUNREACH, "Network is unreachable")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reach(clock: Clock) -> Reach:
    return Reach(clock)


def miss(reach: Reach, *hosts: str, error: BaseException = NO_WAY) -> None:
    for host in hosts:
        reach.missed(host, 443, error)


def looked_up_in_vain(code: int) -> NetworkFailure:
    """As the gate says it."""
    error = NetworkFailure("the name could not be looked up")
    error.__cause__ = socket.gaierror(code, "in vain")
    return error


def test_several_hosts_out_of_reach_within_seconds_are_an_outage_here(reach, clock):
    told = []
    reach.on_away = told.append
    miss(reach, "a.test", "b.test")
    assert not reach.is_away
    clock.now = 7
    miss(reach, "c.test", error=looked_up_in_vain(socket.EAI_AGAIN))
    assert reach.is_away
    miss(reach, "d.test")
    assert told == [7]


def test_one_host_is_no_outage_however_often_it_fails(reach):
    for port in range(20):
        reach.missed("a.test", port, NO_WAY)
    assert not reach.is_away


def test_anything_reached_in_between_is_a_sign_of_life(reach):
    miss(reach, "a.test", "b.test")
    reach.reached()
    miss(reach, "c.test", "d.test")
    assert not reach.is_away


def test_failures_far_apart_do_not_add_up(reach, clock):
    for number in range(10):
        clock.now = number * module.WINDOW_S
        miss(reach, f"{number}.test")
        clock.now += 1
    assert not reach.is_away


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        looked_up_in_vain(socket.EAI_NONAME),
        BlockedAddress("a private address"),
        NetworkFailure("the name has no address"),
    ],
)
def test_what_may_be_the_hosts_own_doing_is_no_sign(reach, error):
    miss(reach, "a.test", "b.test", "c.test", "d.test", error=error)
    assert not reach.is_away


def test_the_first_thing_reached_ends_it_and_is_told_once(reach):
    told = []
    reach.on_back = lambda: told.append("back")
    miss(reach, "a.test", "b.test", "c.test")
    reach.reached()
    reach.reached()
    assert (reach.is_away, told) == (False, ["back"])
    miss(reach, "a.test", "b.test")
    assert not reach.is_away


async def test_a_watched_way_out_tells_of_what_it_meets_and_hides_nothing(reach):
    stream = object()

    async def connector(host: str, _port: int) -> Any:
        if host.startswith("bad"):
            raise looked_up_in_vain(socket.EAI_AGAIN)
        return stream

    watched = reach.watched(connector)
    for number in range(3):
        with pytest.raises(NetworkFailure):
            await watched(f"bad{number}.test", 443)
    assert reach.is_away
    assert await watched("good.test", 443) is stream
    assert not reach.is_away


async def test_while_it_lasts_the_hosts_are_tried_in_turn_until_one_answers(reach, monkeypatch):
    waits, tried, back = [], [], asyncio.Event()
    yield_once = asyncio.sleep

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)
        await yield_once(0)

    class Opened:
        async def aclose(self) -> None:
            tried.append("closed")

    async def connector(host: str, port: int) -> Any:
        tried.append((host, port))
        if len(tried) < 8:
            raise NO_WAY
        return Opened()

    monkeypatch.setattr(asyncio, "sleep", sleep)
    reach.on_back = back.set
    task = asyncio.create_task(reach.run(connector))
    miss(reach, "a.test", "b.test", "c.test")
    async with asyncio.timeout(5):
        await back.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [host for host, _ in tried[:4]] == ["a.test", "b.test", "c.test", "a.test"]
    assert tried[-1] == "closed"
    assert waits == [2, 4, 8, 16, 30, 30, 30, 30]
