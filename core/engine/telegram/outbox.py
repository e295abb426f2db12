"""The outbox: which files go to whom, and when; the messenger takes them from here and says how it went."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from core.domain.delivery import Delivery
from core.domain.errors import FloodWait, JobError, ReeldeckError
from core.domain.events import EventType
from core.domain.job import iso
from core.engine.telegram.leavings import Leavings
from core.store.store import Store


class Outbox:
    """Deliveries that can be sent.

    Args:
        store: Where they are kept.
        leavings: Puts away what is not needed once everybody has a file.
    """

    def __init__(self, store: Store, leavings: Leavings) -> None:
        self._store = store
        self._leavings = leavings
        self._clock = time.time
        self._is_due = asyncio.Event()
        #: When the last wait ended: what was due by then, the look that followed has found.
        self._waited_until = 0.0

    def wake(self) -> None:
        """Something became ready."""
        self._is_due.set()

    async def due(self, *, limit: int, is_quick: bool | None = None) -> list[Delivery]:
        """What can be sent now, the oldest first."""
        return await self._store.deliveries.due(now=self._clock(), limit=limit, is_quick=is_quick)

    async def wait(self) -> None:
        """Until `due` may find something that it did not find before the last wait ended."""
        # A time that has come since is over already, and ends this wait at once. Clocks are set back, too.
        since = min(self._waited_until, self._clock())
        next_due = await self._store.deliveries.next_due(now=since)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if next_due is None else next_due - self._clock()):
                await self._is_due.wait()
        self._waited_until = self._clock()
        # Here and nowhere else: whatever becomes ready between two looks ends the next wait.
        self._is_due.clear()

    async def begin(self, delivery_id: int) -> Delivery:
        """Somebody sends it now."""
        return await self._store.deliveries.begin(delivery_id, now=self._clock())

    async def split(self, delivery_id: int, parts: int) -> list[Delivery]:
        """It is the first of so many."""
        return await self._store.deliveries.split(delivery_id, parts, now=self._clock())

    async def end(self, delivery_id: int, *, message_id: int | None, document_id: int | None) -> Delivery:
        """It was sent, or there was nothing to send."""
        ended = await self._store.deliveries.end(
            delivery_id, message_id=message_id, document_id=document_id, now=self._clock()
        )
        await self._leavings.after(ended.job_id)
        return ended

    async def fail(self, delivery_id: int, error: ReeldeckError, *, retry_at: float | None) -> Delivery:
        """It could not be sent: again at *retry_at*, or never."""
        is_flood = isinstance(error, FloodWait)
        failed = await self._store.deliveries.fail(
            delivery_id,
            error_type=error.code,
            error_message=str(error),
            retry_at=retry_at,
            event=(
                EventType.FLOOD_WAIT if is_flood else EventType.TELEGRAM_SEND_FAILED,
                _told(error, retry_at, now=self._clock()),
            ),
            now=self._clock(),
        )
        if failed.state.is_final:
            await self._leavings.after(failed.job_id)
        return failed

    async def retry(self, delivery_id: int) -> Delivery:
        """Somebody wants it sent after all."""
        return await self._store.deliveries.retry(delivery_id, now=self._clock())


def _told(error: ReeldeckError, retry_at: float | None, *, now: float) -> dict[str, Any]:
    told: dict[str, Any] = {"error_type": error.code, "message": str(error)}
    if isinstance(error, JobError) and error.retry_after_s is not None:
        told["wait_s"] = error.retry_after_s
    elif retry_at is not None:
        told["wait_s"] = max(0.0, retry_at - now)
    return told | ({"until": iso(retry_at)} if retry_at is not None else {})
