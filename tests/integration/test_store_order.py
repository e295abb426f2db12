"""The order of the queue as people change it, against a list in which the same is done."""

from __future__ import annotations

import random

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import IllegalTransition
from core.domain.job import JobStatus, Request
from tests.fakes.api import serving
from tests.fakes.stored import NOW, job_in, new_job, opened


@pytest.fixture
async def store(tmp_path):
    async with opened(tmp_path / "data", []) as running:
        yield running


async def queue(store) -> list[int]:
    return [job.id for job in await store.jobs.upcoming(100)]


async def fill(store, count: int) -> list[int]:
    news = [new_job(f"https://example.org/{number}") for number in range(count)]
    return [answer.job.id for answer in await store.jobs.submit_many(news, now=NOW)]


def moved(order: list[int], ids: set[int], to: str) -> list[int]:
    """What a list looks like after the same move."""
    chosen, others = [each for each in order if each in ids], [each for each in order if each not in ids]
    if to == "top":
        return chosen + others
    if to == "bottom":
        return others + chosen
    order, step = list(order), -1 if to == "up" else 1
    for each in chosen if to == "up" else reversed(chosen):
        at = order.index(each)
        if 0 <= at + step < len(order) and order[at + step] not in ids:
            order[at], order[at + step] = order[at + step], order[at]
    return order


async def test_links_that_came_together_run_as_they_came_and_each_has_a_place_of_its_own(store):
    ids = await fill(store, 900)
    jobs = await store.jobs.upcoming(1000)
    assert [job.id for job in jobs] == ids
    assert len({job.position for job in jobs}) == 900


@pytest.mark.parametrize("seed", range(4))
async def test_any_moves_end_as_they_would_in_a_list(store, seed):
    chance = random.Random(seed)
    ids = await fill(store, 12)
    for job_id in ids:
        await store.jobs.amend(job_id, now=NOW, priority=chance.choice([-1, 0, 0, 0, 5]))
    expected = await queue(store)
    for _ in range(60):
        some, to = (
            set(chance.sample(ids, chance.choice([1, 1, 2, 5]))),
            chance.choice(["up", "down", "top", "bottom"]),
        )
        before = {job.id: job for job in await store.jobs.upcoming(100)}
        told = await store.jobs.reorder(sorted(some), to, now=NOW + 1)
        expected = moved(expected, some, to)
        assert await queue(store) == expected
        after = {job.id: job for job in await store.jobs.upcoming(100)}
        changed = {
            job_id
            for job_id in ids
            if (before[job_id].priority, before[job_id].position)
            != (after[job_id].priority, after[job_id].position)
        }
        assert {job.id for job in told} >= changed


async def test_jobs_of_the_very_same_place_pass_one_another(store):
    first, second, third = await fill(store, 3)
    for job_id in (first, second):
        await store.jobs.amend(job_id, now=NOW, position=NOW)
    await store.jobs.reorder([second], "up", now=NOW)
    assert await queue(store) == [second, first, third]


async def test_only_what_is_queued_is_moved(store):
    paused = await job_in(store, JobStatus.PAUSED)
    a, b = await fill(store, 2)
    with pytest.raises(IllegalTransition, match="only what is queued"):
        await store.jobs.reorder([paused.id, 99], "top", now=NOW)
    assert [job.id for job in await store.jobs.reorder([paused.id, b], "top", now=NOW)] == [b]
    assert await queue(store) == [b, a]


async def test_the_order_is_changed_through_the_api_and_outlives_the_engine(run_engine, origin, tmp_path):
    async with (
        run_engine(limits={"quiet_hours": "00:00-00:00"}) as engine,
        serving(engine, tmp_path / "api") as api,
    ):
        client = HttpEngineClient(api.path)
        links = [Request(url=origin.url(f"/{number}.mp4")) for number in range(3)]
        ids = [answer.job.id for answer in await client.submit_many(links)]
        assert {job.id for job in await client.reorder([ids[2]], "up")} == {ids[1], ids[2]}
        assert [job.id for job in await client.reorder([ids[0]], "bottom")] == [ids[0]]
        assert await client.reorder([ids[0]], "down") == []
        await client.close()
    async with run_engine(limits={"quiet_hours": "00:00-00:00"}) as engine:
        assert await queue(engine._store) == [ids[2], ids[1], ids[0]]
