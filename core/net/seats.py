"""How many connections one host gets from all jobs together, and that every job gets its part of them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.net.address.gate import DEFAULT_PORTS

#: So long one job keeps a seat that the others have not, where they cannot all have the same.
_TURN_S = 2.0


def seating_of(url: str) -> str:
    """The host and port whose seats a request for *url* takes; *url* has passed the gate."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}"


def fair_level(seats: int, demands: Iterable[int]) -> float:
    """What each gets of *seats* who does not want less: the max-min fair share of them."""
    wanted = sorted(demands)
    for served, demand in enumerate(wanted):
        level = seats / (len(wanted) - served)
        if demand >= level:
            return level
        seats -= demand
    return math.inf


@dataclass(frozen=True, slots=True)
class Width:
    """How many connections an asker has found to pay, and how many it is trying just now."""

    proven: int
    tried: int


@dataclass(slots=True)
class _Table:
    """The seats of one host."""

    taken: int = 0
    held: dict[Hashable, int] = field(default_factory=dict)
    #: When each got its latest, in seconds of the monotonic clock.
    got_at: dict[Hashable, float] = field(default_factory=dict)
    #: What those who found out how many connections pay have told.
    widths: dict[Hashable, Width] = field(default_factory=dict)
    #: Whom to tell that somebody waits.
    givers: dict[Hashable, Callable[[], None]] = field(default_factory=dict)
    #: In the order in which their turn is.
    waiting: dict[Hashable, deque[asyncio.Future[None]]] = field(default_factory=dict)

    def take(self, asker: Hashable) -> None:
        self.taken += 1
        self.held[asker] = self.held.get(asker, 0) + 1
        self.got_at[asker] = time.monotonic()

    def leave(self, asker: Hashable) -> None:
        self.taken -= 1
        self.held[asker] -= 1
        if not self.held[asker]:
            del self.held[asker], self.got_at[asker]
            self.widths.pop(asker, None)
            self.givers.pop(asker, None)

    @property
    def askers(self) -> set[Hashable]:
        """Who sits or waits here."""
        return {*self.held, *self.waiting}

    def demand(self, asker: Hashable) -> int:
        """How many seats *asker* has and waits for."""
        return self.held.get(asker, 0) + len(self.waiting.get(asker, ()))

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
    with the fewest, and those with more are asked to give theirs up: see `is_wanted_of`. Where the seats do
    not divide by the askers, those that are left over go round.

    Args:
        per_host: So many, to one host and port.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._tables: dict[str, _Table] = {}

    def is_wanted_of(self, host: str, asker: Hashable) -> bool:
        """Whether *asker* should give up one of its seats: somebody waits who would still have fewer, or
        would have as many as *asker* has had for a while now.

        Nobody is asked for the last one.
        """
        table = self._tables.get(host)
        if table is None or not table.waiting or (held := table.held.get(asker, 0)) < 2:
            return False
        neediest = table.next_one()
        more = held - table.held.get(neediest, 0)
        is_over = more == 1 and time.monotonic() - table.got_at[asker] > _TURN_S
        return neediest != asker and (more > 1 or is_over)

    def surplus_of(self, host: str, asker: Hashable) -> int:
        """How many of its seats *asker* should give up now; the others with too many are asked, too."""
        table = self._tables.get(host)
        if table is None or not self.is_wanted_of(host, asker):
            return 0
        level = fair_level(self._per_host, map(table.demand, table.askers))
        return max(1, table.held[asker] - math.ceil(min(level, self._per_host)))

    def share_of(self, host: str, asker: Hashable) -> float:
        """How many seats *asker* would get, whatever it wanted; a fraction where some go round."""
        table = self._tables.get(host)
        demands = [table.demand(other) for other in table.askers if other != asker] if table else []
        return max(1.0, fair_level(self._per_host, [*demands, self._per_host]))

    def tell(self, host: str, asker: Hashable, width: Width, give: Callable[[], None] | None = None) -> None:
        """*asker* has found out *width*: what is good for one is right for the others. *give* is called soon
        after somebody has begun to wait, for *asker* to see whether its seats are wanted.
        """
        table = self._tables.get(host)
        if table is not None and asker in table.held:
            table.widths[asker] = width
            if give is not None:
                table.givers[asker] = give

    def others_of(self, host: str, asker: Hashable) -> tuple[int, Width]:
        """How many others are at *host*, and the most connections that any of them has told of."""
        table = self._tables.get(host)
        if table is None:
            return 0, Width(0, 0)
        widths = [width for other, width in table.widths.items() if other != asker]
        most = Width(max((w.proven for w in widths), default=0), max((w.tried for w in widths), default=0))
        return len(table.askers - {asker}), most

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
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        table.waiting.setdefault(asker, deque()).append(place)
        for holder, give in table.givers.items():
            if table.held[holder] > table.held.get(asker, 0) + 1:
                loop.call_soon(give)
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

    @property
    def surplus(self) -> int:
        """How many of the asker's should be given up now: see `Seats.surplus_of`."""
        return self._seats.surplus_of(self._host, self._asker)

    @property
    def share(self) -> float:
        """How many the asker would get here, whatever it wanted: see `Seats.share_of`."""
        return self._seats.share_of(self._host, self._asker)

    @property
    def others(self) -> tuple[int, Width]:
        """How many others are here, and the most connections that any of them has told of."""
        return self._seats.others_of(self._host, self._asker)

    def tell(self, width: Width, give: Callable[[], None] | None = None) -> None:
        """Let the others know what the asker has found out, and hear of those who wait: see `Seats.tell`."""
        self._seats.tell(self._host, self._asker, width, give)

    def move_to(self, host: str) -> None:
        """Sit at *host* from now on: a redirect led there."""
        if host != self._host:
            self._seats.squeeze_in(host, self._asker)
            self._seats.leave(self._host, self._asker)
            self._host = host
