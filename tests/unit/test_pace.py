"""Bandwidth and request pace, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from core.domain.errors import RateLimited
from core.net import pace
from core.net.pace import Bandwidth, HostPace


@dataclass
class Clock:
    """Time that passes only in sleeps, each a little too long, as real ones are."""

    now: float = 1000.0
    late_s: float = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        until = self.now + delay_s + self.late_s
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        self.now = max(self.now, until)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pace, "time", made)
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    return made


@pytest.mark.parametrize("rate_bps", [1_000, 65_536, 3_000_000, 500_000_000])
@pytest.mark.parametrize("late_s", [0.0, 0.004])
async def test_the_rate_is_kept_within_five_percent_for_pieces_of_any_size(
    clock: Clock, rate_bps: int, late_s: float
) -> None:
    clock.late_s = late_s
    bandwidth, sizes, began = Bandwidth(rate_bps), random.Random(7), clock.now
    total = 0
    while clock.now - began < 30:
        piece = sizes.randint(1, bandwidth.piece_bytes)
        await bandwidth.take(piece)
        total += piece
    assert total / (clock.now - began) == pytest.approx(rate_bps, rel=0.05)


async def test_no_limit_waits_for_nothing(clock: Clock) -> None:
    await Bandwidth(0).take(10**12)
    assert clock.now == 1000.0


async def test_an_idle_time_saves_up_only_a_moment(clock: Clock) -> None:
    bandwidth = Bandwidth(1000)
    await bandwidth.take(1000)
    clock.now += 3600
    began = clock.now
    await bandwidth.take(2000)
    assert clock.now - began == pytest.approx(2.0, rel=0.06)


async def test_those_who_take_at_once_share_the_rate(clock: Clock) -> None:
    bandwidth, began = Bandwidth(1000), clock.now
    await asyncio.gather(*(bandwidth.take(500) for _ in range(20)))
    assert clock.now - began == pytest.approx(10.0, rel=0.05)


async def test_a_changed_rate_holds_for_what_follows(clock: Clock) -> None:
    bandwidth = Bandwidth(1000)
    await bandwidth.take(1000)
    bandwidth.rate_bps = 10_000
    began = clock.now
    await bandwidth.take(10_000)
    assert clock.now - began == pytest.approx(1.0, rel=0.05)
    bandwidth.rate_bps = 0
    began = clock.now
    await bandwidth.take(10**9)
    assert clock.now == began


@pytest.mark.parametrize(("rate_bps", "piece"), [(1, 16_384), (1_000_000, 125_000), (10**9, 2**20)])
def test_pieces_are_an_eighth_of_a_second_within_sane_bounds(rate_bps: int, piece: int) -> None:
    assert Bandwidth(rate_bps).piece_bytes == piece


async def test_requests_to_one_host_are_spaced_and_other_hosts_are_not_held_up(clock: Clock) -> None:
    hosts, began = HostPace(2), clock.now
    for _ in range(5):
        await hosts.turn("a.example")
    assert clock.now - began == pytest.approx(2.0)
    await hosts.turn("b.example")
    assert clock.now - began == pytest.approx(2.0)


async def test_requests_at_once_get_turns_one_after_another(clock: Clock) -> None:
    hosts, began = HostPace(10), clock.now
    await asyncio.gather(*(hosts.turn("a.example") for _ in range(11)))
    assert clock.now - began == pytest.approx(1.0)


async def test_a_short_stay_away_is_slept_through(clock: Clock) -> None:
    hosts = HostPace(patience_s=10)
    hosts.stay_away("a.example", 3)
    assert hosts.wait_s("a.example") == pytest.approx(3)
    await hosts.turn("a.example")
    assert clock.now == pytest.approx(1003)
    assert hosts.wait_s("a.example") == 0


async def test_a_long_stay_away_is_raised_with_what_is_left_of_it(clock: Clock) -> None:
    hosts = HostPace(patience_s=10)
    hosts.stay_away("a.example", 120)
    clock.now += 20
    with pytest.raises(RateLimited) as caught:
        await hosts.turn("a.example")
    assert caught.value.retry_after_s == pytest.approx(100)
    await hosts.turn("b.example")


async def test_a_shorter_wish_does_not_shorten_a_longer_one(clock: Clock) -> None:
    hosts = HostPace()
    hosts.stay_away("a.example", 100)
    hosts.stay_away("a.example", 1)
    assert hosts.wait_s("a.example") == pytest.approx(100)


async def test_hosts_that_are_done_with_are_forgotten(clock: Clock) -> None:
    hosts = HostPace(1000)
    for number in range(1000):
        await hosts.turn(f"{number}.example")
        clock.now += 1
    assert len(hosts._free_at) <= 2
