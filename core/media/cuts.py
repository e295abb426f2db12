"""Where a file can be cut, and where it should be. The first runs in the probe worker; the second is pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: What a part needs besides its packets: headers, tags, and an entry in the index for each packet.
OVERHEAD_BYTES = 16 * 1024
OVERHEAD_PER_PACKET_BYTES = 32
#: Steps in which even sizes are approached; each halves the unevenness.
_STEPS = 12


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A place where a part can begin: a key frame, or any packet of sound."""

    #: From the start of the file.
    time_s: float
    #: Of media before it.
    bytes_before: int
    packets_before: int

    @property
    def weight_bytes(self) -> int:
        """Bytes before it, with what an index needs for them."""
        return self.bytes_before + self.packets_before * OVERHEAD_PER_PACKET_BYTES


def choose_cuts(points: Sequence[CutPoint], limit_bytes: int) -> list[float] | None:
    """Times at which to cut into as few parts as possible, of nearly the same size, each below a limit.

    Args:
        points: In order of time; the last one is the end of the file.
        limit_bytes: Of each part.

    Returns:
        The starts of the second and further parts; None when two neighbouring points are too far apart.
    """
    most = limit_bytes - OVERHEAD_BYTES
    best = _filled(points, most)
    if best is None:
        return None
    low, high = 0, most
    for _ in range(_STEPS):
        middle = (low + high) // 2
        tried = _filled(points, middle)
        if tried is not None and len(tried) <= len(best):
            best, high = tried, middle
        else:
            low = middle
    return best


def _filled(points: Sequence[CutPoint], most_bytes: int) -> list[float] | None:
    """Each part as full as it may be."""
    cuts: list[float] = []
    begin = 0
    latest: CutPoint | None = None
    for point in points:
        if point.weight_bytes - begin > most_bytes:
            if latest is None:
                return None
            cuts.append(latest.time_s)
            begin = latest.weight_bytes
            if point.weight_bytes - begin > most_bytes:
                return None
        latest = point
    return cuts
