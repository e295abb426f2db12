"""A slot goes over to the next job while the end of the last one is written: no sooner, and hardly later."""

from __future__ import annotations

import pytest

from core.domain.events import EventType
from core.domain.job import JobStatus, Request
from tests.fakes.media import audio_mp3, made_once
from tests.integration.conftest import until


@pytest.mark.parametrize("slots", [1, 2])
async def test_never_more_jobs_run_than_there_are_slots(run_engine, origin, slots):
    song = made_once(audio_mp3, "tone.mp3").read_bytes()
    for number in range(6):
        origin.put(f"/{number}.mp3", song, etag=f'"{number}"')
    limits = {"max_parallel_jobs": slots, "max_parallel_jobs_per_source": slots}
    async with run_engine(limits=limits) as engine:
        answers = await engine.submit_many([Request(url=origin.url(f"/{n}.mp3")) for n in range(6)])
        jobs = [await until(engine, each.job.id, JobStatus.COMPLETED, JobStatus.FAILED) for each in answers]
        assert {job.status for job in jobs} == {JobStatus.COMPLETED}
        events = [event for job in jobs for event in await engine.events(job.id)]
    moves = [event for event in events if event.type is EventType.STATUS_CHANGED]
    running, seen = 0, []
    for move in sorted(moves, key=lambda event: event.seq):
        running += (move.data["to"] == "RUNNING") - (move.data["from"] == "RUNNING")
        seen.append(running)
    assert max(seen) == slots
