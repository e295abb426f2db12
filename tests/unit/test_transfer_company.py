"""How many connections a job has beside others: the same as they, and no more than pay for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from core.net.seats import Seat, Seats, Width
from core.net.transfer.company import Company
from core.net.transfer.ramp import Ramp

HOST = "media.example:443"
TICK_S = 0.05


class Job:
    """A transfer whose every connection brings something from the moment on at which it has a seat."""

    def __init__(self, seats: Seats, name: str) -> None:
        self.ramp = Ramp(16, factor=4)
        self.company = Company(self.ramp)
        self.seat = Seat(seats, HOST, name)
        self.received_bytes = 0.0
        self.held = 0
        self._waiting: set[asyncio.Task[None]] = set()

    async def settle(self) -> None:
        """Ask for as many seats as the width says."""
        while self.held + len(self._waiting) < self.company.width:
            task = asyncio.create_task(self._sit())
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        for _ in range(3):
            await asyncio.sleep(0)

    async def _sit(self) -> None:
        await self.seat.take()
        self.held += 1

    def leave(self, count: int) -> None:
        for _ in range(count):
            self.held -= 1
            self.seat.leave()


async def run(
    jobs: list[Job], seconds: float, rate_of: Callable[[Job], float], *, since: float = 0.0
) -> float:
    """Let *seconds* pass; *rate_of* says what a job gets a second."""
    for job in jobs:
        await job.settle()
    now = since
    while now < since + seconds:
        now += TICK_S
        for job in jobs:
            job.received_bytes += rate_of(job) * TICK_S
        for job in jobs:
            done = int(job.received_bytes)
            job.company.observe(now, done, job.seat, seated=job.held, is_worthwhile=True)
            job.leave(job.company.surplus(now, job.seat, seated=job.held))
            await job.settle()
    return now


def each_connection(job: Job) -> float:
    """The origin gives every connection the same."""
    return job.held * 100_000


def in_total(jobs: list[Job]) -> Callable[[Job], float]:
    """The origin gives all together the same, in equal parts to the connections."""
    return lambda job: 1_000_000 * job.held / sum(each.held for each in jobs)


@pytest.mark.parametrize(("per_host", "count", "width"), [(16, 8, 2), (48, 8, 4), (8, 8, 1), (48, 2, 4)])
async def test_beside_others_all_have_the_same_without_a_trial(per_host, count, width):
    seats = Seats(per_host)
    jobs = [Job(seats, str(number)) for number in range(count)]
    await run(jobs, 0.15, each_connection)
    assert [job.held for job in jobs] == [width] * count


async def test_more_are_tried_together_and_kept_where_they_pay():
    seats = Seats(48)
    jobs = [Job(seats, name) for name in "abc"]
    await run(jobs, 5, each_connection)
    assert [job.held for job in jobs] == [16] * 3


async def test_what_one_only_takes_from_the_others_does_not_pay():
    seats = Seats(48)
    jobs = [Job(seats, name) for name in "ab"]
    now = await run(jobs, 7, in_total(jobs))
    assert [job.held for job in jobs] == [4, 4]
    # Nor does each of them find that out for itself: all of them rest.
    widest = 0
    for _ in range(100):
        now = await run(jobs, TICK_S, in_total(jobs), since=now)
        widest = max(widest, *(job.held for job in jobs))
    assert widest == 4


async def test_a_newcomer_has_what_was_found_to_pay():
    seats = Seats(48)
    first = Job(seats, "first")
    now = await run([first], 3, each_connection)
    assert first.held == 16
    jobs = [first, Job(seats, "second")]
    await run(jobs, 0.2, each_connection, since=now)
    assert [job.held for job in jobs] == [16, 16]


async def test_what_a_server_refused_to_one_is_not_taken_because_others_have_it():
    seats = Seats(16)
    jobs = [Job(seats, name) for name in "ab"]
    await jobs[0].settle()
    jobs[0].ramp.limit_to(1)
    await run(jobs, 0.5, each_connection)
    assert [job.held for job in jobs] == [1, 4]


async def test_a_job_alone_has_what_pays_for_it():
    jobs = [Job(Seats(48), "a")]
    await run(jobs, 2, in_total(jobs))
    assert jobs[0].company.width == 1


def test_a_trial_that_was_disturbed_was_none():
    it = Ramp(16, factor=4)
    it.observe(0.0, 0)
    it.observe(0.2, 1000)
    assert (it.width, it.proven) == (4, 1)
    it.void()
    assert (it.width, it.proven) == (1, 1)
    it.observe(0.3, 2000)
    it.observe(0.5, 3000)
    assert it.width == 4  # it may try again at once


def test_what_paid_for_others_ends_a_smaller_trial_and_stays_under_a_larger_one():
    it = Ramp(16, factor=4)
    it.observe(0.0, 0)
    it.observe(0.2, 1000)
    it.adopt(2)
    assert (it.width, it.proven) == (4, 2)
    it.adopt(8)
    assert (it.width, it.proven) == (8, 8)
    it.limit_to(3)
    it.adopt(8)
    assert (it.width, it.proven) == (3, 3)


async def test_a_job_tells_what_it_tries_before_it_does():
    seats = Seats(48)
    jobs = [Job(seats, name) for name in "ab"]
    for job in jobs:
        await job.settle()
    now, told = 0.0, Width(0, 0)
    while told.tried <= 4:
        now = await run(jobs[:1], TICK_S, each_connection, since=now)
        _, told = jobs[1].seat.others
    assert (told, jobs[0].company.width) == (Width(4, 16), 4)
