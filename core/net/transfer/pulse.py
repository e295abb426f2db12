"""Whether a transfer is alive: counts its bytes and notices a standstill."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from core.domain.errors import Stalled

TICK_S = 0.05
#: A tick that took longer says more about this process than about the other side.
_LONGEST_TICK_S = 0.25


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
        tick_s = min(TICK_S, self._stall_s / 2)
        seen_bytes, still_s, now = self.received_bytes, 0.0, time.monotonic()
        while True:
            await asyncio.sleep(tick_s)
            on_tick()
            before, now = now, time.monotonic()
            if self.received_bytes != seen_bytes or self._pauses:
                seen_bytes, still_s = self.received_bytes, 0.0
                continue
            # While we were stopped ourselves (Ctrl-Z, a machine that sleeps) nobody else stood still.
            still_s += min(now - before, _LONGEST_TICK_S)
            if still_s > self._stall_s:
                raise Stalled(f"no byte for {self._stall_s:g} s")
