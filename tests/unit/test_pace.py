"""Bandwidth and request pace, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from core.domain.errors import RateLimited
from core.net import pace
from core.net.pace import PAYER, Bandwidth, HostPace


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


async def test_every_payer_gets_the_same_however_many_connections_take_for_it(clock: Clock) -> None:
    cap = Bandwidth(1000)
    taken = {"one": 0, "many": 0}

    async def connection(payer: str) -> None:
        PAYER.set(payer)
        while sum(taken.values()) < 10_000:
            await cap.take(100)
            taken[payer] += 100

    await asyncio.gather(connection("one"), *(connection("many") for _ in range(7)))
    assert abs(taken["one"] - taken["many"]) <= 700  # what is under way at the end


async def test_who_is_cancelled_in_line_holds_nobody_up(clock: Clock) -> None:
    cap = Bandwidth(1000)
    tasks = [asyncio.create_task(cap.take(100)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in (tasks[1], tasks[3]):
        task.cancel()
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [False, True, False, True, False]
    await cap.take(100)


async def test_a_cap_within_a_wider_one_counts_for_both(clock: Clock) -> None:
    everybody = Bandwidth(10_000)
    slow, fast = Bandwidth(1_000, within=everybody), Bandwidth(within=everybody)
    began = clock.now
    await slow.take(2_000)
    assert clock.now - began == pytest.approx(2.1, rel=0.06)
    began = clock.now
    await fast.take(10_000)
    assert clock.now - began == pytest.approx(1.0, rel=0.12)


async def test_two_capped_sources_get_their_caps_and_together_no_more_than_all_may(clock: Clock) -> None:
    everybody, got = Bandwidth(50_000), {10_000: 0, 30_000: 0, 0: 0}
    until = clock.now + 20

    async def transfer(rate_bps: int) -> None:
        own = Bandwidth(rate_bps, within=everybody)
        while clock.now < until:
            await own.take(500)
            got[rate_bps] += 500

    await asyncio.gather(*map(transfer, got))
    assert sum(got.values()) / 20 == pytest.approx(50_000, rel=0.05)
    assert got[10_000] / 20 == pytest.approx(10_000, rel=0.05)
    assert got[30_000] / 20 <= 30_000 * 1.05


@pytest.mark.parametrize(
    ("own_bps", "all_bps", "piece"),
    [(0, 0, None), (0, 3_200_000, 50_000), (1_600_000, 3_200_000, 25_000), (6_400_000, 3_200_000, 50_000)],
)
def test_pieces_suit_the_tightest_cap(own_bps: int, all_bps: int, piece: int | None) -> None:
    bandwidth = Bandwidth(own_bps, within=Bandwidth(all_bps))
    assert bandwidth.is_limited is (piece is not None)
    if piece is not None:
        assert bandwidth.piece_bytes == piece


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


@pytest.mark.parametrize(("rate_bps", "piece"), [(1, 16_384), (4_000_000, 62_500), (10**9, 2**20)])
def test_pieces_are_a_hundredth_of_a_second_or_two_within_sane_bounds(rate_bps: int, piece: int) -> None:
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
    assert len(hosts.hosts) <= 2


async def ask(hosts: HostPace, clock: Clock, status: int, retry_after_s: float | None = None) -> float:
    """One request and its answer; how long it had to wait."""
    began = clock.now
    sent_at = await hosts.turn("a.example")
    hosts.heard("a.example", status, retry_after_s, sent_at=sent_at)
    return clock.now - began


async def test_a_host_that_refuses_is_asked_half_as_often_each_time_down_to_a_floor(clock: Clock) -> None:
    hosts, waits = HostPace(), []
    for _ in range(12):
        await ask(hosts, clock, 429)
        waits.append(hosts.slowed["a.example"])
    assert waits[:4] == pytest.approx([0.05, 0.1, 0.2, 0.4])
    assert waits[-1] == pace.WIDEST_GAP_S
    await hosts.turn("a.example")
    began = clock.now
    await hosts.turn("a.example")
    assert clock.now - began == pytest.approx(pace.WIDEST_GAP_S)
    await hosts.turn("b.example")
    assert clock.now - began == pytest.approx(pace.WIDEST_GAP_S)


async def test_good_answers_win_the_usual_pace_back_little_by_little(clock: Clock) -> None:
    hosts = HostPace()
    for _ in range(8):
        await ask(hosts, clock, 503)
    widest, began, count = hosts.slowed["a.example"], clock.now, 0
    while hosts.slowed:
        before = hosts.slowed["a.example"]
        await ask(hosts, clock, 200)
        assert hosts.slowed.get("a.example", 0) < before
        count += 1
    assert widest == pytest.approx(pace.WIDEST_GAP_S)
    assert 50 < count < 80
    assert 30 < clock.now - began < 70
    assert await ask(hosts, clock, 200) < 0.01


async def test_the_set_rate_is_where_slowing_down_begins_and_recovery_ends(clock: Clock) -> None:
    hosts = HostPace(2)
    await ask(hosts, clock, 429)
    assert hosts.slowed["a.example"] == 1.0
    while hosts.slowed:
        await ask(hosts, clock, 200)
    await hosts.turn("a.example")
    began = clock.now
    await hosts.turn("a.example")
    assert clock.now - began == pytest.approx(0.5)


async def test_refusals_of_requests_that_were_under_way_together_count_once(clock: Clock) -> None:
    hosts = HostPace()
    sent = [await hosts.turn("a.example") for _ in range(16)]
    clock.now += 1
    for sent_at in sent:
        hosts.heard("a.example", 503, None, sent_at=sent_at)
    assert hosts.slowed["a.example"] == pace.FIRST_GAP_S


@pytest.mark.parametrize("status", [500, 502, 504, 0])
async def test_other_failures_change_nothing(clock: Clock, status: int) -> None:
    hosts = HostPace()
    await ask(hosts, clock, status)
    assert not hosts.slowed
    await ask(hosts, clock, 429)
    await ask(hosts, clock, status)
    assert hosts.slowed["a.example"] == pace.FIRST_GAP_S


@pytest.mark.parametrize("status", [429, 503])
async def test_a_retry_after_keeps_every_request_away(clock: Clock, status: int) -> None:
    hosts = HostPace(patience_s=10)
    await ask(hosts, clock, status, retry_after_s=4)
    began = clock.now
    await asyncio.gather(*(hosts.turn("a.example") for _ in range(5)))
    assert clock.now - began == pytest.approx(4 + 4 * pace.FIRST_GAP_S)


async def test_those_who_wait_their_turn_hear_that_the_host_has_shut_its_door(clock: Clock) -> None:
    hosts = HostPace(1, patience_s=10)
    await hosts.turn("a.example")
    waiting = asyncio.create_task(hosts.turn("a.example"))
    await asyncio.sleep(0)
    hosts.stay_away("a.example", 600)
    with pytest.raises(RateLimited):
        await waiting


async def test_our_own_spacing_is_waited_for_however_long_the_queue(clock: Clock) -> None:
    hosts, began = HostPace(1, patience_s=3), clock.now
    await asyncio.gather(*(hosts.turn("a.example") for _ in range(30)))
    assert clock.now - began == pytest.approx(29)


async def test_each_change_of_pace_is_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hosts = HostPace(label="youtube")
    await ask(hosts, clock, 429)
    while hosts.slowed:
        await ask(hosts, clock, 200)
    await ask(hosts, clock, 200)
    slower, usual = caplog.records
    assert (slower.levelname, slower.source_type, slower.host) == ("WARNING", "youtube", "a.example")
    assert slower.gap_s == pace.FIRST_GAP_S
    assert usual.levelname == "INFO"


async def test_a_slow_down_that_was_not_needed_for_long_is_forgotten(clock: Clock) -> None:
    hosts = HostPace()
    await ask(hosts, clock, 429)
    clock.now += 60
    await hosts.turn("b.example")
    assert hosts.slowed
    clock.now += 3600
    await hosts.turn("c.example")
    assert hosts.hosts == {"c.example"}
