"""Running jobs that turn out to want the same: one goes on, the others wait, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import NoSuchJob, StaleClaim
from core.domain.events import EventType
from core.domain.job import Job, JobStatus
from core.store.store import Store
from tests.fakes.stored import NOW, claim_one, counted_one_by_one, job_in, new_job, opened

PENDING, QUEUED, RUNNING = JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING
ENDS = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as running:
        yield running


async def become(store: Store, job: Job, name: str) -> Job:
    new = replace(new_job(name), media_id=f"site:{name}", checkpoint={"twin": f"key-of-{name}"})
    return await store.jobs.become(job.id, attempt=job.attempt, new=new, now=NOW + 1)


async def types(store: Store, job: Job) -> list[EventType]:
    return [event.type for event in await store.events.of(job.id)]


async def test_a_job_that_is_the_only_one_gets_the_link_and_the_key(store: Store) -> None:
    job = await become(store, await job_in(store, RUNNING, "short"), "film")
    assert (job.status, job.url, job.url_hash) == (RUNNING, "https://media.test/film", "hash-of-film")
    assert (job.job_key, job.media_id, job.checkpoint) == ("key-of-film", "site:film", {})
    assert job == await store.jobs.get(job.id)
    assert (await store.jobs.submit(new_job("film"), now=NOW)).job.id == job.id
    assert not (await store.jobs.submit(new_job("short"), now=NOW)).joined


@pytest.mark.parametrize("status", [PENDING, QUEUED, RUNNING, JobStatus.PAUSED])
async def test_a_job_whose_key_is_taken_waits_and_keeps_its_own(store: Store, status: JobStatus) -> None:
    film = await job_in(store, status, "film")
    job = await become(store, await job_in(store, RUNNING, "short"), "film")
    assert (job.status, job.waiting_for, job.not_before) == (PENDING, f"job:{film.id}", None)
    assert (job.job_key, job.url, job.media_id) == ("key-of-short", "https://media.test/short", "site:film")
    assert job.checkpoint == {"twin": "key-of-film"}
    assert (await types(store, job))[-2:] == [EventType.STATUS_CHANGED, EventType.PARKED]
    assert (await types(store, film))[-1] is EventType.JOB_JOINED
    assert await store.jobs.promote(now=NOW + 9_999_999) == (status is PENDING)  # the film alone


@pytest.mark.parametrize("end", ENDS)
async def test_whoever_waits_is_let_go_with_the_end_of_the_other(store: Store, end: JobStatus) -> None:
    film = await job_in(store, RUNNING, "film")
    waiting = [await become(store, await job_in(store, RUNNING, name), "film") for name in ("a", "b")]
    await store.jobs.transition(film.id, RUNNING, end, attempt=film.attempt, now=NOW + 2)
    for job in waiting:
        assert (await store.jobs.get(job.id)).status is QUEUED
        assert (await types(store, job))[-2:] == [EventType.STATUS_CHANGED, EventType.UNPARKED]
    assert await counted_one_by_one(store) == dict(store.counts)


async def test_an_earlier_result_keeps_nobody_from_the_key(store: Store) -> None:
    done = await job_in(store, JobStatus.COMPLETED, "film")
    assert await store.jobs.result_of("key-of-film") == done
    job = await become(store, await job_in(store, RUNNING, "short"), "film")
    assert (job.status, job.job_key) == (RUNNING, "key-of-film")
    assert await store.jobs.result_of("key-of-film") is None
    assert await store.jobs.result_of("key-of-film", besides=job.id) == done


async def test_the_newest_result_counts(store: Store) -> None:
    assert await store.jobs.result_of("key-of-film") is None
    await job_in(store, JobStatus.FAILED, "film")
    assert await store.jobs.result_of("key-of-film") is None
    await job_in(store, JobStatus.COMPLETED, "film")
    newest = await job_in(store, JobStatus.COMPLETED, "film", force=True)
    assert await store.jobs.result_of("key-of-film") == newest


async def test_nobody_waits_for_one_that_waits(store: Store) -> None:
    film = await job_in(store, RUNNING, "film")
    second = await become(store, await job_in(store, RUNNING, "second"), "film")
    third = await become(store, await job_in(store, RUNNING, "third"), "second")
    assert {second.waiting_for, third.waiting_for} == {f"job:{film.id}"}


async def test_jobs_never_wait_in_a_circle(store: Store) -> None:
    first, second = await job_in(store, RUNNING, "first"), await job_in(store, RUNNING, "second")
    second = await become(store, second, "first")
    first = await become(store, first, "second")
    assert (first.status, first.job_key) == (RUNNING, "key-of-first")
    assert second.waiting_for == f"job:{first.id}"
    await store.jobs.transition(first.id, RUNNING, ENDS[0], attempt=first.attempt, now=NOW + 2)
    assert (await store.jobs.get(second.id)).status is QUEUED


async def test_a_runner_that_lost_its_claim_changes_nothing(store: Store) -> None:
    film = await job_in(store, RUNNING, "film")
    old = await job_in(store, RUNNING, "short")
    await store.jobs.transition(old.id, RUNNING, PENDING, attempt=old.attempt, now=NOW)
    await store.jobs.promote(now=NOW)
    new = await claim_one(store, old.id)
    for name in ("film", "other"):
        with pytest.raises(StaleClaim):
            await become(store, old, name)
    assert await store.jobs.get(new.id) == new
    assert await store.jobs.get(film.id) == film
    with pytest.raises(NoSuchJob):
        await become(store, film.evolve(id=99), "other")


async def test_who_waits_can_be_held_and_is_not_let_go_then(store: Store) -> None:
    film = await job_in(store, RUNNING, "film")
    job = await become(store, await job_in(store, RUNNING, "short"), "film")
    await store.jobs.transition(job.id, PENDING, JobStatus.PAUSED, attempt=job.attempt, now=NOW + 1)
    await store.jobs.transition(film.id, RUNNING, ENDS[0], attempt=film.attempt, now=NOW + 2)
    held = await store.jobs.get(job.id)
    assert (held.status, held.waiting_for) == (JobStatus.PAUSED, None)


async def test_more_wait_than_one_statement_lets_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.moves._WAITERS", 2)
    film = await job_in(store, RUNNING, "film")
    jobs = [await become(store, await job_in(store, RUNNING, f"n{number}"), "film") for number in range(5)]
    await store.jobs.transition(film.id, RUNNING, ENDS[0], attempt=film.attempt, now=NOW + 2)
    assert {(await store.jobs.get(job.id)).status for job in jobs} == {QUEUED}
