"""Raw AAC into an M4A file without ffmpeg, whose queues between threads cost far more than the work.

Only plain sound is taken (`core.media.adts.read_plain`); everything else is ffmpeg's. The result has its
index in front, and a chunk for each second or so (ISO/IEC 14496-12 for the boxes, 14496-14 and 14496-1 for
`esds`).
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from pathlib import Path

from core.domain.media import Tags
from core.media.adts import HEADER_BYTES, SAMPLE_RATES_HZ, PlainSound, let_go, read_plain
from core.media.ffmpeg_run import disk_failures
from core.media.tags import normalised, write_tags_blocking

#: Samples of a frame of AAC-LC.
_FRAME_SAMPLES = 1024
#: Frames that lie together: about a second.
_CHUNK_FRAMES = 43
#: Offsets and durations of the boxes used here have 32 bits; larger files are ffmpeg's.
_MAX_BYTES = 2**31
_MAX_SAMPLES = 2**32 - 1
#: The rate in `mp4a` has 16 bits.
_MAX_RATE_HZ = 48_000
#: What is written at a time: some 50 KiB, which ext4 takes with less work than more at once.
_BATCH_FRAMES = 192
_MILLISECONDS = 1000
#: No rotation, no scaling (14496-12, 8.2.2).
_UNITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_BRANDS = b"M4A \0\0\2\0M4A isomiso2"


def wrap_blocking(source: Path, target: Path, tags: Tags, cover: bytes | None = None) -> bool:
    """Write the sound of *source* into *target*, an M4A file, with *tags* and a JPEG or PNG as *cover*.

    Returns:
        Whether it was done; False leaves no file: the sound is not plain, or there is too much of it.

    Raises:
        DiskFull: There is no room.
        MediaFailure: A file cannot be read or written.
    """
    with (
        disk_failures(target),
        source.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        sound = read_plain(data) if len(data) < _MAX_BYTES else None
        if sound is None or not _fits(sound):
            return False
        target.write_bytes(_head(sound))
        if normalised(tags) or cover:
            # Now, while moving the media means to add to a few numbers.
            write_tags_blocking(target, tags, cover)
        with target.open("ab") as out:
            out.write(struct.pack(">I4s", 8 + _media_bytes(sound), b"mdat"))
            for batch in _bare_frames(data, sound.lengths):
                out.write(batch)
    return True


def _fits(sound: PlainSound) -> bool:
    rate_hz = SAMPLE_RATES_HZ[sound.rate_index]
    return rate_hz <= _MAX_RATE_HZ and len(sound.lengths) * _FRAME_SAMPLES <= _MAX_SAMPLES


def _media_bytes(sound: PlainSound) -> int:
    return sum(sound.lengths) - HEADER_BYTES * len(sound.lengths)


def _bare_frames(data: mmap.mmap, lengths: array[int]) -> Iterator[bytes]:
    """The frames without their headers, many at a time."""
    at = 0
    for first in range(0, len(lengths), _BATCH_FRAMES):
        ends = list(accumulate(lengths[first : first + _BATCH_FRAMES], initial=at))
        yield b"".join([data[a + HEADER_BYTES : b] for a, b in pairwise(ends)])
        at = ends[-1]
        let_go(data, at)


def _head(sound: PlainSound) -> bytes:
    """All that goes before the media. Its size must be known for the offsets in it, hence twice."""
    sizes = array("I", [length - HEADER_BYTES for length in sound.lengths])
    chunks = list(islice(accumulate(sizes, initial=0), 0, len(sizes), _CHUNK_FRAMES))
    draft = _index(sound, sizes, chunks)
    kind = _box(b"ftyp", _BRANDS)
    media_at = len(kind) + len(draft) + 8
    return kind + _index(sound, sizes, [media_at + chunk for chunk in chunks])


def _index(sound: PlainSound, sizes: array[int], chunks: list[int]) -> bytes:
    rate_hz = SAMPLE_RATES_HZ[sound.rate_index]
    samples = len(sound.lengths) * _FRAME_SAMPLES
    length_ms = samples * _MILLISECONDS // rate_hz
    movie = struct.pack(">5IIH10x36s24xI", 0, 0, 0, _MILLISECONDS, length_ms, 1 << 16, 0x0100, _UNITY, 2)
    # Enabled and part of the presentation; at full volume, as the movie is.
    track = struct.pack(">6I8x2HH2x36s8x", 3, 0, 0, 1, 0, length_ms, 0, 0, 0x0100, _UNITY)
    media = struct.pack(">5I2H", 0, 0, 0, rate_hz, samples, _language("und"), 0)
    handler = struct.pack(">2I4s12x13s", 0, 0, b"soun", b"SoundHandler\0")
    own_file = _box(b"dref", struct.pack(">2I", 0, 1), _box(b"url ", struct.pack(">I", 1)))
    return _box(
        b"moov",
        _box(b"mvhd", movie),
        _box(
            b"trak",
            _box(b"tkhd", track),
            _box(
                b"mdia",
                _box(b"mdhd", media),
                _box(b"hdlr", handler),
                _box(
                    b"minf",
                    _box(b"smhd", bytes(8)),
                    _box(b"dinf", own_file),
                    _box(b"stbl", *_tables(sound, sizes, chunks)),
                ),
            ),
        ),
    )


def _tables(sound: PlainSound, sizes: array[int], chunks: list[int]) -> Iterator[bytes]:
    """What the frames are, how long, how large, and where."""
    count = len(sizes)
    whole, rest = divmod(count, _CHUNK_FRAMES)
    runs = [(1, _CHUNK_FRAMES)] * bool(whole) + [(whole + 1, rest)] * bool(rest)
    yield _box(b"stsd", struct.pack(">2I", 0, 1), _description(sound))
    yield _box(b"stts", struct.pack(">4I", 0, 1, count, _FRAME_SAMPLES))
    yield _box(
        b"stsc",
        struct.pack(">2I", 0, len(runs)),
        *(struct.pack(">3I", first, frames, 1) for first, frames in runs),
    )
    yield _box(b"stsz", struct.pack(">3I", 0, 0, count), _big_endian(sizes))
    yield _box(b"stco", struct.pack(">2I", 0, len(chunks)), struct.pack(f">{len(chunks)}I", *chunks))


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _description(sound: PlainSound) -> bytes:
    """What a decoder needs (14496-14, 5.6; the configuration is 14496-3, 1.6.2.1)."""
    rate_hz = SAMPLE_RATES_HZ[sound.rate_index]
    seconds = len(sound.lengths) * _FRAME_SAMPLES / rate_hz
    mean_bps = round(8 * _media_bytes(sound) / seconds)
    low_complexity = 2
    config = struct.pack(">H", low_complexity << 11 | sound.rate_index << 7 | sound.channels << 3)
    # MPEG-4 audio, an audio stream; no bound is told for the buffer.
    decoder = struct.pack(">2B3x2I", 0x40, 0x15, mean_bps, mean_bps) + _descriptor(5, config)
    stream = bytes(3) + _descriptor(4, decoder) + _descriptor(6, b"\2")
    speakers = 8 if sound.channels == 7 else sound.channels  # 14496-3, table 1.19
    entry = struct.pack(">6xH8x2H4xI", 1, speakers, 16, rate_hz << 16)
    return _box(b"mp4a", entry, _box(b"esds", bytes(4), _descriptor(3, stream)))


def _descriptor(tag: int, body: bytes) -> bytes:
    """14496-1, 8.3.3; all are short."""
    return bytes((tag, len(body))) + body


def _language(code: str) -> int:
    """Three letters of five bits (14496-12, 8.4.2)."""
    first, second, third = (ord(letter) - 0x60 for letter in code)
    return first << 10 | second << 5 | third


def _box(name: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), name) + b"".join(parts)
