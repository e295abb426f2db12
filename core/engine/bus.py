"""Who hears what happened: every listener gets frames, coalesced, and none can slow down the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from core.domain.errors import EngineUnreachable
from core.domain.events import Event
from core.domain.job import Job, JobStatus
from core.domain.snapshot import Frame

#: A listener gets one frame in this time, what happens meanwhile is merged into the next; and at most one
#: more, when a job has ended and somebody may be waiting for just that.
FRAME_INTERVAL_S = 0.25
#: A listener that is further behind is cut off. It comes back with its last sequence number.
MAX_PENDING_EVENTS = 20_000


class Mailbox:
    """What one listener has not yet taken: all events, and each changed job once."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._jobs: dict[int, Job] = {}
        self._deleted: set[int] = set()
        self._filled = asyncio.Event()
        self._urgent = asyncio.Event()
        self._is_open = True

    def put(self, events: Sequence[Event], jobs: Sequence[Job], deleted: Sequence[int]) -> None:
        """Add to what waits. Never blocks; a closed mailbox takes nothing."""
        if not self._is_open:
            return
        self._events += events
        for job in jobs:
            self._jobs[job.id] = job
            if job.status.is_final:
                self._urgent.set()
        for job_id in deleted:
            self._jobs.pop(job_id, None)
        self._deleted.update(deleted)
        if len(self._events) > MAX_PENDING_EVENTS:
            self.close()
        self._filled.set()

    def close(self) -> None:
        """End the listener's stream once it has noticed."""
        self._is_open = False
        self._filled.set()
        self._urgent.set()

    async def pause(self, until: float, *, is_patient: bool) -> bool:
        """Wait until the loop's time *until*, or unless *is_patient* till a job has ended: then True."""
        try:
            async with asyncio.timeout_at(until):
                await (asyncio.Event() if is_patient else self._urgent).wait()
        except TimeoutError:
            return False
        return True

    async def take(self) -> tuple[list[Event], list[Job], list[int]]:
        """Wait for something, then take all there is.

        Raises:
            EngineUnreachable: The engine stopped, or this listener lagged too far behind.
        """
        await self._filled.wait()
        if not self._is_open:
            raise EngineUnreachable("the event stream has ended")
        taken = (self._events, list(self._jobs.values()), sorted(self._deleted))
        self._events, self._jobs, self._deleted = [], {}, set()
        self._filled.clear()
        self._urgent.clear()
        return taken


class Bus:
    """Hands what was committed to every listener.

    Args:
        counts: Jobs by status, now.
        speed_bps: Bytes per second of all transfers, now.
    """

    def __init__(
        self, *, counts: Callable[[], Mapping[JobStatus, int]], speed_bps: Callable[[], float]
    ) -> None:
        self._counts = counts
        self._speed_bps = speed_bps
        self._mailboxes: set[Mailbox] = set()

    def publish(
        self, events: Sequence[Event] = (), jobs: Sequence[Job] = (), deleted: Sequence[int] = ()
    ) -> None:
        """Tell every listener."""
        for mailbox in self._mailboxes:
            mailbox.put(events, jobs, deleted)

    def close(self) -> None:
        """End all streams."""
        for mailbox in self._mailboxes:
            mailbox.close()

    @contextmanager
    def subscribe(self) -> Iterator[Mailbox]:
        """A mailbox that collects from now on."""
        mailbox = Mailbox()
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)

    def frame(
        self, events: Sequence[Event] = (), jobs: Sequence[Job] = (), deleted: Sequence[int] = ()
    ) -> Frame:
        """A frame with the engine's figures of this instant."""
        return Frame(
            events=events,
            jobs=jobs,
            deleted=deleted,
            counts=dict(self._counts()),
            speed_bps=self._speed_bps(),
        )

    async def frames(self, mailbox: Mailbox, *, after_seq: int = 0) -> AsyncGenerator[Frame, None]:
        """Frames as they come, without events up to *after_seq*, which the listener has seen already."""
        loop = asyncio.get_running_loop()
        was_early = False
        while True:
            events, jobs, deleted = await mailbox.take()
            until = loop.time() + FRAME_INTERVAL_S
            yield self.frame([event for event in events if event.seq > after_seq], jobs, deleted)
            was_early = await mailbox.pause(until, is_patient=was_early)
