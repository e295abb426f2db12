"""`kill -9` of the shipped program at random points: every job comes out as if nothing had been."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.settings import Settings
from core.domain.job import JobStatus, Request
from tests.acceptance.program import Program, children_of
from tests.campaign.works import WORKS, Work
from tests.fakes.origin import Origin
from tests.integration.conftest import until

log = logging.getLogger("campaign")
#: A job with which the engine dies again and again, without getting further, is made to wait.
KILLS_PER_HOME = 3
#: Kills come at shares of what a job fetches; those above 1 when all is there, in the time the rest takes.
_LAST_SHARE = 1.3
_FINISHING_S = 2.0
#: Per kill: what the last claim did not hold yet, a second of all connections together.
TWICE_BYTES = 5 * 2**20


class Victim:
    """The program in a home of its own, with a job of each kind."""

    def __init__(self, home: Path, origin: Origin) -> None:
        home.mkdir()
        self.program = Program(home)
        self._socket = socket_path(Settings.model_validate({"paths": {"data_dir": home / "data"}}))
        self._origin, self._seen_before = origin, len(origin.requests)
        self._urls = [work.put(origin) for work in WORKS]
        #: Where the jobs were at each kill.
        self.points: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, HttpEngineClient, list[int]]]:
        """The engine, a client of it, and the ids of its jobs; they are submitted in its first life."""
        async with self.program.serve(REELDECK_NETWORK__MAX_CONNECTIONS_PER_FILE="4") as process:
            client = HttpEngineClient(self._socket)
            try:
                ids = [(await client.submit(Request(url=url))).job.id for url in self._urls]
                yield process, client, ids
            finally:
                await client.close()

    async def is_killed_at(self, work: Work, share: float) -> None:
        """Run it and kill it when that share of *work* was sent; above 1, a while after all of it was."""
        async with self._running() as (process, client, ids):
            exited = asyncio.create_task(process.wait())
            while self.sent_bytes(work) < min(share, 1.0) * work.media_bytes(self._origin):
                await asyncio.wait({exited}, timeout=0.01)
            await asyncio.wait({exited}, timeout=max(share - 1.0, 0.0) * _FINISHING_S)
            assert not exited.done()
            for job in [await client.job(job_id) for job_id in ids]:
                self.points[str(job.stage if job.status is JobStatus.RUNNING else job.status)] += 1
            children = children_of(process)
            process.send_signal(signal.SIGKILL)
            await exited
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
        assert not alive, "a child outlived its engine"

    def sent_bytes(self, work: Work) -> int:
        """What was sent of *work* in all lives."""
        return work.sent_bytes(self._origin.requests[self._seen_before :])

    async def digests(self) -> list[str]:
        """Run it until all jobs have ended; what came out."""
        async with self._running() as (_, client, ids):
            ends = (JobStatus.COMPLETED, JobStatus.FAILED)
            jobs = [await until(client, job_id, *ends) for job_id in ids]
        assert [job.status for job in jobs] == [JobStatus.COMPLETED] * len(WORKS)
        assert list((self.program.home / "data" / "tmp").iterdir()) == []
        files = {path for path in self.program.archive.rglob("*") if path.is_file()}
        assert files == {Path(job.file_path) for job in jobs}
        with contextlib.closing(sqlite3.connect(self.program.database)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [hashlib.sha256(Path(job.file_path).read_bytes()).hexdigest() for job in jobs]


@pytest.mark.timeout(3600)
async def test_kill_9_at_random_points_changes_nothing_that_comes_out(origin, tmp_path, campaign):
    usual = await Victim(tmp_path / "usual", origin).digests()
    points = campaign.rounds(short=3, long=51)
    at: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    for first in points[::KILLS_PER_HOME]:
        victim = Victim(tmp_path / str(first), origin)
        chance = random.Random(f"{campaign.seed}/{first}")
        watched = chance.choice(WORKS)
        shares = sorted(chance.uniform(0, _LAST_SHARE) for _ in range(KILLS_PER_HOME))
        for share in shares:
            await victim.is_killed_at(watched, share)
        assert await victim.digests() == usual, f"CAMPAIGN_ONLY={first}: {watched.name} at {shares}"
        at += victim.points
        for work in WORKS:
            twice = max(0, victim.sent_bytes(work) - work.media_bytes(origin))
            sent[work.name] += twice
            assert twice <= KILLS_PER_HOME * TWICE_BYTES, f"{work.name}: {twice}"
    log.info("%d kills, the jobs at %s; twice: %s", len(points), dict(at), dict(sent))
