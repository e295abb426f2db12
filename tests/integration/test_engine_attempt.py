"""What an attempt writes down: each step in its order, and several that follow at once together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.errors import StaleClaim
from core.domain.events import EventType
from core.domain.job import JobStatus, Stage
from core.engine.attempt import Attempt
from core.engine.live import Meter
from core.store.store import Committed, Store
from tests.fakes.stored import job_in, opened


@pytest.fixture
def told() -> list[Committed]:
    return []


@pytest.fixture
async def store(tmp_path: Path, told: list[Committed]) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data", told) as running:
        yield running


@pytest.fixture
async def attempt(store: Store, tmp_path: Path, told: list[Committed]) -> Attempt:
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
