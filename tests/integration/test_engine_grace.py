"""A job's cancelling that can be taken back for a while."""

from __future__ import annotations

import asyncio

from core.client.http import HttpEngineClient
from core.domain.job import JobStatus, Request
from tests.fakes.api import serving
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tests.integration.conftest import until

ONE_BY_ONE = {"max_connections_per_file": 1}


async def held_film(engine, origin) -> tuple[int, bytes]:
    """A job that has fetched half of its film, and the film."""
    data = made_once(video_mp4, "clip.mp4").read_bytes() + bytes(3_000_000)
    origin.put("/film.mp4", data).always = Fault(hold_after=1_500_000)
    job = (await engine.submit(Request(url=origin.url("/film.mp4")))).job
    await origin.held.wait()
    return job.id, data


async def test_a_retry_in_time_goes_on_from_what_was_fetched(run_engine, origin, tmp_path):
    async with run_engine(network=ONE_BY_ONE) as engine, serving(engine, tmp_path / "api") as api:
        job_id, data = await held_film(engine, origin)
        client = HttpEngineClient(api.path)
        assert (await client.cancel(job_id, keep_s=30)).status is JobStatus.CANCELLED
        folder = engine.settings.paths.tmp / str(job_id)
        assert folder.is_dir()
        origin.release.set()
        await client.retry(job_id)
        await client.close()
        done = await until(engine, job_id, JobStatus.COMPLETED, JobStatus.FAILED)
        assert done.status is JobStatus.COMPLETED, done.error_message
        assert origin.bytes_sent("/film.mp4") <= len(data) + 1_500_000
        assert not folder.exists()


async def test_later_it_is_gone_and_a_retry_begins_anew(run_engine, origin):
    async with run_engine(network=ONE_BY_ONE) as engine:
        job_id, _ = await held_film(engine, origin)
        grace = engine._control.grace
        await engine.cancel(job_id, keep_s=1)
        folder = engine.settings.paths.tmp / str(job_id)
        assert folder.is_dir()
        grace.keep(job_id, 0)  # its time has come
        async with asyncio.timeout(5):
            while grace._due or grace._deleting.locked():  # noqa: ASYNC110 -- the files tell nobody
                await asyncio.sleep(0)
        assert not folder.exists()
        origin.release.set()
        assert (await engine.retry(job_id)).checkpoint == {}
        assert (
            await until(engine, job_id, JobStatus.COMPLETED, JobStatus.FAILED)
        ).status is JobStatus.COMPLETED


async def test_what_a_stopped_engine_kept_is_no_checkpoint_of_the_next(run_engine, origin):
    async with run_engine(network=ONE_BY_ONE) as engine:
        job_id, _ = await held_film(engine, origin)
        assert (await engine.cancel(job_id, keep_s=60)).checkpoint != {}
    origin.release.set()
    async with run_engine() as engine:
        assert (await engine.retry(job_id)).checkpoint == {}
        assert (
            await until(engine, job_id, JobStatus.COMPLETED, JobStatus.FAILED)
        ).status is JobStatus.COMPLETED
