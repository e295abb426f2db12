from __future__ import annotations

import asyncio

from core.domain.errors import NoSuchJob
from core.domain.job import JobStatus
from tests.fakes.engine import FakeEngine
from tui.control import AT_ONCE, CONFIRM_BYTES, CONFIRM_COUNT, for_each, needs_confirmation


async def test_refusals_do_not_stop_the_others():
    engine = FakeEngine()
    jobs = [engine.add(), engine.add(status=JobStatus.COMPLETED), engine.add()]
    outcome = await for_each(jobs, engine.pause)
    assert {job.id for job in outcome.done} == {jobs[0].id, jobs[2].id}
    assert [job.id for job, _ in outcome.refused] == [jobs[1].id]
    text, style = outcome.summary("Paused")
    assert text.startswith("Paused 2 jobs · job 2: The job's state does not allow this")
    assert "reeldeck job ID" in text, "the hint is part of it"
    assert style == "bad"


async def test_one_job_is_named_and_many_are_counted():
    engine = FakeEngine()
    first, second = engine.add(), engine.add()
    assert (await for_each([first], engine.pause)).summary("Paused", "!") == (f"Paused {first.id}!", "good")
    outcome = await for_each([first, second], engine.cancel)
    assert outcome.summary("Cancelled") == ("Cancelled 2 jobs", "good")


async def test_many_refusals_are_told_by_the_first():
    jobs = [FakeEngine().add() for _ in range(3)]

    async def refuse(job_id: int) -> None:
        raise NoSuchJob(str(job_id))

    text, _ = (await for_each(jobs, refuse)).summary("Deleted")
    assert text.startswith("Job 1 and 2 more: There is no such job")


async def test_only_a_few_requests_are_under_way_at_a_time():
    engine = FakeEngine()
    jobs = engine.add_many(3 * AT_ONCE)
    running, most = 0, 0
    gate = asyncio.Event()

    async def ask(job_id: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == AT_ONCE:
            gate.set()
        await gate.wait()
        running -= 1

    await for_each(jobs, ask)
    assert most == AT_ONCE


def test_a_person_is_asked_before_much_is_lost():
    engine = FakeEngine()
    small = engine.add(status=JobStatus.RUNNING, bytes_done=1000)
    big = engine.add(status=JobStatus.RUNNING, bytes_done=CONFIRM_BYTES)
    assert not needs_confirmation([small])
    assert needs_confirmation([big])
    assert needs_confirmation([small] * CONFIRM_COUNT)
