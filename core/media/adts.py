"""The form of AAC sound, read from its frame headers alone (ADTS: ISO/IEC 13818-7, 6.2).

It may change on the way: where the pieces of several encoders follow each other, as in a Space whose host
reconnects, or between a programme and what is shown in its breaks.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

HEADER_BYTES = 7
#: A header and what follows it, as one number.
_WORD = struct.Struct(">Q")
#: Bits of it that stay the same: sync word, layer, absence of a checksum, profile, rate, channels; and the
#: number of further blocks in the frame.
_STEADY = 0xFFF7_FDC0_0000_0300
#: Of those, what plain sound has: no layer, no checksum, profile "low complexity", one block.
_KIND, _PLAIN = 0xFFF7_C000_0000_0300, 0xFFF1_4000_0000_0000
_TS_PACKET_BYTES = 188
#: By their index in a header (ISO/IEC 14496-3, table 1.18).
SAMPLE_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
#: One frame of sound is looked at in so many places of a transport stream, or more: in a large one every two
#: thousand packets, which are a second or two.
_TS_LOOKS = 100
_TS_MAX_WINDOW = 2000

#: Index of the sample rate, and number of channels.
_Form = tuple[int, int]
_Data = mmap.mmap | bytes
#: Of a mapped file so much stays in memory.
_MAPPED_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class PlainSound:
    """AAC-LC of one form, frame after frame without anything between."""

    #: Index of the sample rate, as in ISO/IEC 14496-3 table 1.18.
    rate_index: int
    #: 1 to 7, as in table 1.19.
    channels: int
    #: Bytes of each frame, header included.
    lengths: array[int]


def read_plain(data: mmap.mmap | bytes) -> PlainSound | None:
    """The frames of raw AAC if they are plain, as nearly always; some 40 ms for an hour."""
    if len(data) <= HEADER_BYTES:
        return None
    first = _WORD.unpack_from(data)[0] & _STEADY
    rate_index, channels = first >> 42 & 0xF, first >> 38 & 7
    if first & _KIND != _PLAIN or rate_index >= len(SAMPLE_RATES_HZ) or not channels:
        return None
    lengths = array("I")
    read, append, at, last = _WORD.unpack_from, lengths.append, 0, len(data) - _WORD.size
    while at <= last:
        stop = min(last, at + _MAPPED_BYTES)
        while at <= stop:
            (word,) = read(data, at)
            length = word >> 21 & 0x1FFF
            if word & _STEADY != first or length <= HEADER_BYTES:
                return None
            append(length)
            at += length
        let_go(data, at)
    return PlainSound(rate_index, channels, lengths) if at == len(data) else None


def let_go(data: _Data, end: int) -> None:
    """Give back the memory that a mapped file takes up to *end*: what was read counts as ours until then."""
    if isinstance(data, mmap.mmap) and (done := min(end, len(data)) // mmap.PAGESIZE * mmap.PAGESIZE):
        data.madvise(mmap.MADV_DONTNEED, 0, done)


def is_uneven(path: Path) -> bool:
    """Whether the sample rate or the channels of a raw AAC file change.

    Reads seven bytes of each frame.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if read_plain(data):
            return False
        first: _Form | None = None
        at = data.find(b"\xff")
        while 0 <= at <= len(data) - HEADER_BYTES:
            length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
            if not _begins_frame(data, at) or length < HEADER_BYTES:
                at = data.find(b"\xff", at + 1)  # a tag, or damage
                continue
            first = first or _form(data, at)
            # What only looks like a header stands alone: the next frame must follow.
            if _form(data, at) != first and _begins_frame(data, at + length):
                return True
            at += length
    return False


def uneven_tracks(path: Path) -> frozenset[int]:
    """Ids of the AAC tracks of a transport stream whose form changes; by some looks at it.

    Raises:
        OSError: It cannot be read.
    """
    forms: dict[int, set[_Form]] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        packets = len(data) // _TS_PACKET_BYTES
        window_bytes = min(packets // _TS_LOOKS + 1, _TS_MAX_WINDOW) * _TS_PACKET_BYTES
        for window in range(0, packets * _TS_PACKET_BYTES, window_bytes):
            end = min(window + window_bytes, packets * _TS_PACKET_BYTES)
            for at in range(window, end, _TS_PACKET_BYTES):
                # A packet in which something begins (ISO/IEC 13818-1, 2.4.3.2).
                if data[at + 1] & 0x40 and data[at] == 0x47:
                    packet = data[at : at + _TS_PACKET_BYTES]
                    form = _form_of_packet(packet)
                    if form is not None:
                        forms.setdefault((packet[1] & 0x1F) << 8 | packet[2], set()).add(form)
                        break
    return frozenset(track for track, seen in forms.items() if len(seen) > 1)


def _form_of_packet(packet: bytes) -> _Form | None:
    """The form of the first frame in a packet that begins with one, None for any other packet."""
    start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if packet[start : start + 3] != b"\0\0\1" or start + 9 > len(packet) or packet[start + 3] & 0xE0 != 0xC0:
        return None
    frame = start + 9 + packet[start + 8]
    return _form(packet, frame) if _begins_frame(packet, frame) else None


def _form(data: _Data, at: int) -> _Form:
    # Four bits of the rate's index; three of the channels' number, one of them in the next byte.
    return data[at + 2] >> 2 & 0xF, (data[at + 2] & 1) << 2 | data[at + 3] >> 6


def _begins_frame(data: _Data, at: int) -> bool:
    return at + 3 < len(data) and data[at] == 0xFF and data[at + 1] & 0xF6 == 0xF0
