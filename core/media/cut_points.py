"""Where a file can be cut without encoding it anew. Runs in the probe worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.media.libav import TIME_BASE, Refused, film_of, open_media

#: Any packet of sound may begin a part; more of them than this a second are of no use.
_SPACING_S = 0.5


def read_cut_points(path: Path) -> list[tuple[float, int, int]]:
    """Time, bytes and packets before each point; the last is the end. Fields of `core.media.cuts.CutPoint`.

    Reads the whole file, as copying it will.
    """
    points: list[tuple[float, int, int]] = []
    with open_media(path) as container:
        film, sound = film_of(container), next(iter(container.streams.audio), None)
        leader: Any = film or sound
        if leader is None:
            raise Refused("there is neither sound nor picture in it")
        start_s = float((container.start_time or 0) * TIME_BASE)
        base = leader.time_base
        size = count = 0
        end_s, next_s = 0.0, 0.0
        for packet in container.demux(*filter(None, (film, sound))):
            if packet.pts is not None and packet.stream_index == leader.index:
                time_s = float(packet.pts * base) - start_s
                if packet.is_keyframe and time_s >= next_s:
                    points.append((time_s, size, count))
                    next_s = time_s + (_SPACING_S if film is None else 0)
                end_s = max(end_s, time_s)
            size += packet.size
            count += 1
        return [*points, (end_s, size, count)]
