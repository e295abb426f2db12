"""What ended on each of the last days, counted by the store and told by the API."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.client.http import HttpEngineClient
from core.domain.history import DayFigures
from core.domain.job import JobStatus
from core.engine.history import History
from core.store import queries
from tests.fakes.api import serving
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tests.fakes.stored import job_in, opened
from tests.integration.conftest import finish
from tests.integration.test_store_queries import Explainer

TODAY = date(2026, 3, 30)


def at(day: date, hour: int) -> float:
    return datetime(day.year, day.month, day.day, hour).timestamp()  # noqa: DTZ001 -- days are this machine's


async def ended(
    store, name: str, status: JobStatus, when: float, source: str = "direct", size: int = 0
) -> int:
    job = await job_in(store, JobStatus.RUNNING, name, source=source)
    await store.jobs.transition(job.id, JobStatus.RUNNING, status, attempt=1, now=when, size_bytes=size)
    return job.id


async def test_days_hold_what_ended_on_them_by_source_and_what_was_cancelled_is_left_out(tmp_path):
    async with opened(tmp_path / "data", []) as store:
        before = TODAY - timedelta(days=1)
        await ended(store, "a", JobStatus.COMPLETED, at(before, 0), size=100)
        await ended(store, "b", JobStatus.COMPLETED, at(before, 23), size=20)
        await ended(store, "c", JobStatus.FAILED, at(before, 12), size=7)
        await ended(store, "d", JobStatus.COMPLETED, at(before, 12), source="youtube", size=5)
        await ended(store, "e", JobStatus.CANCELLED, at(TODAY, 1))
        await ended(store, "f", JobStatus.FAILED, at(TODAY, 1))
        await ended(store, "g", JobStatus.COMPLETED, at(TODAY - timedelta(days=30), 23))
        assert await History(store).days(30, today=TODAY) == [
            DayFigures(day="2026-03-29", source="direct", completed=2, failed=1, size_bytes=120),
            DayFigures(day="2026-03-29", source="youtube", completed=1, failed=0, size_bytes=5),
            DayFigures(day="2026-03-30", source="direct", completed=0, failed=1, size_bytes=0),
        ]
        assert len(await History(store).days(31, today=TODAY)) == 4


async def test_an_index_alone_answers_and_days_that_are_over_are_asked_for_once(tmp_path):
    async with opened(tmp_path / "data", []) as store:
        explainer = Explainer(store._client)
        await queries.ended_between(explainer, 0.0, 1.0)
        assert "COVERING INDEX jobs_finished (finished>? AND finished<?)" in explainer.plan
        history = History(store)
        await history.days(30, today=TODAY)
        await ended(store, "a", JobStatus.COMPLETED, at(TODAY - timedelta(days=3), 1))
        assert await history.days(30, today=TODAY) == []


async def test_the_api_tells_what_ended_today(run_engine, origin, tmp_path):
    origin.put("/film.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    origin.put("/gone.mp4").always = Fault(status=404)
    async with run_engine() as engine, serving(engine, tmp_path / "api") as api:
        done = await finish(engine, origin.url("/film.mp4"))
        await finish(engine, origin.url("/gone.mp4"))
        client = HttpEngineClient(api.path)
        (figures,) = await client.history(days=2)
        await client.close()
    assert (figures.source, figures.completed, figures.failed) == ("direct", 1, 1)
    assert figures.size_bytes == done.size_bytes
