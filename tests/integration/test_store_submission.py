"""Requests become jobs once, durably, in order."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.events import EventType
from core.domain.job import JobStatus, Kind
from core.store.store import Committed, Store
from tests.fakes.stored import NOW, counted_one_by_one, job_in, new_job


async def types_of(store: Store, job_id: int) -> list[EventType]:
    return [event.type for event in await store.events.of(job_id)]


async def test_a_request_becomes_a_queued_job_with_its_story(store: Store, told: list[Committed]) -> None:
    new = new_job("a?sig=secret", kind=Kind.AUDIO, quality="720p", priority=2, user_id=7, chat_id=-8)
    submitted = await store.jobs.submit(new, now=NOW)
    job = submitted.job
    assert not submitted.joined
    assert (job.status, job.attempt, job.position, job.created) == (JobStatus.QUEUED, 0, NOW, NOW)
    assert (job.kind, job.quality, job.priority, job.user_id, job.chat_id) == (Kind.AUDIO, "720p", 2, 7, -8)
    assert job == await store.jobs.get(job.id)
    created, moved = await store.events.of(job.id)
    assert created.type is EventType.JOB_CREATED
    assert created.data == {
        "source_type": "direct",
        "url_domain": "media.test",
        "user_id": 7,
        "chat_id": -8,
    }
    assert moved.data == {"from": "PENDING", "to": "QUEUED"}
    assert told == [Committed((created, moved), (job,), ())]


@pytest.mark.parametrize("status", [s for s in JobStatus if not s.is_final])
async def test_an_unfinished_job_of_the_same_key_is_joined_even_by_force(
    store: Store, status: JobStatus
) -> None:
    job = await job_in(store, status)
    for force in (False, True):
        again = await store.jobs.submit(new_job("a", user_id=9, force=force), now=NOW)
        assert (again.joined, again.job) == (True, job)
    last = (await store.events.of(job.id))[-1]
    assert (last.type, last.data["user_id"]) == (EventType.JOB_JOINED, 9)


async def test_a_completed_job_is_joined_unless_forced(store: Store) -> None:
    first = await job_in(store, JobStatus.COMPLETED)
    forced = await store.jobs.submit(new_job("a", force=True), now=NOW)
    assert not forced.joined
    running = (await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=1))[0]
    done = await store.jobs.transition(running.id, JobStatus.RUNNING, JobStatus.COMPLETED, attempt=1, now=NOW)
    assert done.id > first.id
    joined = await store.jobs.submit(new_job("a"), now=NOW)
    assert (joined.joined, joined.job.id) == (True, done.id)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
async def test_a_job_that_came_to_nothing_is_not_joined(store: Store, status: JobStatus) -> None:
    old = await job_in(store, status)
    new = await store.jobs.submit(new_job("a"), now=NOW)
    assert (new.joined, new.job.id > old.id) == (False, True)


async def test_a_request_heard_again_is_the_same_job_whatever_became_of_it(store: Store) -> None:
    job = await job_in(store, JobStatus.FAILED, "a", idempotency_key="k")
    story = await types_of(store, job.id)
    again = await store.jobs.submit(new_job("A", idempotency_key="k"), now=NOW)
    assert (again.joined, again.job) == (True, job)
    assert await types_of(store, job.id) == story


async def test_the_key_of_a_request_that_joined_is_kept_too(store: Store) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    await store.jobs.submit(new_job("a", idempotency_key="k"), now=NOW)
    await store.jobs.transition(job.id, JobStatus.RUNNING, JobStatus.CANCELLED, attempt=1, now=NOW)
    assert (await store.jobs.submit(new_job("a", idempotency_key="k"), now=NOW)).job.id == job.id


async def test_two_submits_of_one_key_at_once_make_one_job(store: Store) -> None:
    answers = await asyncio.gather(*(store.jobs.submit(new_job("a"), now=NOW) for _ in range(2)))
    assert sorted(answer.joined for answer in answers) == [False, True]
    assert answers[0].job.id == answers[1].job.id
    assert store.counts[JobStatus.QUEUED] == 1


async def test_many_are_stored_in_one_transaction_and_answered_in_order(
    store: Store, told: list[Committed]
) -> None:
    known = await job_in(store, JobStatus.QUEUED, "known")
    del told[:]
    twice = new_job("twice")
    news = [
        *(new_job(f"n{n}") for n in range(900)),
        new_job("known"),
        twice,
        twice,
        new_job("keyed", idempotency_key="k"),
        new_job("keyed-elsewhere", idempotency_key="k"),
    ]
    answers = await store.jobs.submit_many(news, now=NOW)
    (committed,) = told
    assert len(committed.jobs) == 902
    assert [answer.joined for answer in answers] == [False] * 900 + [True, False, True, False, True]
    assert [answer.job.url for answer in answers[:900]] == [new.url for new in news[:900]]
    assert answers[900].job.id == known.id
    assert answers[901].job == answers[902].job
    assert answers[903].job == answers[904].job
    assert [event.seq for event in committed.events] == sorted(event.seq for event in committed.events)
    assert dict(store.counts) == await counted_one_by_one(store)
    assert await store.jobs.submit_many([], now=NOW) == []


async def test_the_second_of_many_joins_the_first_when_it_names_the_same(store: Store) -> None:
    first, second = await store.jobs.submit_many([new_job("a"), new_job("b", key="key-of-a")], now=NOW)
    assert (first.joined, second.joined, second.job.id) == (False, True, first.job.id)
    assert (await types_of(store, first.job.id))[-1] is EventType.JOB_JOINED
