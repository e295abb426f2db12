"""How many connections one host gets from all jobs together, and that every job gets its part of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.net.address.gate import DEFAULT_PORTS


def seating_of(url: str) -> str:
    """The host and port whose seats a request for *url* takes; *url* has passed the gate."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}"


@dataclass(slots=True)
class _Table:
    """The seats of one host."""

    taken: int = 0
    held: dict[Hashable, int] = field(default_factory=dict)
    #: In the order in which their turn is.
    waiting: dict[Hashable, deque[asyncio.Future[None]]] = field(default_factory=dict)

    def take(self, asker: Hashable) -> None:
        self.taken += 1
        self.held[asker] = self.held.get(asker, 0) + 1

    def leave(self, asker: Hashable) -> None:
        self.taken -= 1
        self.held[asker] -= 1
        if not self.held[asker]:
            del self.held[asker]

    def next_one(self) -> Hashable:
        """Who waits and has the fewest; of those, who waits longest."""
        return min(self.waiting, key=lambda asker: self.held.get(asker, 0))

    def forget(self, asker: Hashable, place: asyncio.Future[None]) -> None:
        """*asker* does not wait at *place* any more, if it still did."""
        queue = self.waiting.get(asker)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self.waiting[asker]


class Seats:
    """The connections that may be open to each host at once, shared by all who ask.

    Who comes finds a seat as long as there are any. Otherwise the next one that gets free goes to the asker
    with the fewest, and those with more are asked to give theirs up: see `is_wanted_of`.

    Args:
        per_host: So many, to one host and port.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._tables: dict[str, _Table] = {}

    def is_wanted_of(self, host: str, asker: Hashable) -> bool:
        """Whether *asker* should give up one of its seats: somebody waits who would still have fewer.

        Nobody is asked for the last one.
        """
        table = self._tables.get(host)
        if table is None or not table.waiting or (held := table.held.get(asker, 0)) < 2:
            return False
        neediest = table.next_one()
        return neediest != asker and table.held.get(neediest, 0) + 1 < held

    def taken(self, host: str) -> int:
        """How many seats are taken at *host*."""
        table = self._tables.get(host)
        return table.taken if table else 0

    def free(self, host: str) -> int:
        """How many seats nobody has at *host*, nor waits for."""
        table = self._tables.get(host)
        return self._per_host if table is None else max(0, self._per_host - table.taken)

    async def take(self, host: str, asker: Hashable) -> None:
        """Wait for a seat; `leave` gives it back."""
        table = self._tables.get(host)
        if table is None:
            table = self._tables[host] = _Table()
        if table.taken < self._per_host and not table.waiting:
            table.take(asker)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        table.waiting.setdefault(asker, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was given and not sat on
                self.leave(host, asker)
            else:
                table.forget(asker, place)
            raise

    def squeeze_in(self, host: str, asker: Hashable) -> None:
        """Take a seat whether there is one or not, as who was sent here by a redirect must."""
        self._tables.setdefault(host, _Table()).take(asker)

    def leave(self, host: str, asker: Hashable) -> None:
        """Give a seat back."""
        table = self._tables[host]
        table.leave(asker)
        while table.waiting and table.taken < self._per_host:
            following = table.next_one()
            queue = table.waiting.pop(following)
            place = queue.popleft()
            if queue:
                table.waiting[following] = queue  # behind the others now
            if not place.done():
                table.take(following)
                place.set_result(None)
        if not table.taken and not table.waiting:
            del self._tables[host]


class Seat:
    """One seat at *host*, for *asker*, which is whatever stands for a job."""

    __slots__ = ("_asker", "_host", "_seats")

    def __init__(self, seats: Seats, host: str, asker: Hashable) -> None:
        self._seats = seats
        self._host = host
        self._asker = asker

    async def take(self) -> None:
        """Wait for it. Whoever has it must `leave` it."""
        await self._seats.take(self._host, self._asker)

    def leave(self) -> None:
        """Let another have it."""
        self._seats.leave(self._host, self._asker)

    @property
    def is_wanted(self) -> bool:
        """Whether it, or another of the same asker's, should be given up: see `Seats.is_wanted_of`."""
        return self._seats.is_wanted_of(self._host, self._asker)

    def move_to(self, host: str) -> None:
        """Sit at *host* from now on: a redirect led there."""
        if host != self._host:
            self._seats.squeeze_in(host, self._asker)
            self._seats.leave(self._host, self._asker)
            self._host = host
