"""An MP4 file as it would be with its index in front, so that it plays while it is still being fetched.

Nothing is written: such a file has the same bytes in another order, but for the places of the media that its
index tells (ISO/IEC 14496-12, 8.7.5), and those are counted anew in memory.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.media.faststart import boxes

#: Some 12 bytes a frame and less: days of film. Larger ones are no index.
_MAX_INDEX_BYTES = 64 * 1024**2
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
#: Tables of places, and the kinds of their numbers: 32 and 64 bits.
_PLACES = {b"stco": "I", b"co64": "Q"}
#: An index with one of these tells places elsewhere too, is packed, or is that of pieces.
_STRANGE = (b"iloc", b"saio", b"cmov", b"mvex")
_HEADER_BYTES = 8


class _StrangeError(Exception):
    """An index that is not understood well enough to be changed. Control flow."""


@dataclass(frozen=True, slots=True)
class FrontIndex:
    """How to read a file as if its index were in front: its size stays the same."""

    #: What the file begins with, and then its index.
    head: bytes
    #: Of the index; and its end in the file as it is, behind which all stays where it is.
    index_bytes: int
    index_end: int
    #: Size and time, in nanoseconds, of the file that was looked at.
    version: tuple[int, int]

    def read(self, fd: int, offset: int, length: int) -> bytes:
        """Bytes of the rearranged file; fewer where the file is shorter now. Raises OSError."""
        found, end = self.head[offset : offset + length], offset + length
        at = offset + len(found)
        if at < (until := min(end, self.index_end)):
            found += os.pread(fd, until - at, at - self.index_bytes)
        at = max(offset, self.index_end)
        return found + (os.pread(fd, end - at, at) if at < end else b"")


def front_index(path: Path) -> FrontIndex | None:
    """How to put the index of *path* in front; None where it is there already, or cannot be brought there.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        seen = os.fstat(file.fileno())
        found = list(boxes(file, seen.st_size))
        names = [name for name, _ in found]
        if names[:1] != [b"ftyp"] or names.count(b"moov") != 1 or b"moof" in names:
            return None
        at = names.index(b"moov")
        begin, index_start, index_end = found[0][1], found[at - 1][1], found[at][1]
        size = index_end - index_start
        if b"mdat" not in names[:at] or index_end > seen.st_size or size > _MAX_INDEX_BYTES:
            return None
        start = os.pread(file.fileno(), begin, 0)
        index = bytearray(os.pread(file.fileno(), size, index_start))
    try:
        _count_anew(index, begin, index_start, seen.st_size)
    except (_StrangeError, struct.error):
        return None
    return FrontIndex(start + index, size, index_end, (seen.st_size, seen.st_mtime_ns))


def _count_anew(index: bytearray, begin: int, index_start: int, size_bytes: int) -> None:
    """Move the places that an index tells by its own length, when they lie before it."""
    if any(name in index for name in _STRANGE):
        raise _StrangeError
    shift = len(index)
    index_end = index_start + shift
    for code, start, end in _tables(index, 0, shift):
        places = _numbers(code, index[start:end])
        if not all(begin <= place < index_start or index_end <= place < size_bytes for place in places):
            raise _StrangeError
        try:
            moved = array(code, (place + shift if place < index_start else place for place in places))
        except OverflowError as error:
            raise _StrangeError from error
        index[start:end] = _numbers(code, moved.tobytes()).tobytes()


def _numbers(code: str, data: bytes | bytearray) -> array[int]:
    """Big-endian numbers as this machine has them, or the reverse."""
    numbers = array(code, bytes(data))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _tables(index: bytearray, at: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The tables of places between two places of an index: kind of numbers, start and end."""
    while at + _HEADER_BYTES <= end:
        length, name = struct.unpack_from(">I4s", index, at)
        inner = at + _HEADER_BYTES
        if length == 1:  # the true length follows in 64 bits
            (length,) = struct.unpack_from(">Q", index, inner)
            inner += 8
        until = at + length if length else end
        if not inner <= until <= end:
            raise _StrangeError
        if name in _CONTAINERS:
            yield from _tables(index, inner, until)
        elif name in _PLACES:
            code = _PLACES[name]
            (count,) = struct.unpack_from(">4xI", index, inner)
            table = inner + 8
            if table + count * array(code).itemsize > until:
                raise _StrangeError
            yield code, table, table + count * array(code).itemsize
        at = until
