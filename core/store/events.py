"""The stored events, in the order of their numbers."""

from __future__ import annotations

from core.domain.events import Event
from core.store.rows import EVENT, Reader, event_of
from core.store.writer import Writer

#: A job that is started again every minute for years has more events than anybody reads, or has memory for.
TIMELINE = 1_000


class Events:
    """Reads events. They are written together with what they tell of."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def of(self, job_id: int) -> list[Event]:
        """A job's timeline, oldest first: the last `TIMELINE` events."""
        rows = await self._reader.rows(
            f"SELECT {EVENT} FROM job_events WHERE job_id = ? ORDER BY seq DESC LIMIT ?",  # noqa: S608 -- constants
            job_id,
            TIMELINE,
        )
        return [event_of(row) for row in reversed(rows)]

    async def after(self, seq: int, *, limit: int) -> list[Event]:
        """The first events after number *seq*."""
        rows = await self._reader.rows(
            f"SELECT {EVENT} FROM job_events WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 -- constants
            seq,
            limit,
        )
        return [event_of(row) for row in rows]

    async def last_seq(self) -> int:
        """Number of the newest event, 0 before the first."""
        return self._writer.last_seq
