"""How many calls for parts of files may be in flight, and when none may be."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from core.domain.errors import FloodWait


class Window:
    """Seats for calls, shared by all of an account's transfers in one direction.

    It begins small, grows by one with each round of calls that went well, and is halved when Telegram asks to
    wait, once for each wait: every call in flight is told of the same one.

    Args:
        start: Calls at once at first, over each connection.
        most: Calls at once at most, over each connection.
        flood_sleep_s: Waits up to this long are slept through; longer ones raise FloodWait, now and for
            whoever comes during them.
        connections: Every transfer uses so many.
        stall_s: A transfer without an answer for so long stands still.
    """

    def __init__(
        self,
        start: int = 4,
        most: int = 8,
        *,
        flood_sleep_s: float = 10.0,
        connections: int = 1,
        stall_s: float = 60.0,
    ) -> None:
        self.size = start * connections
        self.most = most * connections
        self.connections = connections
        self.stall_s = stall_s
        self._flood_sleep_s = flood_sleep_s
        self._busy = 0
        #: Calls that went well since the size changed.
        self._clean = 0
        self._left = asyncio.Event()
        #: The wait of now or the last one: when it became known, and its end.
        self._told_at = self._wait_until = 0.0

    @property
    def wait_s(self) -> float:
        """Seconds until calls are allowed; 0 when they are."""
        return max(0.0, self._wait_until - time.monotonic())

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """A seat for one call, as soon as one is free and no wait is on.

        Raises:
            FloodWait: The wait is longer than what is slept through.
        """
        while True:
            if self.wait_s:
                await asyncio.sleep(self._bearable())
            elif self._busy < self.size:
                break
            else:
                self._left.clear()
                await self._left.wait()
        self._busy += 1
        try:
            yield Slot(self)
        finally:
            self._busy -= 1
            self._left.set()

    def _bearable(self) -> float:
        wait_s = self.wait_s
        if wait_s > self._flood_sleep_s:
            raise FloodWait(f"for {wait_s:.0f} s", retry_after_s=wait_s)
        return wait_s

    def _passed(self) -> None:
        self._clean += 1
        if self._clean >= self.size:
            self._clean = 0
            if self.size < self.most:
                self.size += 1
                self._left.set()

    def _flooded(self, wait_s: float, *, asked_at: float) -> None:
        if asked_at >= self._told_at:
            self._told_at = time.monotonic()
            self.size = max(1, self.size // 2)
            self._clean = 0
        self._wait_until = max(self._wait_until, time.monotonic() + wait_s)
        self._bearable()


class Slot:
    """The seat of one call. Its holder says how the call went; saying nothing changes nothing."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._asked_at = time.monotonic()

    def passed(self) -> None:
        """It was answered."""
        self._window._passed()  # noqa: SLF001 -- two halves of one class

    def flooded(self, wait_s: float) -> None:
        """It was told to wait; the caller asks for another slot, which comes when the wait is over.

        Raises:
            FloodWait: The wait is longer than what is slept through.
        """
        self._window._flooded(wait_s, asked_at=self._asked_at)  # noqa: SLF001 -- as above
