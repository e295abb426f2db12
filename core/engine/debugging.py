"""A log of a single job in every detail, until that job ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from core.domain.debugging import DEBUGGED
from core.domain.errors import IllegalTransition, NoSuchJob
from core.domain.events import Event, EventType
from core.domain.job import JobStatus
from core.store.store import Store

#: Run-time switch: since when each job is debugged.
STORED = "debugged"
_ENDS = frozenset({EventType.JOB_COMPLETED, EventType.JOB_FAILED, EventType.JOB_CANCELLED})


class DebugDesk:
    """Switches it on and off. It outlives the engine, but not the job's next end.

    Args:
        store: Where it is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: dict[int, float] = {}

    async def open(self) -> None:
        """Take over what was switched on in earlier runs, unless the job has ended since."""
        stored = await self._store.switches.get(STORED, default={})
        for name, since in stored.items() if isinstance(stored, dict) else ():
            if name.isdecimal() and isinstance(since, int | float) and await self._goes_on(int(name), since):
                self._since[int(name)] = since
        self._apply()

    async def set(self, job_id: int, *, is_on: bool) -> None:
        """Write down everything about a job from now on, or no longer.

        Raises:
            NoSuchJob: There is none.
            IllegalTransition: It is COMPLETED: nothing more happens to it.
        """
        job = await self._store.jobs.get(job_id)
        if is_on and job.status is JobStatus.COMPLETED:
            raise IllegalTransition(
                f"job {job_id} is done: there is nothing more to write down",
                hint="Download it again: reeldeck add URL --force",
            )
        since = {key: at for key, at in self._since.items() if key != job_id}
        if is_on:
            since[job_id] = time.time()
        await self._store.switches.set(STORED, since)
        self._since = since
        self._apply()

    def hear(self, events: Iterable[Event]) -> None:
        """Jobs that have ended are debugged no longer."""
        ended = {event.job_id for event in events if event.type in _ENDS} & self._since.keys()
        if ended:
            self._since = {key: at for key, at in self._since.items() if key not in ended}
            self._apply()

    def close(self) -> None:
        """Write down no more than usual: the engine has stopped."""
        self._since = {}
        self._apply()

    async def _goes_on(self, job_id: int, since: float) -> bool:
        try:
            job = await self._store.jobs.get(job_id)
        except NoSuchJob:
            return False
        # One that failed before it was switched on is debugged at its next try.
        is_over = job.status is JobStatus.COMPLETED or (job.finished or 0) >= since
        return not (job.status.is_final and is_over)

    def _apply(self) -> None:
        DEBUGGED.clear()
        DEBUGGED.update(self._since)
        logging.getLogger("reeldeck").setLevel(logging.DEBUG if DEBUGGED else logging.NOTSET)
