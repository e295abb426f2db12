"""The writer: many commands in one commit, each with its own answer, whatever its callers or the disk do."""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
from pathlib import Path

import pytest

from core.domain.errors import DiskFull, IllegalTransition, ReeldeckError, StaleClaim, StoreFailure
from core.domain.events import EventType
from core.domain.job import TRANSITIONS, JobStatus, Stage
from core.domain.snapshot import JobQuery
from core.store.store import Committed, Store
from core.store.transaction import Transaction
from tests.fakes.stored import NOW, counted_one_by_one, job_in, new_job, opened


async def pragma(store: Store, text: str) -> int:
    (row,) = await store._client.rows(f"PRAGMA {text}")
    return int(next(iter(row)))


async def test_what_waits_together_is_committed_together(store: Store, told: list[Committed]) -> None:
    before = store.commit_count
    answers = await asyncio.gather(*(store.jobs.submit(new_job(f"n{n}"), now=NOW) for n in range(300)))
    assert store.commit_count - before < 100
    assert [answer.job.url for answer in answers] == [new_job(f"n{n}").url for n in range(300)]
    events = [event for committed in told for event in committed.events]
    assert [event.seq for event in events] == list(range(1, 601))
    assert events == await store.events.after(0, limit=1000)


async def test_a_job_that_changed_twice_in_a_transaction_is_told_once_as_it_is_now(
    store: Store, told: list[Committed]
) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    del told[:]
    await asyncio.gather(
        store.jobs.record(job.id, attempt=1, now=NOW, stage=Stage.DOWNLOAD),
        store.jobs.progress(job.id, attempt=1, bytes_done=3, size_bytes=None, rate=1.0),
        store.jobs.amend(job.id, now=NOW, title="T"),
        store.jobs.progress(job.id, attempt=1, bytes_done=4, size_bytes=9, rate=2.0),
    )
    (committed,) = told
    assert committed.jobs == (await store.jobs.get(job.id),)
    assert (committed.jobs[0].bytes_done, committed.jobs[0].title) == (4, "T")


