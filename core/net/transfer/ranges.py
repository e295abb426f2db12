"""Which bytes of a file are there, and who fetches which of the others. Pure: no clock, no I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

#: So long a piece is watched before it is said to be slow.
_PATIENCE_S = 2.0
#: Slow is what comes at less than this share of the usual rate.
_SLOW_SHARE = 0.25
#: The usual rate is that of so many pieces that ended last, and of those that run.
_REMEMBERED = 16
#: Beside others a connection asks for what comes in so long, or in so many times an answer's time if that is
#: more: so the file grows from its front, little of it is left to hash in the end, and waiting costs little.
_STRIDE_S, _STRIDE_ANSWERS = 2.0, 40
#: Towards the end it asks for less, so that all end together: for this part of an even share of what nobody
#: fetches yet, and for no less than this.
_ROUNDS = 2
_LEAST_STRIDE_S, _LEAST_STRIDE_ANSWERS = 0.25, 10


class Ranges:
    """A set of byte positions, kept as sorted, disjoint, non-adjacent half-open ranges."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for start, end in ranges:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Take [*start*, *end*) in."""
        if start >= end:
            return
        first = bisect_left(self._ranges, start, key=lambda known: known[1])
        last = first
        while last < len(self._ranges) and self._ranges[last][0] <= end:
            start = min(start, self._ranges[last][0])
            end = max(end, self._ranges[last][1])
            last += 1
        self._ranges[first:last] = [(start, end)]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    @property
    def total_bytes(self) -> int:
        """How many bytes are in it."""
        return sum(end - start for start, end in self._ranges)

    @property
    def prefix_bytes(self) -> int:
        """How many bytes from the start are in it without a gap."""
        return self._ranges[0][1] if self._ranges and self._ranges[0][0] == 0 else 0

    def missing(self, total: int) -> list[tuple[int, int]]:
        """The gaps below *total*."""
        gaps, position = [], 0
        for start, end in self._ranges:
            if position < min(start, total):
                gaps.append((position, min(start, total)))
            position = end
        if position < total:
            gaps.append((position, total))
        return gaps


