"""Watch jobs until they are finished, whatever happens to the connection meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from core.domain.errors import EngineUnreachable, NoSuchJob
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus
from core.domain.profile import waits_for_login
from core.domain.snapshot import JobQuery

#: An engine that is restarted is back within this time.
PATIENCE_S = 15.0
RECONNECT_S = 0.3


class View(Protocol):
    """Shows jobs while they go on."""

    def show(self, job: Job) -> None:
        """A job has changed."""

    def note(self, text: str) -> None:
        """Something to know that concerns no job."""


class Follower:
    """Follows jobs, and the items of a playlist among them, to their ends.

    Args:
        engine: Who runs them.
        view: Is told of every change.
        patience_s: How long a lost engine may stay away.
        leaves_parked: Do not wait for jobs that need their owner to log in again: as they are, is their end.
    """

    def __init__(
        self,
        engine: EngineInterface,
        view: View,
        *,
        patience_s: float = PATIENCE_S,
        leaves_parked: bool = False,
    ) -> None:
        self._engine = engine
        self._view = view
        self._patience_s = patience_s
        self._leaves_parked = leaves_parked
        self._seen: dict[int, Job] = {}
        self._open: set[int] = set()
        self._heard = 0.0  # monotonic

    async def follow(self, jobs: Sequence[Job]) -> list[Job]:
        """The finished jobs in the order given, a playlist's items behind it.

        Raises:
            EngineUnreachable: It went away and did not come back.
        """
        for job in jobs:
            await self._add(job)
        self._heard = time.monotonic()
        while self._open:
            try:
                await self._watch()
            except EngineUnreachable as error:
                if time.monotonic() - self._heard > self._patience_s:
                    raise EngineUnreachable("it went away while jobs were running") from error
                await asyncio.sleep(RECONNECT_S)
        return list(self._seen.values())

    async def _watch(self) -> None:
        """Follow one stream until all is finished or the stream ends."""
        is_current = False
        frames = self._engine.stream()
        try:
            async for frame in frames:
                self._heard = time.monotonic()
                if not is_current:
                    # From here on nothing is missed: what changed before is asked for once.
                    is_current = True
                    for job_id in sorted(self._open):
                        await self._ask(job_id)
                for job in frame.jobs:
                    if job.id in self._open:
                        await self._take(job)
                self._open -= set(frame.deleted)
                if not self._open:
                    return
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()
        raise EngineUnreachable

    async def _ask(self, job_id: int) -> None:
        try:
            await self._take(await self._engine.job(job_id))
        except NoSuchJob:
            self._open.discard(job_id)

    async def _add(self, job: Job) -> None:
        if job.id not in self._seen:
            self._open.add(job.id)
            await self._take(job)

    async def _take(self, job: Job) -> None:
        self._seen[job.id] = job
        self._view.show(job)
        if not job.status.is_final and not (self._leaves_parked and waits_for_login(job)):
            return
        if job.status is JobStatus.COMPLETED and job.group_id is not None and job.file_path is None:
            await self._open_group(job.group_id)
        self._open.discard(job.id)

    async def _open_group(self, group_id: int) -> None:
        """A playlist was expanded: its items are jobs of their own."""
        query = JobQuery(group_id=group_id)
        while True:
            page = await self._engine.jobs(query)
            for job in page.items:
                await self._add(job)
            if page.next is None:
                return
            query = JobQuery(group_id=group_id, after=page.next)