async def test_commands_that_fail_leave_the_others_of_their_transaction_alone(
    store: Store, told: list[Committed]
) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    del told[:]

    async def half_done(transaction: Transaction) -> None:
        await transaction.execute("UPDATE jobs SET title = 'never'")
        transaction.event(job.id, EventType.DISK_LOW, {}, now=NOW)
        transaction.moves[JobStatus.FAILED] += 1
        raise StoreFailure("half way")

    async def broken(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO nowhere VALUES (1)")

    async def faulty(_: Transaction) -> None:
        raise ZeroDivisionError

    before = store.commit_count
    answers = await asyncio.gather(
        store.jobs.submit(new_job("b"), now=NOW),
        store.jobs.transition(job.id, JobStatus.RUNNING, JobStatus.FAILED, attempt=9, now=NOW),
        store._writer.run(half_done),
        store.jobs.submit(new_job("c"), now=NOW),
        store._writer.run(broken),
        store._writer.run(faulty),
        store.jobs.submit(new_job("d"), now=NOW),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [
        StaleClaim,
        StoreFailure,
        StoreFailure,
        ZeroDivisionError,
    ]
    assert store.commit_count == before + 4  # the three good ones and the refused one, each alone
    assert store.counts[JobStatus.QUEUED] == 3
    assert dict(store.counts) == await counted_one_by_one(store)
    assert (await store.jobs.get(job.id)) == job
    events = [event for committed in told for event in committed.events]
    assert [event.seq for event in events] == list(range(events[0].seq, events[0].seq + 6))
    assert events == await store.events.after(events[0].seq - 1, limit=99)


async def test_a_command_that_awaits_something_else_is_refused_alone(store: Store) -> None:
    async def dawdles(transaction: Transaction) -> None:
        await transaction.execute("UPDATE jobs SET title = 'never'")
        await asyncio.sleep(0)

    answers = await asyncio.gather(
        store.jobs.submit(new_job("a"), now=NOW),
        store._writer.run(dawdles),
        store.jobs.submit(new_job("b"), now=NOW),
        return_exceptions=True,
    )
    assert isinstance(answers[1], RuntimeError)
    assert [job.title for job in (await store.jobs.page(JobQuery())).items] == [None, None]


async def test_a_refusal_costs_the_others_no_second_transaction(store: Store) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    before = store.commit_count
    answers = await asyncio.gather(
        store.jobs.submit(new_job("b"), now=NOW),
        store.jobs.record(job.id, attempt=9, now=NOW),
        store.jobs.submit(new_job("c"), now=NOW),
        return_exceptions=True,
    )
    assert isinstance(answers[1], StaleClaim)
    assert store.commit_count == before + 1


async def test_an_event_of_a_job_that_is_deleted_in_the_same_transaction_does_no_harm(store: Store) -> None:
    job = await job_in(store, JobStatus.COMPLETED)
    before = store.commit_count
    await asyncio.gather(
        store.jobs.note(job.id, now=NOW, events=[(EventType.ARCHIVED, {})]),
        store.jobs.delete(job.id),
        store.jobs.submit(new_job("b"), now=NOW),
    )
    assert store.commit_count == before + 1
    assert dict(store.counts) == await counted_one_by_one(store)


async def test_a_listener_that_fails_harms_neither_the_writer_nor_what_is_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Committed) -> None:
        raise RuntimeError("listener")

    store = await Store.open(tmp_path, None, on_commit=fail)
    first = await store.jobs.submit(new_job("a"), now=NOW)
    second = await store.jobs.submit(new_job("b"), now=NOW)
    assert await store.jobs.get(first.job.id) == first.job
    assert await store.jobs.get(second.job.id) == second.job
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    await store.close()


async def test_callers_cancelled_at_any_instant_never_block_the_store(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(7)
    job = await job_in(store, JobStatus.RUNNING, "runs")
    for n in range(100):
        tasks = [
            asyncio.create_task(store.jobs.submit(new_job(f"n{n}"), now=NOW)),
            asyncio.create_task(store.jobs.record(job.id, attempt=1, now=NOW, title=f"t{n}")),
            asyncio.create_task(store.jobs.record(job.id, attempt=2, now=NOW)),
            asyncio.create_task(store.jobs.get(job.id)),
            asyncio.create_task(store.switches.set("n", n)),
        ]
        for task in rng.sample(tasks, len(tasks)):
            for _ in range(rng.randrange(12)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10):
        last = await store.jobs.submit(new_job("last"), now=NOW)
        assert await store.jobs.get(last.job.id) == last.job
    assert dict(store.counts) == await counted_one_by_one(store)
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_command_whose_caller_is_gone_is_carried_out_all_the_same(store: Store) -> None:
    task = asyncio.create_task(store.jobs.submit(new_job("a"), now=NOW))
    await asyncio.sleep(0)  # it has asked, and waits for its answer
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await store.jobs.submit(new_job("a"), now=NOW)).joined


async def test_closing_carries_out_what_waits_and_refuses_what_comes_after(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        tasks = [asyncio.create_task(store.jobs.submit(new_job(f"n{n}"), now=NOW)) for n in range(50)]
        await asyncio.sleep(0)
        await store.close()
        assert len({(await task).job.id for task in tasks}) == 50
        with pytest.raises(StoreFailure, match="closed"):
            await store.jobs.submit(new_job("late"), now=NOW)
        with pytest.raises(StoreFailure, match="closed"):
            await store.jobs.get(1)
    async with opened(tmp_path) as store:
        assert store.counts[JobStatus.QUEUED] == 50


async def test_a_full_disk_is_told_to_those_it_hits_and_heals_with_room(store: Store) -> None:
    pages = await pragma(store, "page_count")
    await pragma(store, f"max_page_count = {pages + 2}")
    job = await job_in(store, JobStatus.RUNNING)
    long = "x" * 100_000
    answers = await asyncio.gather(
        store.jobs.record(job.id, attempt=1, now=NOW, title=long),
        store.jobs.record(job.id, attempt=1, now=NOW, title="short"),
        store.jobs.record(job.id, attempt=1, now=NOW, title=long),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [DiskFull, DiskFull]
    assert (await store.jobs.get(job.id)).title == "short"
    await pragma(store, f"max_page_count = {pages + 1000}")
    assert (await store.jobs.record(job.id, attempt=1, now=NOW, title=long)).title == long
    await store.check()


async def test_a_database_that_may_not_be_written_says_so_and_works_again_later(store: Store) -> None:
    await store._client.rows("PRAGMA query_only = ON")
    with pytest.raises(StoreFailure, match="read-only") as failed:
        await store.jobs.submit(new_job("a"), now=NOW)
    assert "right to write" in failed.value.hint
    with pytest.raises(StoreFailure):
        await store.check()
    await store._client.rows("PRAGMA query_only = OFF")
    assert not (await store.jobs.submit(new_job("a"), now=NOW)).joined
    assert dict(store.counts) == await counted_one_by_one(store)


async def test_a_database_that_another_program_holds_says_so_and_works_again_later(store: Store) -> None:
    await store._client.rows("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(store.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(
            *(store.jobs.submit(new_job(name), now=NOW) for name in "abc"), return_exceptions=True
        )
        assert all(isinstance(answer, StoreFailure) and "locked" in str(answer) for answer in answers)
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert not (await store.jobs.submit(new_job("a"), now=NOW)).joined


async def test_counts_are_right_after_any_sequence_of_moves(store: Store) -> None:
    rng = random.Random(11)

    async def act() -> None:
        status = rng.choice(list(JobStatus))
        ids = await store.jobs.ids(frozenset({status}))
        if not ids or rng.random() < 0.3:
            await store.jobs.submit(new_job(f"n{rng.randrange(60)}", force=rng.random() < 0.2), now=NOW)
            return
        job = await store.jobs.get(rng.choice(ids))
        action = rng.randrange(6)
        if action == 0:
            await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=rng.randrange(3))
        elif action == 1:
            await store.jobs.promote(now=NOW, limit=2)
        elif action == 2:
            await store.jobs.delete(job.id)
        else:
            to = rng.choice([*TRANSITIONS[status], rng.choice(list(JobStatus))])
            await store.jobs.transition(job.id, status, to, attempt=job.attempt, now=NOW)

    for _ in range(60):
        answers = await asyncio.gather(*(act() for _ in range(6)), return_exceptions=True)
        assert all(answer is None or isinstance(answer, ReeldeckError) for answer in answers)
        assert dict(store.counts) == await counted_one_by_one(store)
    assert sum(store.counts.values()) > 20
    assert any(isinstance(answer, IllegalTransition | None) for answer in answers)
