"""Fragmented MP4 whose clock jumps: HLS joins pieces of several recordings, each with times of its own.

ffmpeg takes the times as they are and lays later pieces over earlier ones. Here each piece is moved to where
the one before it ended, by changing its times in place (ISO/IEC 14496-12: moof 8.8.4, tfhd 8.8.7, trun 8.8.8,
tfdt 8.8.12).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from core.domain.errors import MediaFailure
from core.media.faststart import boxes

#: A step back is a new clock; encoders overlap pieces by less than this.
_BACK_S = 0.1
#: So is a leap forward; a shorter one is a gap that was there.
_AHEAD_S = 10.0
#: Boxes that describe H.264, HEVC and AV1 to their decoders.
_CONFIGS = (b"avcC", b"hvcC", b"av1C")
#: An index of one fragment is far smaller; a larger one is not read.
_MAX_INDEX_BYTES = 64 * 1024**2


@dataclass(slots=True)
class _Clock:
    """Where the tracks of the file are, in seconds."""

    timescales: dict[int, int] = field(default_factory=dict)
    #: Duration of a sample where the fragment does not tell, in units of the track.
    defaults: dict[int, int] = field(default_factory=dict)
    ends_s: dict[int, float] = field(default_factory=dict)
    shift_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Run:
    """The samples of one track in one fragment."""

    track: int
    #: Where its decode time stands in the file, how many bytes it has, and what it is.
    at: int
    width: int
    time: int
    duration: int


def straighten_blocking(path: Path) -> bool:
    """Make the times of a fragmented MP4 one clock; returns whether anything was changed. Repeatable.

    Raises:
        MediaFailure: It is damaged, it cannot be read or written, or its pieces are of different films, which
            no single file can hold.
    """
    try:
        return _straighten(path)
    except (struct.error, IndexError) as error:
        raise MediaFailure("its fragments are damaged") from error
    except OSError as error:
        raise MediaFailure(f"its times could not be set right: {error.strerror}") from error


def _straighten(path: Path) -> bool:
    clock = _Clock()
    is_changed = False
    config = b""
    with path.open("rb+", buffering=0) as file:
        end = 0
        for name, after in list(boxes(file, file.seek(0, 2))):
            start, end = end, after
            if name == b"moov" and end - start <= _MAX_INDEX_BYTES:
                moov = _content(file, start, end)
                _read_tracks(moov, clock)
                config = config or _config(moov)
                if _config(moov) != config:
                    raise MediaFailure("its pieces are encoded in different ways")
            elif name == b"moof" and end - start <= _MAX_INDEX_BYTES:
                runs = _runs(_content(file, start, end), start, clock)
                is_changed |= _move(file, runs, clock)
    return is_changed


def _move(file: BinaryIO, runs: list[_Run], clock: _Clock) -> bool:
    """Bring one fragment to its place."""
    begins_s = {run.track: run.time / clock.timescales[run.track] for run in runs}
    known = [track for track in begins_s if track in clock.ends_s]
    leaps_s = [begins_s[track] + clock.shift_s - clock.ends_s[track] for track in known]
    if any(leap_s < -_BACK_S or leap_s > _AHEAD_S for leap_s in leaps_s):
        # All tracks move together, or picture and sound would part.
        clock.shift_s = max(clock.ends_s.values()) - min(begins_s.values())
    for run in runs:
        scale = clock.timescales[run.track]
        time = max(0, run.time + round(clock.shift_s * scale))
        clock.ends_s[run.track] = (time + run.duration) / scale
        if time != run.time and time < 1 << 8 * run.width:
            file.seek(run.at)
            file.write(time.to_bytes(run.width, "big"))
    return clock.shift_s != 0.0


def _content(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _children(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of content and end of each box between two positions; stops at what is no box."""
    while start + 8 <= end:
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8 or start + length > end:
            return
        yield data[start + 4 : start + 8], start + 8, start + length
        start += length


def _read_tracks(moov: bytes, clock: _Clock) -> None:
    for name, start, end in _children(moov, 8, len(moov)):
        if name == b"trak":
            _read_track(moov, start, end, clock)
        elif name == b"mvex":
            for extends, at, _ in _children(moov, start, end):
                if extends == b"trex":
                    track, _index, duration = struct.unpack_from(">III", moov, at + 4)
                    clock.defaults[track] = duration


def _config(moov: bytes) -> bytes:
    """How the picture is encoded. Only the first such description counts for a player."""
    for name in _CONFIGS:
        at = moov.find(name)
        if at > 4:
            return moov[at : at - 4 + int.from_bytes(moov[at - 4 : at], "big")]
    return b""


def _read_track(moov: bytes, start: int, end: int, clock: _Clock) -> None:
    track = scale = 0
    for name, at, after in _children(moov, start, end):
        if name == b"tkhd":
            track = struct.unpack_from(">I", moov, at + (20 if moov[at] else 12))[0]
        elif name == b"mdia":
            for inner, inside, _ in _children(moov, at, after):
                if inner == b"mdhd":
                    scale = struct.unpack_from(">I", moov, inside + (20 if moov[inside] else 12))[0]
    if track and scale:
        clock.timescales[track] = scale


def _runs(moof: bytes, position: int, clock: _Clock) -> list[_Run]:
    found = []
    for name, start, end in _children(moof, 8, len(moof)):
        run = _run(moof, start, end, position, clock) if name == b"traf" else None
        if run is not None and run.track in clock.timescales:
            found.append(run)
    return found


def _run(moof: bytes, start: int, end: int, position: int, clock: _Clock) -> _Run | None:
    track = default = duration = 0
    at = width = 0
    for name, inside, after in _children(moof, start, end):
        flags = int.from_bytes(moof[inside + 1 : inside + 4], "big")
        if name == b"tfhd":
            track = struct.unpack_from(">I", moof, inside + 4)[0]
            default = clock.defaults.get(track, 0)
            if flags & 0x08:
                skipped = 8 + (8 if flags & 0x01 else 0) + (4 if flags & 0x02 else 0)
                default = struct.unpack_from(">I", moof, inside + skipped)[0]
        elif name == b"tfdt":
            at, width = inside + 4, 8 if moof[inside] else 4
        elif name == b"trun":
            duration += _duration(moof[inside:after], flags, default)
    if not at:
        return None
    return _Run(track, position + at, width, int.from_bytes(moof[at : at + width], "big"), duration)


def _duration(trun: bytes, flags: int, default: int) -> int:
    count = struct.unpack_from(">I", trun, 4)[0]
    if not flags & 0x100:
        return int(count * default)
    first = 8 + (4 if flags & 0x01 else 0) + (4 if flags & 0x04 else 0)
    size = 4 * (flags >> 8 & 0xF).bit_count()
    return sum(struct.unpack_from(">I", trun, first + number * size)[0] for number in range(count))
