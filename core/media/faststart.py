"""How an MP4 file is laid out, from the headers of its top-level boxes (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
#: Boxes that hold media or its index; other ones at the end of a file may be rubbish that somebody appended.
_VITAL = frozenset({b"moov", b"moof", b"mdat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the order and the sizes of the boxes tell."""

    #: It can be played while it is still being fetched: the index precedes the media.
    is_faststart: bool
    #: Made of pieces with an index each, as HLS and DASH have it. Many players cannot seek in such a file.
    is_fragmented: bool
    #: Bytes at its end are missing.
    is_cut_short: bool
    #: Size of the index, 0 when there is none.
    index_bytes: int


def read_layout(path: Path) -> Layout:
    """Read the box headers of *path*; raises OSError when it cannot be read."""
    order: list[bytes] = []
    is_cut_short = False
    index_bytes = before = 0
    with path.open("rb", buffering=0) as file:
        size_bytes = file.seek(0, 2)
        for name, end in boxes(file, size_bytes):
            is_cut_short |= name in _VITAL and end > size_bytes
            index_bytes += end - before if name == b"moov" else 0
            before = end
            if name not in order:
                order.append(name)
    is_fragmented = b"moof" in order
    media = [name for name in order if name in _VITAL]
    return Layout(
        is_faststart=media[:1] == [b"moov"],
        is_fragmented=is_fragmented,
        is_cut_short=is_cut_short,
        index_bytes=index_bytes,
    )


def boxes(file: BinaryIO, size_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Name and end of each top-level box; the next one begins there."""
    start = 0
    while start + _HEADER_BYTES <= size_bytes:
        file.seek(start)
        header = file.read(_LONG_HEADER_BYTES)
        length = int.from_bytes(header[:4], "big")
        if length == 1:  # the true length follows in 64 bits
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:  # up to the end of the file
            length = size_bytes - start
        if length < _HEADER_BYTES:
            return
        start += length
        yield header[4:8], start
