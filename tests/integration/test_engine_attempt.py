"""What an attempt writes down: each step in its order, and several that follow at once together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.errors import StaleClaim
from core.domain.events import EventType
from core.domain.job import JobStatus, Stage
from core.engine.attempt import SOON_S, Attempt
from core.engine.live import Meter
from core.store.store import Committed, Store
from tests.fakes.stored import job_in, opened


class Told(list[Committed]):
    """What was committed, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._came = asyncio.Event()

    def append(self, committed: Committed) -> None:
        super().append(committed)
        self._came.set()

    async def first(self) -> Committed:
        async with asyncio.timeout(5):
            while not self:
                self._came.clear()
                await self._came.wait()
        return self[0]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def store(tmp_path: Path, told: Told) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data", told) as running:
        yield running


@pytest.fixture
async def attempt(store: Store, tmp_path: Path, told: Told) -> Attempt:
    job = await job_in(store, JobStatus.RUNNING)
    del told[:]
    return Attempt(job, tmp_path / "job", store.jobs, Meter(job))


async def test_what_is_noted_is_stored_with_what_follows_in_its_order(store, attempt, told):
    attempt.checkpoint["fetched"] = ["0-muxed"]
    attempt.note((EventType.DOWNLOAD_FINISHED, {"size_bytes": 3}), stage=Stage.DOWNLOAD, size_bytes=3)
    # Not written, but known to whoever goes on.
    assert (attempt.job.stage, attempt.job.size_bytes) == (Stage.DOWNLOAD, 3)
    assert not told
    attempt.checkpoint["output"] = "0-muxed"
    await attempt.record((EventType.POSTPROCESS_STARTED, {}), stage=Stage.POSTPROCESS)
    (committed,) = told
    assert [event.type for event in committed.events] == [
        EventType.DOWNLOAD_FINISHED,
        EventType.POSTPROCESS_STARTED,
    ]
    job = await store.jobs.get(attempt.job.id)
    assert (job.stage, job.size_bytes) == (Stage.POSTPROCESS, 3)
    assert job.checkpoint == {"fetched": ["0-muxed"], "output": "0-muxed"}
    await attempt.record((EventType.POSTPROCESS_FINISHED, {}))
    assert [event.type for event in told[1].events] == [EventType.POSTPROCESS_FINISHED]


async def test_a_checkpoint_is_noted_as_it_was_then(store, attempt):
    attempt.checkpoint["fetched"] = ["0-muxed"]
    attempt.note(stage=Stage.DOWNLOAD)
    attempt.checkpoint["output"] = "half made"
    await attempt.record()
    assert (await store.jobs.get(attempt.job.id)).checkpoint == {"fetched": ["0-muxed"]}


async def test_what_could_not_be_stored_is_not_forgotten(store, attempt):
    attempt.note((EventType.DOWNLOAD_FINISHED, {}), stage=Stage.DOWNLOAD)
    await store.jobs.transition(
        attempt.job.id, JobStatus.RUNNING, JobStatus.PENDING, attempt=attempt.job.attempt, now=1.0
    )
    with pytest.raises(StaleClaim):
        await attempt.record((EventType.POSTPROCESS_STARTED, {}))
    assert [type_ for type_, _ in attempt.unwritten_events] == [
        EventType.DOWNLOAD_FINISHED,
        EventType.POSTPROCESS_STARTED,
    ]


async def test_the_start_of_a_step_waits_for_what_follows(store, attempt, told):
    attempt.begin((EventType.POSTPROCESS_STARTED, {}), stage=Stage.POSTPROCESS)
    await attempt.record((EventType.POSTPROCESS_FINISHED, {}))
    (committed,) = told
    assert [event.type for event in committed.events] == [
        EventType.POSTPROCESS_STARTED,
        EventType.POSTPROCESS_FINISHED,
    ]
    await attempt.settle()
    assert len(told) == 1


async def test_the_start_of_a_step_that_takes_its_time_is_stored_by_itself(store, attempt, told):
    began = time.monotonic()
    attempt.begin((EventType.DOWNLOAD_STARTED, {}), stage=Stage.DOWNLOAD)
    await told.first()
    assert time.monotonic() - began >= SOON_S
    assert (await store.jobs.get(attempt.job.id)).stage is Stage.DOWNLOAD
    assert attempt.unwritten_events == ()


async def test_what_is_begun_when_the_attempt_ends_is_left_to_its_end(store, attempt, told):
    attempt.begin((EventType.DOWNLOAD_STARTED, {}))
    await attempt.settle()
    assert attempt._alarm is None
    assert not told
    assert [type_ for type_, _ in attempt.unwritten_events] == [EventType.DOWNLOAD_STARTED]


async def test_a_start_that_could_not_be_stored_is_told_with_the_end(store, attempt, told):
    attempt.begin((EventType.DOWNLOAD_STARTED, {}))
    await store.jobs.transition(
        attempt.job.id, JobStatus.RUNNING, JobStatus.PENDING, attempt=attempt.job.attempt, now=1.0
    )
    attempt._write_soon()
    await attempt.settle()
    assert [type_ for type_, _ in attempt.unwritten_events] == [EventType.DOWNLOAD_STARTED]


async def test_a_write_that_is_interrupted_is_written_once(store, attempt, told):
    """The store carries it out all the same: the attempt's end must not tell of it again."""
    attempt.note((EventType.DOWNLOAD_FINISHED, {}))
    writing = asyncio.create_task(attempt.record((EventType.POSTPROCESS_STARTED, {})))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await attempt.settle()
    await told.first()
    assert attempt.unwritten_events == ()
