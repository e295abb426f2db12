"""What a dead engine left behind is taken up by the next; what may have killed it is handled with care."""

from __future__ import annotations

import time

from core.domain.events import EventType
from core.domain.job import WAITING_RETRY, Control, Job, JobStatus, Stage
from core.engine.recovery import MAX_CRASHES, SUSPICIOUS_CRASHES, recover
from core.store.store import Store
from tests.fakes.stored import new_job, opened

RUNNING = JobStatus.RUNNING


async def crashed(store: Store, epoch: int, *, bytes_done: int = 0, control: Control | None = None) -> Job:
    """A job that was running, as far as *bytes_done*, when its engine died."""
    if not (await store.jobs.ids(frozenset(JobStatus))):
        await store.jobs.submit(new_job(), now=1.0)
    else:
        await store.jobs.promote(now=time.time() + 1e6)
    (job,) = await store.jobs.claim(engine="host", epoch=epoch, now=2.0, limit=1)
    job = await store.jobs.record(
        job.id, attempt=job.attempt, now=3.0, stage=Stage.DOWNLOAD, bytes_done=bytes_done
    )
    if control is not None:
        job = await store.jobs.amend(job.id, now=4.0, control=control)
    return job


async def test_a_running_job_goes_back_with_its_checkpoint_and_an_event(tmp_path):
    async with opened(tmp_path) as store:
        job = await crashed(store, 1)
        assert await recover(store, engine="host", epoch=2) == 1
        back = await store.jobs.get(job.id)
        assert (back.status, back.waiting_for, back.retry_count) == (JobStatus.PENDING, None, 0)
        assert EventType.JOB_RECOVERED in [event.type for event in await store.events.of(job.id)]
        assert await recover(store, engine="host", epoch=2) == 0


async def test_what_a_person_asked_before_the_crash_still_holds(tmp_path):
    for wish, status in ((Control.PAUSE, JobStatus.PAUSED), (Control.CANCEL, JobStatus.CANCELLED)):
        async with opened(tmp_path / wish.value) as store:
            job = await crashed(store, 1, control=wish)
            await recover(store, engine="host", epoch=2)
            assert (await store.jobs.get(job.id)).status is status


async def test_a_job_that_gets_further_between_crashes_is_never_suspected(tmp_path):
    async with opened(tmp_path) as store:
        for epoch in range(1, 3 * MAX_CRASHES):
            job = await crashed(store, epoch, bytes_done=epoch)
            await recover(store, engine="host", epoch=epoch + 1)
            back = await store.jobs.get(job.id)
            assert (back.status, back.waiting_for) == (JobStatus.PENDING, None)


async def test_a_job_that_crashes_the_engine_at_one_point_waits_and_is_given_up_in_the_end(tmp_path):
    async with opened(tmp_path) as store:
        for crash in range(1, MAX_CRASHES + 1):
            job = await crashed(store, crash)
            await recover(store, engine="host", epoch=crash + 1)
            back = await store.jobs.get(job.id)
            if crash < SUSPICIOUS_CRASHES:
                assert back.waiting_for is None
            elif crash < MAX_CRASHES:
                assert back.waiting_for == WAITING_RETRY
                assert back.not_before > time.time()
        assert back.status is JobStatus.FAILED
        assert "crashed" in back.error_message
        assert EventType.STALE_JOB_MARKED_FAILED in [event.type for event in await store.events.of(job.id)]
