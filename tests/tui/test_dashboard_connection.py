from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import EngineUnreachable, InvalidRequest, NoSuchJob
from core.domain.events import Event, EventType
from core.domain.job import JobStatus
from core.domain.snapshot import Frame
from tests.fakes.engine import FakeEngine
from tests.tui.conftest import PATIENCE_S, calls
from tui.filter import parse_filter
from tui.state import JobIndex
from tui.sync import Link, Sync

S = JobStatus


async def test_a_lost_engine_is_told_the_list_is_kept_and_it_comes_back_by_itself(dashboard, engine):
    engine.add(title="Kept")
    async with dashboard() as shown:
        for _ in range(3):
            engine.fail_next("stream", EngineUnreachable())
        engine.cut_streams()
        await shown.shows("engine lost", "No engine is running", "shown as of", "Kept")
        await shown.shows("● engine ", "Kept")
        assert "shown as of" not in shown.text
        engine.set(1, title="And live again")
        await shown.shows("And live again")


async def test_nothing_can_be_asked_of_a_lost_engine_and_the_key_says_so(dashboard, engine):
    engine.add(status=S.RUNNING)
    async with dashboard(backoff_s=(60.0,)) as shown:
        engine.cut_streams()
        await shown.shows("looking again in")
        await shown.press("p")
        await shown.shows("The engine is not connected")
        assert calls(engine, "pause") == []
        await shown.press("ctrl+r")
        await shown.shows("● engine ")


async def test_a_dashboard_without_an_engine_says_how_to_start_one(dashboard, engine):
    engine.fail_next("stream", EngineUnreachable())
    async with dashboard((100, 24), waits=False, backoff_s=(60.0,)) as shown:
        await shown.shows("The engine does not answer", "reeldeck serve")


async def test_a_job_page_outlives_the_engine(dashboard, engine):
    engine.add(title="A talk")
    async with dashboard(backoff_s=(60.0,)) as shown:
        await shown.press("enter")
        engine.cut_streams()
        await shown.shows("looking again in", "shown as of", "A talk")


async def test_events_missed_meanwhile_are_there_after_the_return(dashboard, engine):
    job = engine.add(title="A talk", status=S.RUNNING)
    async with dashboard((100, 30)) as shown:
        await shown.until(lambda: shown.app.deck.has_timeline(job.id))
        engine.fail_next("stream", EngineUnreachable())
        engine.cut_streams()
        engine._record(job.id, EventType.ARCHIVED, {})
        await shown.shows("filed in the archive")


async def test_a_refused_timeline_is_told_once(dashboard, engine):
    engine.add(title="A talk")
    engine.fail_next("events", InvalidRequest("odd"))
    async with dashboard((100, 30)) as shown:
        await shown.shows("The request is not valid: odd")
        assert len(calls(engine, "events")) == 1


async def test_a_job_deleted_before_its_timeline_came_leaves_the_list(dashboard, engine):
    engine.add(title="Ghost")
    engine.fail_next("events", NoSuchJob("1"))
    async with dashboard((100, 30)) as shown:
        await shown.shows("No jobs yet")


# Without a screen


class Follower:
    """A sync with what it told."""

    def __init__(self, engine: FakeEngine, **options) -> None:
        self.index = JobIndex()
        self.frames: list[Frame] = []
        self._changed = asyncio.Event()
        self.sync = Sync(
            engine,
            self.index,
            on_frame=self._on_frame,
            on_change=self._changed.set,
            **({"backoff_s": (0.01,)} | options),
        )

    def _on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._changed.set()

    async def until(self, holds) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def __aenter__(self):
        self._task = asyncio.create_task(self.sync.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def test_a_change_during_loading_is_newer_than_the_page(engine):
    job = engine.add(title="old")
    pages = engine.jobs

    async def slow(query):
        page = await pages(query)
        engine.set(job.id, title="new")
        await follower.until(lambda: any(frame.jobs for frame in follower.frames))
        return page

    engine.jobs = slow
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        assert follower.index.known[job.id].title == "new"


async def test_a_job_deleted_during_loading_does_not_come_back(engine):
    job = engine.add(status=S.COMPLETED)
    pages = engine.jobs

    async def slow(query):
        page = await pages(query)
        if job.id in engine._jobs:
            await engine.delete(job.id)
            await follower.until(lambda: any(frame.deleted for frame in follower.frames))
        return page

    engine.jobs = slow
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        assert not follower.index.known


async def test_what_was_deleted_while_the_engine_was_away_is_dropped(engine):
    gone = engine.add(status=S.COMPLETED)
    kept = engine.add()
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        loads = len(calls(engine, "jobs"))
        engine.cut_streams()
        del engine._jobs[gone.id]
        await follower.until(lambda: set(follower.index.known) == {kept.id})
        assert len(calls(engine, "jobs")) > loads


async def test_missing_events_make_the_list_load_again(engine, monkeypatch):
    monkeypatch.setattr("tui.sync.RESYNC_EVERY_S", 0.0)
    job = engine.add(title="old")
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        engine.emit(EventType.DISK_LOW)
        await follower.until(lambda: any(frame.events for frame in follower.frames))
        engine.set(job.id, publish=False, title="changed in the gap")
        engine.push(Frame(events=(Event(50, None, EventType.DISK_LOW, {}, 0.0),)))
        await follower.until(lambda: follower.index.known[job.id].title == "changed in the gap")


async def test_waits_between_attempts_grow_and_begin_anew_after_success(engine):
    for _ in range(3):
        engine.fail_next("stream", EngineUnreachable())
    async with Follower(engine, backoff_s=(0.001, 0.002, 0.003)) as follower:
        seen = []

        def note() -> bool:
            connection = follower.sync.connection
            if connection.link is Link.LOST and connection not in seen:
                seen.append(connection)
            return follower.sync.is_loaded

        await follower.until(note)
        assert follower.sync._failures == 0
        assert follower.sync.connection.link is Link.LIVE
        assert follower.sync.connection.error is None


async def test_an_engine_that_refuses_the_list_is_told_as_lost_with_its_reason(engine):
    engine.fail_next("jobs", InvalidRequest("limit"))
    async with Follower(engine, backoff_s=(60.0,)) as follower:
        await follower.until(lambda: follower.sync.connection.link is Link.LOST)
        assert isinstance(follower.sync.connection.error, InvalidRequest)
        assert follower.sync.connection.heard is not None
    assert engine.listeners == 0


async def test_stopping_closes_the_stream(engine):
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        assert engine.listeners == 1
    assert engine.listeners == 0


async def test_a_search_asks_the_engine_only_when_it_has_more_than_is_known(engine):
    engine.add_many(3)
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        loads = len(calls(engine, "jobs"))
        await follower.sync.search(parse_filter("Title"))
        await follower.sync.older()
        assert len(calls(engine, "jobs")) == loads


async def test_the_status_is_looked_at(engine):
    engine.speed_bps = 5.0
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.status)
        assert follower.sync.status["disk"]["free_bytes"] == 412 * 2**30
        assert follower.sync.speed_bps == 5.0


@pytest.mark.parametrize("count", [1, 450])
async def test_frames_count_what_the_engine_has(engine, count):
    engine.add_many(count)
    async with Follower(engine) as follower:
        await follower.until(lambda: follower.sync.is_loaded)
        assert follower.sync.counts[S.QUEUED] == count
        assert len(follower.index) == count
