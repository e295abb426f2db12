"""Following jobs to their ends, against an engine in memory."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import EngineUnreachable
from core.domain.job import Job, JobStatus
from tests.fakes.engine import FakeEngine
from tui.console import follow
from tui.console.follow import Follower


class Recorder:
    """A view that remembers what it was shown, and says when it knows a number of jobs."""

    def __init__(self) -> None:
        self.shown: list[Job] = []
        self._changed = asyncio.Event()

    def show(self, job: Job) -> None:
        self.shown.append(job)
        self._changed.set()

    async def until_jobs(self, count: int) -> None:
        while len({job.id for job in self.shown}) < count:
            self._changed.clear()
            await self._changed.wait()

    def note(self, text: str) -> None:
        raise AssertionError(text)


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(follow, "RECONNECT_S", 0.0)


def following(engine, *jobs, patience_s=5.0):
    view = Recorder()
    return view, asyncio.create_task(Follower(engine, view, patience_s=patience_s).follow(jobs))


async def test_a_job_is_shown_until_it_is_finished(engine):
    job = engine.add()
    view, task = following(engine, job)
    await engine.until_listeners(1)
    engine.move(job.id, JobStatus.RUNNING)
    engine.progress(job.id, 5, 10, 1.0)
    engine.move(job.id, JobStatus.COMPLETED, file_path="/archive/a.mp4")
    (ended,) = await task
    assert ended.status is JobStatus.COMPLETED
    assert ended.file_path == "/archive/a.mp4"
    assert view.shown[-1] is ended
    await engine.until_listeners(0)


async def test_a_job_that_was_finished_before_anybody_listened_is_not_waited_for(engine):
    done = engine.add(status=JobStatus.COMPLETED)
    stale = engine.add()
    engine.move(stale.id, JobStatus.RUNNING)
    engine.move(stale.id, JobStatus.FAILED, error_type="NOT_FOUND")
    _, task = following(engine, done, stale)
    assert [job.status for job in await task] == [JobStatus.COMPLETED, JobStatus.FAILED]


async def test_nothing_is_asked_when_all_is_finished(engine):
    _, task = following(engine, engine.add(status=JobStatus.COMPLETED))
    await task
    assert engine.calls == []


async def test_jobs_come_back_in_the_order_asked_for(engine):
    first, second = engine.add(), engine.add()
    _, task = following(engine, first, second)
    await engine.until_listeners(1)
    for job in (second, first):
        engine.move(job.id, JobStatus.RUNNING)
        engine.move(job.id, JobStatus.COMPLETED)
    assert [job.id for job in await task] == [first.id, second.id]


async def test_the_items_of_a_playlist_are_followed_as_well(engine):
    playlist = engine.add()
    view, task = following(engine, playlist)
    await engine.until_listeners(1)
    items = engine.add_many(150, group_id=7)
    engine.move(playlist.id, JobStatus.RUNNING)
    engine.move(playlist.id, JobStatus.COMPLETED, group_id=7)
    await view.until_jobs(151)
    for item in items:
        engine.move(item.id, JobStatus.RUNNING)
        engine.move(item.id, JobStatus.COMPLETED, file_path=f"/archive/{item.id}")
    ended = await task
    assert ended[0].id == playlist.id
    assert {job.id for job in ended[1:]} == {item.id for item in items}
    assert all(job.status is JobStatus.COMPLETED for job in ended)


async def test_a_job_that_waits_for_a_login_is_left_where_nobody_could_read_that(engine):
    job, other = engine.add(), engine.add()
    task = asyncio.create_task(Follower(engine, Recorder(), leaves_parked=True).follow([job, other]))
    await engine.until_listeners(1)
    engine.move(job.id, JobStatus.RUNNING)
    engine.move(job.id, JobStatus.PENDING, waiting_for="retry")
    engine.move(other.id, JobStatus.RUNNING)
    engine.move(other.id, JobStatus.COMPLETED)
    engine.move(job.id, JobStatus.QUEUED)
    engine.move(job.id, JobStatus.RUNNING)
    engine.move(job.id, JobStatus.PENDING, waiting_for="auth:main")
    assert [each.status for each in await task] == [JobStatus.PENDING, JobStatus.COMPLETED]
    await engine.until_listeners(0)


async def test_a_lost_stream_is_taken_up_again_and_what_happened_meanwhile_is_seen(engine):
    job = engine.add()
    _, task = following(engine, job)
    await engine.until_listeners(1)
    engine.cut_streams()
    engine.move(job.id, JobStatus.RUNNING)
    engine.move(job.id, JobStatus.COMPLETED)
    assert (await task)[0].status is JobStatus.COMPLETED


async def test_an_engine_that_stays_away_is_given_up(engine):
    job = engine.add()
    _, task = following(engine, job, patience_s=0.0)
    await engine.until_listeners(1)
    for _ in range(3):
        engine.fail_next("stream", EngineUnreachable())
    engine.cut_streams()
    with pytest.raises(EngineUnreachable, match="went away"):
        await task


async def test_a_job_whose_record_is_deleted_is_not_waited_for(engine):
    job, other = engine.add(), engine.add()
    _, task = following(engine, job, other)
    await engine.until_listeners(1)
    engine.cut_streams()  # deleted while nobody listened
    engine.move(job.id, JobStatus.CANCELLED)
    await engine.delete(job.id)
    await engine.until_listeners(1)
    engine.move(other.id, JobStatus.CANCELLED)
    await engine.delete(other.id)
    await task


async def test_who_stops_following_leaves_no_listener_behind(engine):
    _, task = following(engine, engine.add())
    await engine.until_listeners(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await engine.until_listeners(0)
