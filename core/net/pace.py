"""How fast the engine goes: bytes a second, and requests a second to one host.

Both hand out reservations on a clock, first come first served, so that late wake-ups do not add up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextvars import ContextVar
from dataclasses import dataclass

from core.domain.errors import RateLimited

log = logging.getLogger("reeldeck.net")

#: Credit that an idle time may save up.
_BURST_S = 0.1
_PIECES_PER_S = 64
_MIN_PIECE_BYTES = 16 * 1024
_MAX_PIECE_BYTES = 1 << 20

#: Answers that ask for fewer requests (RFC 6585 §4, RFC 9110 §15.6.4).
_SLOW_DOWN = frozenset({429, 503})
#: The gap between two requests after the first such answer; each further one doubles it …
FIRST_GAP_S = 0.05
#: … up to this: a host is never left alone by pace only, and 16 connections in a row stay below a stall.
WIDEST_GAP_S = 5.0
#: What each good answer leaves of the gap: from the widest it takes about a minute to be gone.
_RECOVERY = 0.9
_NO_GAP_S = FIRST_GAP_S / 10
#: A gap that was not needed for so long is forgotten.
_FORGET_S = 600.0


#: On whose behalf a task transfers: under a cap everybody gets the same, however many connections they have.
PAYER: ContextVar[Hashable] = ContextVar("PAYER", default=None)


class Bandwidth:
    """A bandwidth cap shared by whoever takes from it, payer by payer in turn.

    Args:
        rate_bps: Bytes per second; 0 is no limit. May be changed at any time, for the bytes that follow.
        within: A wider cap that what is taken here counts for, too.
    """

    def __init__(self, rate_bps: int = 0, *, within: Bandwidth | None = None) -> None:
        self.rate_bps = rate_bps
        self._within = within
        self._free_at = 0.0
        #: Whether somebody's turn is on; the others stand in line, each payer in its own.
        self._is_taken = False
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}
        #: What each payer has had, on a scale where those who come (back) begin at the present level: bytes.
        self._had: dict[Hashable, int] = {}
        self._level = 0

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit, here or above."""
        return bool(self.rate_bps) or (self._within is not None and self._within.is_limited)

    @property
    def piece_bytes(self) -> int:
        """What to take at a time so that the flow is even: the worth of a hundredth of a second or two."""
        own = min(max(self.rate_bps // _PIECES_PER_S, _MIN_PIECE_BYTES), _MAX_PIECE_BYTES)
        above = self._within.piece_bytes if self._within is not None and self._within.is_limited else None
        if above is None:
            return own
        return min(own, above) if self.rate_bps else above

    async def take(self, n_bytes: int) -> None:
        """Wait until *n_bytes* more fit under the cap."""
        if self.rate_bps:
            payer = PAYER.get()
            await self._turn(payer)
            self._level = max(self._level, self._had.get(payer, 0))
            self._had[payer] = self._level + n_bytes
            try:
                await self._spend(n_bytes)
            finally:
                self._pass_on()
        if self._within is not None:
            await self._within.take(n_bytes)

    async def _spend(self, n_bytes: int) -> None:
        if self.rate_bps:  # it may have been lifted meanwhile
            now = time.monotonic()
            self._free_at = max(self._free_at, now - _BURST_S) + n_bytes / self.rate_bps
            if self._free_at > now:
                await asyncio.sleep(self._free_at - now)

    async def _turn(self, payer: Hashable) -> None:
        """Wait for a turn, which `_pass_on` ends."""
        if not self._is_taken:
            self._is_taken = True
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(payer, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """The turn of the payer that has had the least comes."""
        while self._lines:
            payer = min(self._lines, key=lambda each: max(self._had.get(each, 0), self._level))
            place = self._lines[payer].popleft()
            if not self._lines[payer]:
                del self._lines[payer]
            if not place.done():  # who was cancelled still stands in line
                place.set_result(None)
                return
        self._is_taken = False
        self._had.clear()  # nobody waits: all are even

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        """*data* under the cap: whole where there is none, else in pieces, each when it fits."""
        start = 0
        while start < len(data):
            step = self.piece_bytes if self.is_limited else len(data)
            piece = data[start : start + step]
            await self.take(len(piece))
            yield piece
            start += step


@dataclass(slots=True)
class _Host:
    """What one host has shown it can bear. Owns no clock: times are seconds on the caller's."""

    #: The next request's turn.
    free_at: float = 0.0
    #: Until then the host wants none.
    shut_until: float = 0.0
    #: Between requests, beyond the pace that is set.
    gap_s: float = 0.0
    #: When it was last widened: answers to earlier requests say nothing of it.
    widened_at: float = 0.0

    def reserve(self, now: float, gap_s: float) -> float:
        """The turn of one more request, where *gap_s* is the least that must be between two."""
        due = max(self.free_at, self.shut_until, now)
        self.free_at = due + max(gap_s, self.gap_s)
        return due

    def refused(self, now: float, sent_at: float, gap_s: float) -> bool:
        """The host answered that this is too fast; whether that made the gap wider."""
        if sent_at < self.widened_at or self.gap_s >= WIDEST_GAP_S:
            return False
        self.gap_s = min(max(2 * max(self.gap_s, gap_s), FIRST_GAP_S), max(WIDEST_GAP_S, gap_s))
        self.widened_at = now
        return True

    def served(self, gap_s: float) -> bool:
        """The host answered well; whether that ended the slow-down."""
        if not self.gap_s:
            return False
        self.gap_s *= _RECOVERY
        if self.gap_s > max(gap_s, _NO_GAP_S):
            return False
        self.gap_s = 0.0
        return True

    def is_done(self, now: float) -> bool:
        """Whether nothing is left to remember."""
        is_slow = self.gap_s > 0 and now - max(self.free_at, self.widened_at) < _FORGET_S
        return max(self.free_at, self.shut_until) <= now and not is_slow


class HostPace:
    """Spaces the requests to each host, more widely when it asks for that, and stays away when told to.

    A host that answers 429 or 503 is asked half as often, down to once in `WIDEST_GAP_S`; each good answer
    gives a little back.

    Args:
        rate_per_s: Requests a second to one host at most; None is no limit.
        patience_s: A longer wait that a host asks for is not slept through but raised. Our own spacing is
            always waited for.
        label: Whose pace it is, for the log.
    """

    def __init__(
        self, rate_per_s: float | None = None, *, patience_s: float = 10.0, label: str | None = None
    ) -> None:
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._patience_s = patience_s
        self._label = label
        self._hosts: dict[str, _Host] = {}

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that something is remembered of."""
        return frozenset(self._hosts)

    @property
    def slowed(self) -> dict[str, float]:
        """The hosts that are asked more slowly than the set pace, with the seconds between two requests."""
        return {name: host.gap_s for name, host in self._hosts.items() if host.gap_s}

    def wait_s(self, host: str) -> float:
        """Seconds until the next request to *host* may go."""
        known = self._hosts.get(host)
        return max(known.free_at - time.monotonic(), known.shut_until - time.monotonic(), 0.0) if known else 0

    def stay_away(self, host: str, wait_s: float) -> None:
        """Remember that *host* wants no request for *wait_s* seconds."""
        known = self._host(host)
        known.shut_until = max(known.shut_until, time.monotonic() + wait_s)

    async def turn(self, host: str) -> float:
        """Wait for the turn of one request to *host*; returns when it came, for `heard`.

        Raises:
            RateLimited: The host asked for more than our patience; `retry_after_s` says how much is left.
        """
        while True:
            now = time.monotonic()
            known = self._host(host)
            if (asked_s := known.shut_until - now) > self._patience_s:
                raise RateLimited(f"{host} asked us to wait", retry_after_s=asked_s)
            due = known.reserve(now, self._gap_s)
            if due > now:
                await asyncio.sleep(due - now)
            if known.shut_until <= due:  # else it shut its door while we waited
                return time.monotonic()

    def heard(self, host: str, status: int, retry_after_s: float | None, *, sent_at: float) -> None:
        """Learn from the answer to a request whose turn was at *sent_at*."""
        known = self._host(host)
        told = {"source_type": self._label, "host": host}
        if status in _SLOW_DOWN:
            if retry_after_s:
                self.stay_away(host, retry_after_s)
            if known.refused(time.monotonic(), sent_at, self._gap_s):
                log.warning("a host is asked more slowly", extra=told | {"gap_s": round(known.gap_s, 3)})
        elif 0 < status < 500 and known.served(self._gap_s):
            log.info("a host is asked at its usual pace again", extra=told)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:  # the moment at which hosts that are done with can be forgotten
            now = time.monotonic()
            self._hosts = {known: host for known, host in self._hosts.items() if not host.is_done(now)}
            self._hosts[name] = _Host()
        return self._hosts[name]
