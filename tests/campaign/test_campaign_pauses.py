"""Jobs paused at random points and resumed: the same file as ever, and little of it fetched twice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import random
import time
from collections import Counter
from pathlib import Path

from core.domain.errors import IllegalTransition
from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus, Request
from core.engine.engine import Engine
from tests.campaign.works import WORKS, Work
from tests.fakes.origin import Origin
from tests.integration.conftest import until

log = logging.getLogger("campaign")
_ENDS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
#: Of each job.
PAUSES = 2
#: Per pause, and once when connections share the end: what was on its way, and segments that were not whole.
ON_THE_WAY_BYTES = 2**20


def digest(job: Job) -> str:
    assert job.status is JobStatus.COMPLETED, f"{job.error_type}: {job.error_message}"
    return hashlib.sha256(Path(job.file_path).read_bytes()).hexdigest()


class Pauses:
    """The rounds of one kind of job, one after the other: a file tells the link that it came from."""

    def __init__(self, work: Work, engine: Engine, origin: Origin, seed: int) -> None:
        self._work, self._engine, self._origin, self._seed = work, engine, origin, seed
        self._url = work.put(origin)
        self.points: Counter[str] = Counter()
        self.twice_bytes = 0

    async def run(self, points: int) -> None:
        """One job undisturbed, then others until there were so many pauses."""
        began = time.monotonic()
        job = (await self._engine.submit(Request(url=self._url, force=True))).job
        usual = digest(await until(self._engine, job.id, *_ENDS))
        usual_s = time.monotonic() - began
        for number in itertools.count():
            if self.points.total() >= points:
                break
            chance = random.Random(f"{self._seed}/{self._work.name}/{number}")
            assert await self._round(chance, usual_s) == usual, f"round {number}: another file"

    async def _round(self, chance: random.Random, usual_s: float) -> str:
        """One job, paused at random points of its usual time."""
        seen_before = len(self._origin.requests)
        job = (await self._engine.submit(Request(url=self._url, force=True))).job
        ended = asyncio.create_task(until(self._engine, job.id, *_ENDS))
        kept_bytes = 0
        for _ in range(PAUSES):
            await asyncio.wait({ended}, timeout=chance.uniform(0, usual_s))
            at = await self._engine.job(job.id)
            with contextlib.suppress(IllegalTransition):  # it has ended by now
                paused = await self._engine.pause(job.id)
                kept_bytes = 0 if await self._finished(job.id) else paused.bytes_done
                self.points[str(at.stage if at.status is JobStatus.RUNNING else at.status)] += 1
                await self._engine.resume(job.id)
        done = await ended
        # A pause between the last byte and the next write has the end of the download told again.
        finished = (await self._finished(job.id))[0]
        assert finished.data["resumed_bytes"] >= kept_bytes, "what was on the disk was fetched again"
        size_bytes = self._work.media_bytes(self._origin)
        sent_bytes = self._work.sent_bytes(self._origin.requests[seen_before:])
        self.twice_bytes += max(0, sent_bytes - size_bytes)
        assert sent_bytes <= size_bytes + (PAUSES + 1) * ON_THE_WAY_BYTES, f"{sent_bytes} sent"
        return digest(done)

    async def _finished(self, job_id: int) -> list[Event]:
        """What tells that all tracks are there."""
        events = await self._engine.events(job_id)
        return [event for event in events if event.type is EventType.DOWNLOAD_FINISHED]


async def test_jobs_paused_at_random_points_come_out_the_same(run_engine, origin, campaign):
    points = len(campaign.rounds(short=7, long=67))
    async with run_engine(network={"max_connections_per_file": 4}) as engine:
        kinds = [Pauses(work, engine, origin, campaign.seed) for work in WORKS]
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                group.create_task(kind.run(points))
    at = sum((kind.points for kind in kinds), Counter())
    log.info("%d pauses at %s; twice: %s", at.total(), dict(at), [kind.twice_bytes for kind in kinds])
