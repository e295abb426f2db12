"""What comes next, and when: things to do, each at most once, at a moment or as soon as possible."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Agenda(Generic[T]):
    """Times are those of the running event loop's clock; 0 is at once."""

    def __init__(self) -> None:
        self._times: dict[T, float] = {}
        #: Also holds what was put earlier or taken since; `_times` says what counts.
        self._heap: list[tuple[float, int, T]] = []
        self._count = itertools.count()
        self._changed = asyncio.Event()

    def put(self, item: T, at: float = 0.0) -> None:
        """Add something; of two times for the same thing the earlier one counts."""
        if self._times.get(item, float("inf")) > at:
            self._times[item] = at
            heapq.heappush(self._heap, (at, next(self._count), item))
            self._changed.set()

    def drop(self, item: T) -> None:
        """Take something off, if it is there."""
        self._times.pop(item, None)

    async def take(self) -> T:
        """Wait until something's time has come, and take it off."""
        clock = asyncio.get_running_loop().time
        while True:
            self._changed.clear()
            wait_s = None
            while self._heap:
                at, _, item = self._heap[0]
                if self._times.get(item) == at:
                    if at <= clock():
                        heapq.heappop(self._heap)
                        del self._times[item]
                        return item
                    wait_s = at - clock()
                    break
                heapq.heappop(self._heap)
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
