"""The segments of a broadcast in their order, put together from one playlist after another. Pure.

A live playlist is a window that moves: each new one repeats some segments of the one before. Positions count
them over all lists. Within one address they follow the media sequence (RFC 8216 §4.3.3.2), whose numbers may
begin anew when the encoder does; a list from another address may number in its own way, and is laid over
what is known by the names of segments that both have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from core.domain.errors import ParserFailure
from core.net.hls.playlist import MediaPlaylist, Segment

#: A week of half-second segments; what goes on for longer is no broadcast but an attack on our memory.
MAX_POSITIONS = 1_200_000
#: So many windows behind the last kept segment, numbers have begun anew; fewer may be a stale copy of a list.
_STALE_WINDOWS = 2

#: By what a segment is known again in another list.
Naming = Callable[[Segment], str]


def file_name(segment: Segment) -> str:
    """The last part of its path, with the byte range: hosts, folders and signatures change between lists."""
    name = PurePosixPath(urlsplit(segment.url).path).name
    part = segment.byterange
    return f"{name} {part.start}+{part.length}" if part else name


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that is missing in the middle, or at the end, of what is known."""

    #: Position of the first missing segment, and of the first one that is there again.
    start: int
    end: int


class Timeline:
    """What lists have told so far.

    Args:
        naming: See `Naming`.
    """

    def __init__(self, naming: Naming = file_name) -> None:
        self._naming = naming
        #: What the media sequence of the recorded address is less than the position.
        self.shift = 0
        self._positions: dict[str, int] = {}
        self._durations: dict[int, float] = {}
        #: The highest position of all.
        self.last: int | None = None
        #: Sequence of the first segment of the newest list of the recorded address.
        self._window_start: int | None = None

    def know(self, position: int, name: str, duration_s: float) -> None:
        """Note a segment that an earlier attempt has kept."""
        self._positions[name] = position
        self._durations[position] = duration_s
        self.last = position if self.last is None else max(self.last, position)

    def add_window(self, playlist: MediaPlaylist) -> dict[int, Segment]:
        """Take what the recorded address holds now; all of its segments by position. Raises ParserFailure."""
        first, count = playlist.first_sequence, len(playlist.segments)
        if count == 0:
            return {}
        last = self.last
        if last is not None and first + self.shift <= last:
            before = self._window_start
            if before is None:
                before = last - self.shift - _STALE_WINDOWS * count
            if first + count <= before:
                self.shift = last + 1 - first  # numbers have begun anew
            elif (votes := self._votes(playlist)) and self.shift not in votes:
                self.shift = votes.most_common(1)[0][0]
        self._window_start = first
        return self._take(playlist, self.shift)

    def add_other(self, playlist: MediaPlaylist) -> dict[int, Segment]:
        """Take a list from another address; its segments by position, none when it shares none with us."""
        votes = self._votes(playlist)
        if votes:
            return self._take(playlist, votes.most_common(1)[0][0])
        return {} if self._durations else self._take(playlist, 0)

    def holds_end(self, playlist: MediaPlaylist) -> bool:
        """Whether a list from another address reaches to the last segment that is known, or further."""
        last = self.last
        if last is None:
            return bool(playlist.segments)
        votes = self._votes(playlist)
        shift = votes.most_common(1)[0][0] if votes else 0
        return bool(votes) and playlist.first_sequence + len(playlist.segments) - 1 + shift >= last

    def gaps(self, kept: Iterable[int]) -> list[Gap]:
        """What is missing of all that is known and between, when *kept* is there."""
        have = sorted(set(kept))
        if not have or not self._durations:
            return []
        edges = [min(self._durations) - 1, *have, max(self._durations) + 1]
        return [Gap(left + 1, right) for left, right in pairwise(edges) if right > left + 1]

    def seconds_of(self, gap: Gap, *, usual_s: float) -> float:
        """How long a gap is; segments that no list has told of count *usual_s*."""
        told = [seconds for at, seconds in self._durations.items() if gap.start <= at < gap.end]
        return sum(told) + (gap.end - gap.start - len(told)) * usual_s

    def _votes(self, playlist: MediaPlaylist) -> Counter[int]:
        """For which shifts how many of the list's names speak."""
        votes: Counter[int] = Counter()
        for sequence, segment in enumerate(playlist.segments, playlist.first_sequence):
            position = self._positions.get(self._naming(segment))
            if position is not None:
                votes[position - sequence] += 1
        return votes

    def _take(self, playlist: MediaPlaylist, shift: int) -> dict[int, Segment]:
        if len(self._durations) + len(playlist.segments) > MAX_POSITIONS:
            raise ParserFailure("the broadcast has more segments than can be followed")
        found = {}
        for sequence, segment in enumerate(playlist.segments, playlist.first_sequence):
            position = sequence + shift
            found[position] = segment
            self.know(position, self._naming(segment), segment.duration_s)
        return found
