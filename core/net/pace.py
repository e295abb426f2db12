"""How fast the engine goes: bytes a second for all downloads together, and requests a second to one host.

Both hand out reservations on a clock, first come first served, so that late wake-ups do not add up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar

from core.domain.errors import RateLimited

#: Credit that an idle time may save up.
_BURST_S = 0.1
_MIN_PIECE_BYTES = 16 * 1024
_MAX_PIECE_BYTES = 1 << 20


class Bandwidth:
    """A bandwidth cap shared by whoever takes from it.

    Args:
        rate_bps: Bytes per second; 0 is no limit. May be changed at any time, for the bytes that follow.
    """

    def __init__(self, rate_bps: int = 0) -> None:
        self.rate_bps = rate_bps
        self._free_at = 0.0

    @property
    def piece_bytes(self) -> int:
        """What to take at a time so that the flow is even: an eighth of a second's worth."""
        return min(max(self.rate_bps // 8, _MIN_PIECE_BYTES), _MAX_PIECE_BYTES)

    async def take(self, n_bytes: int) -> None:
        """Wait until *n_bytes* more fit under the cap."""
        if not self.rate_bps:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now - _BURST_S) + n_bytes / self.rate_bps
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        """*data* under the cap: whole where there is none, else in pieces, each when it fits."""
        start = 0
        while start < len(data):
            step = self.piece_bytes if self.rate_bps else len(data)
            piece = data[start : start + step]
            await self.take(len(piece))
            yield piece
            start += step


class HostPace:
    """Spaces the requests to each host and remembers which host asked us to stay away.

    Args:
        rate_per_s: Requests a second to one host; None is no limit.
        patience_s: Longer waits than this are not slept through but raised.
    """

    def __init__(self, rate_per_s: float | None = None, *, patience_s: float = 10.0) -> None:
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._patience_s = patience_s
        self._free_at: dict[str, float] = {}

    def wait_s(self, host: str) -> float:
        """Seconds until the next request to *host* may go."""
        return max(self._free_at.get(host, 0.0) - time.monotonic(), 0.0)

    def stay_away(self, host: str, wait_s: float) -> None:
        """Remember that *host* wants no request for *wait_s* seconds."""
        self._reserve(host, time.monotonic() + wait_s)

    async def turn(self, host: str) -> None:
        """Wait for the turn of one request to *host*.

        Raises:
            RateLimited: It is farther away than our patience; `retry_after_s` says how far.
        """
        wait_s = self.wait_s(host)
        if wait_s > self._patience_s:
            raise RateLimited(f"{host} asked us to wait", retry_after_s=wait_s)
        if self._gap_s:
            self._reserve(host, time.monotonic() + wait_s + self._gap_s)
        if wait_s:
            await asyncio.sleep(wait_s)

    def _reserve(self, host: str, free_at: float) -> None:
        now = time.monotonic()
        if host not in self._free_at:  # the moment at which hosts that are done with can be forgotten
            self._free_at = {name: at for name, at in self._free_at.items() if at > now}
        self._free_at[host] = max(self._free_at.get(host, 0.0), free_at)


#: The pace of all requests that a task makes, and the tasks that it starts.
PACE_OF_TASK: ContextVar[HostPace | None] = ContextVar("pace_of_task", default=None)
