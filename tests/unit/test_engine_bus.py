"""Listeners get everything once, in order, and never slow the engine."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import EngineUnreachable
from core.domain.events import Event, EventType
from core.domain.job import JobStatus
from core.engine import bus as bus_module
from core.engine.bus import Bus
from core.engine.live import Meter
from tests.unit.test_domain_values import make_job


def event(seq: int) -> Event:
    return Event(seq, 1, EventType.STATUS_CHANGED, {}, 0.0)


@pytest.fixture
def bus(monkeypatch) -> Bus:
    monkeypatch.setattr(bus_module, "FRAME_INTERVAL_S", 0.0)
    return Bus(counts=dict, speed_bps=lambda: 12.5)


async def test_a_frame_holds_all_events_and_each_job_once_in_its_newest_state(bus):
    with bus.subscribe() as mailbox:
        bus.publish([event(1)], [make_job(bytes_done=1)])
        bus.publish([event(2)], [make_job(bytes_done=2)])
        frame = await anext(bus.frames(mailbox))
    assert [e.seq for e in frame.events] == [1, 2]
    assert [job.bytes_done for job in frame.jobs] == [2]
    assert frame.speed_bps == 12.5


async def test_the_end_of_a_job_is_told_at_once_and_a_row_of_ends_at_the_usual_pace(monkeypatch):
    monkeypatch.setattr(bus_module, "FRAME_INTERVAL_S", 3600.0)
    bus = Bus(counts=dict, speed_bps=lambda: 0.0)
    with bus.subscribe() as mailbox:
        frames = bus.frames(mailbox)
        bus.publish(jobs=[make_job(id=1, status=JobStatus.RUNNING)])
        await anext(frames)
        following = asyncio.ensure_future(anext(frames))
        bus.publish(jobs=[make_job(id=1, status=JobStatus.COMPLETED)])
        assert [job.id for job in (await following).jobs] == [1]
        following = asyncio.ensure_future(anext(frames))
        bus.publish(jobs=[make_job(id=2, status=JobStatus.COMPLETED)])
        for _ in range(20):
            await asyncio.sleep(0)
        assert not following.done()
        following.cancel()


async def test_what_was_replayed_is_not_told_again(bus):
    with bus.subscribe() as mailbox:
        bus.publish([event(1), event(2), event(3)])
        frame = await anext(bus.frames(mailbox, after_seq=2))
    assert [e.seq for e in frame.events] == [3]


async def test_a_deleted_job_is_not_shown_again(bus):
    with bus.subscribe() as mailbox:
        bus.publish(jobs=[make_job()])
        bus.publish(deleted=[7])
        frame = await anext(bus.frames(mailbox))
    assert (list(frame.jobs), list(frame.deleted)) == ([], [7])


async def test_a_listener_that_lags_too_far_is_cut_off_and_the_others_go_on(bus, monkeypatch):
    monkeypatch.setattr(bus_module, "MAX_PENDING_EVENTS", 10)
    with bus.subscribe() as slow, bus.subscribe() as quick:
        bus.publish([event(n) for n in range(8)])
        assert len((await quick.take())[0]) == 8
        bus.publish([event(n) for n in range(8, 12)])
        assert len((await quick.take())[0]) == 4
        with pytest.raises(EngineUnreachable):
            await slow.take()


async def test_streams_end_when_the_engine_stops(bus):
    with bus.subscribe() as mailbox:
        waiting = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        bus.close()
        with pytest.raises(EngineUnreachable):
            await waiting


async def test_nobody_is_told_after_leaving(bus):
    with bus.subscribe() as left:
        pass
    with bus.subscribe() as stays:
        bus.publish([event(1)])
        assert [e.seq for e in (await stays.take())[0]] == [1]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await left.take()


def test_a_meter_adds_up_its_tracks_and_knows_the_total_only_when_all_are_known():
    meter = Meter(make_job(size_bytes=None, bytes_done=0))
    video, audio = meter.track(0, 1000), meter.track(1, None)
    video(400, None)
    audio(50, None)
    assert (meter.done_bytes, meter.total_bytes) == (450, None)
    audio(60, 200)
    assert meter.total_bytes == 1200


def test_a_meters_rate_starts_at_the_first_measured_figure_and_follows_slowly():
    meter = Meter(make_job())
    update, start = meter.track(0, None), meter._last_tick
    update(0, None)
    meter.tick(start + 1)
    update(1000, None)
    meter.tick(start + 2)
    assert meter.rate_bps == pytest.approx(1000)
    meter.tick(start + 3)
    assert 800 < meter.rate_bps < 1000


def test_a_meter_whose_tracks_have_arrived_shows_no_rate():
    meter = Meter(make_job())
    update, start = meter.track(0, None), meter._last_tick
    update(0, None)
    meter.tick(start + 1)
    update(1000, None)
    meter.tick(start + 2)
    meter.finish()
    meter.tick(start + 3)
    assert (meter.rate_bps, meter.done_bytes, meter.total_bytes) == (None, 1000, 1000)


def test_a_meter_counts_again_while_files_are_processed():
    meter = Meter(make_job(size_bytes=1000, bytes_done=1000))
    meter.process(0.25)
    meter.tick(meter._last_tick + 1)
    shown = meter.overlay(meter.job)
    assert (shown.bytes_done, shown.size_bytes, shown.rate, meter.is_changed) == (250, 1000, None, True)
    meter.process(1.0)
    assert meter.overlay(meter.job).bytes_done == 1000
