"""Whether a transfer is alive: counts its bytes and notices a standstill."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from core.domain.errors import Stalled

TICK_S = 0.05


class Pulse:
    """The heartbeat of one transfer.

    Args:
        stall_s: No byte for this long is a standstill. Waits that the server asked for do not count.
    """

    def __init__(self, stall_s: float) -> None:
        self.received_bytes = 0
        self._stall_s = stall_s
        self._pauses = 0

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Around a deliberate wait."""
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1

    async def watch(self, on_tick: Callable[[], None]) -> None:
        """Call *on_tick* twenty times a second, for ever.

        Raises:
            Stalled: No byte for too long.
        """
        seen_bytes, since = self.received_bytes, time.monotonic()
        while True:
            await asyncio.sleep(min(TICK_S, self._stall_s / 2))
            on_tick()
            now = time.monotonic()
            if self.received_bytes != seen_bytes or self._pauses:
                seen_bytes, since = self.received_bytes, now
            elif now - since > self._stall_s:
                raise Stalled(f"no byte for {self._stall_s:g} s")