def nearer(one: int | None, other: int | None) -> int | None:
    """The smaller of two ends, of which None is the end of the body."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


@dataclass(slots=True, eq=False)
class Piece:
    """A stretch of the file that one connection fetches in order. `end` None is the end of the body."""

    start: int
    end: int | None
    position: int = -1
    #: Bytes per second of late, None before the first measurement.
    rate_bps: float | None = None
    #: Bytes per second over a longer time, None until it has run for so long.
    steady_bps: float | None = None
    #: How long it has been fetched.
    age_s: float = 0.0
    _measured: int = -1
    _watched_from: tuple[float, int] = (0.0, -1)

    def __post_init__(self) -> None:
        if self.position < 0:
            self.position = self.start
        self._measured = self.position
        self._watched_from = (0.0, self.position)

    def measure(self, elapsed_s: float) -> None:
        """Set the rates from what came since the call before, *elapsed_s* ago."""
        self.rate_bps = (self.position - self._measured) / elapsed_s
        self._measured = self.position
        self.age_s += elapsed_s
        since_s, since_position = self._watched_from
        if self.age_s - since_s >= _PATIENCE_S:
            self.steady_bps = (self.position - since_position) / (self.age_s - since_s)
            self._watched_from = (self.age_s, self.position)

    @property
    def average_bps(self) -> float | None:
        """Bytes per second of its whole life, None when that was too short to say."""
        return (self.position - self.start) / self.age_s if self.age_s else None

    @property
    def remaining(self) -> int | None:
        """Bytes to go, None when unknown."""
        return None if self.end is None else self.end - self.position

    @property
    def is_done(self) -> bool:
        """Nothing is left of it."""
        return self.end is not None and self.position >= self.end

    def cut(self, minimum: int, stride: int | None = None) -> Piece | None:
        """Give away the second half of what remains, None when a half would be smaller than *minimum*; or all
        but the next *stride* bytes, where that is more.
        """
        if self.end is None or self.end - self.position < 2 * minimum:
            return None
        half = (self.end - self.position + 1) // 2
        kept = self.position + (half if stride is None else min(half, max(stride, minimum)))
        taken = Piece(kept, self.end)
        self.end = kept
        return taken


class Pieces:
    """What is done, what waits, and what is being fetched."""

    def __init__(self, total: int | None, done: Ranges | None = None) -> None:
        self.done = done or Ranges()
        if total is None:
            self._waiting = [Piece(0, None)]
        else:
            self._waiting = [Piece(start, end) for start, end in reversed(self.done.missing(total))]
        self._active: list[Piece] = []
        self._ended: deque[Piece] = deque(maxlen=_REMEMBERED)

    def take(self, stride: int | None = None) -> Piece | None:
        """The next waiting piece, from the front of the file; no more than *stride* bytes of it."""
        if not self._waiting:
            return None
        piece = self._waiting.pop()
        if stride is not None and piece.end is not None and piece.end - piece.start > stride:
            self._waiting.append(Piece(piece.start + stride, piece.end))
            piece = Piece(piece.start, piece.start + stride)
        self._active.append(piece)
        return piece

    def steal(self, minimum: int, stride: int | None = None) -> Piece | None:
        """Half of the running piece that would end last, None when no half is worth a request of its own.

        With *stride* no more than that is taken, and no more left to the other: the rest waits.
        """
        rates = [piece.rate_bps for piece in self._active if piece.rate_bps is not None]
        usual = sum(rates) / len(rates) if rates and any(rates) else 1.0

        def time_left(piece: Piece) -> float:
            rate = usual if piece.rate_bps is None else piece.rate_bps
            return (piece.remaining or 0) / max(rate, usual / 100)

        for piece in sorted(self._active, key=time_left, reverse=True):
            if (taken := piece.cut(minimum, stride)) is not None:
                self._waiting.append(taken)
                return self.take(stride)
        return None

    def stride_bytes(self, width: int, answer_s: float) -> int | None:
        """How much to ask for at once with *width* connections, of which each answers after *answer_s*; None
        for all that there is.
        """
        known = [*self._ended, *self._active]
        age_s = sum(piece.age_s for piece in known)
        if width < 2 or not age_s:
            return None
        usual_bps = sum(piece.position - piece.start for piece in known) / age_s
        left_bytes = sum(piece.remaining or 0 for piece in self._waiting)
        most = usual_bps * max(_STRIDE_S, _STRIDE_ANSWERS * answer_s)
        least = usual_bps * max(_LEAST_STRIDE_S, _LEAST_STRIDE_ANSWERS * answer_s)
        return round(max(min(left_bytes / (_ROUNDS * width), most), least, 1))

    def has_more(self, minimum: int | None) -> bool:
        """Whether there is something to `take`, or with *minimum* to `steal`."""
        return bool(self._waiting) or (
            minimum is not None and any((piece.remaining or 0) >= 2 * minimum for piece in self._active)
        )

    def laggards(self) -> list[Piece]:
        """Running pieces that have been much slower for a while than is usual; each is named once a while."""
        found = []
        for piece in self._active:
            rate_bps, piece.steady_bps = piece.steady_bps, None
            if rate_bps is None:
                continue
            others = [other.average_bps or 0.0 for other in self._active if other is not piece]
            usual = [*(ended.average_bps or 0.0 for ended in self._ended), *others]
            if usual and rate_bps < _SLOW_SHARE * median(usual):
                found.append(piece)
        return found

    def measure(self, elapsed_s: float) -> None:
        """Measure the rate of every running piece."""
        for piece in self._active:
            piece.measure(elapsed_s)

    def finish(self, piece: Piece) -> None:
        """A worker is done with *piece*; what it left of it waits for another."""
        self._active.remove(piece)
        if piece.average_bps is not None:
            self._ended.append(piece)
        self.done.add(piece.start, piece.position)
        if not piece.is_done:
            self._waiting.append(Piece(piece.position, piece.end))

    def written(self) -> Ranges:
        """All bytes that were written up to now, those of running pieces included."""
        now = Ranges(self.done)
        for piece in self._active:
            now.add(piece.start, piece.position)
        return now
