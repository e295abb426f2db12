"""A film whose index is behind is read as if it were in front, and is the same film."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from core.media.faststart import read_layout
from core.media.front_index import front_index
from tests.fakes.media import audio_m4a, hls_fmp4, made_once, packets, ready_mp4, video_mp4


def rearranged(path: Path, target: Path, *, step: int) -> Path:
    """The whole file as it is read with its index in front, in pieces of that size."""
    front, size = front_index(path), path.stat().st_size
    assert front is not None
    fd = os.open(path, os.O_RDONLY)
    try:
        target.write_bytes(b"".join(front.read(fd, at, min(step, size - at)) for at in range(0, size, step)))
        assert front.read(fd, size, 10) == b""
    finally:
        os.close(fd)
    assert target.stat().st_size == size
    return target


@pytest.mark.parametrize("step", [7919, 65_536, 10**9])
def test_the_film_is_the_same_with_its_index_in_front(tmp_path, step):
    film = made_once(video_mp4, "clip.mp4")
    assert not read_layout(film).is_faststart
    made = rearranged(film, tmp_path / "made.mp4", step=step)
    assert read_layout(made).is_faststart
    assert packets(made) == packets(film)


def test_what_stands_behind_the_index_stays_there(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(
        made_once(video_mp4, "clip.mp4").read_bytes() + struct.pack(">I4s", 5008, b"free") + bytes(5000)
    )
    made = rearranged(film, tmp_path / "made.mp4", step=1000)
    assert read_layout(made).is_faststart
    assert packets(made) == packets(film)
    assert made.read_bytes().endswith(bytes(5000))


def test_places_of_64_bits_are_counted_anew_too(tmp_path):
    film = tmp_path / "film.mp4"
    data = made_once(video_mp4, "clip.mp4").read_bytes()
    at = data.index(b"moov") - 4
    film.write_bytes(data[:at] + with_wide_places(data[at:]))
    assert packets(film) == packets(made_once(video_mp4, "clip.mp4"))
    made = rearranged(film, tmp_path / "made.mp4", step=100_000)
    assert packets(made) == packets(film)


def with_wide_places(data: bytes) -> bytes:
    """Boxes with `stco` tables made `co64`."""
    found, at = b"", 0
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + length]
        if name in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}:
            body = with_wide_places(body)
        elif name == b"stco":
            count = struct.unpack_from(">I", body, 4)[0]
            places = struct.unpack_from(f">{count}I", body, 8)
            name, body = b"co64", body[:8] + struct.pack(f">{count}Q", *places)
        found += struct.pack(">I4s", len(body) + 8, name) + body
        at += length
    return found


def test_sound_is_brought_forward_as_well(tmp_path):
    sound = made_once(audio_m4a, "tone.m4a")
    made = rearranged(sound, tmp_path / "made.m4a", step=4096)
    assert read_layout(made).is_faststart
    assert packets(made) == packets(sound)


def test_what_has_its_index_in_front_is_left_alone():
    assert front_index(made_once(ready_mp4, "ready.mp4")) is None


def test_what_is_no_plain_mp4_is_left_alone(tmp_path):
    path = tmp_path / "made.mp4"
    hls_fmp4(tmp_path / "hls")
    pieces = sorted((tmp_path / "hls").glob("*.m4s"))
    path.write_bytes((tmp_path / "hls" / "init.mp4").read_bytes() + b"".join(p.read_bytes() for p in pieces))
    assert front_index(path) is None
    for data in (b"", b"ID3" + bytes(500), os.urandom(5000)):
        path.write_bytes(data)
        assert front_index(path) is None


def test_an_index_that_tells_nonsense_is_left_alone(tmp_path):
    data, path = made_once(video_mp4, "clip.mp4").read_bytes(), tmp_path / "bad.mp4"
    places = data.index(b"stco") + 12
    for number in (0, len(data) - 5, 2**32 - 1):  # in the beginning, in the index, behind the end
        path.write_bytes(data[:places] + struct.pack(">I", number) + data[places + 4 :])
        assert front_index(path) is None
    for at, value in (
        (data.index(b"stco") + 8, 2**31),
        (data.index(b"trak") - 4, 2**31),
        (data.index(b"stbl") - 4, 4),
    ):
        path.write_bytes(data[:at] + struct.pack(">I", value) + data[at + 4 :])
        assert front_index(path) is None
    path.write_bytes(data[: data.index(b"stsz")])
    assert front_index(path) is None
    at = data.index(b"udta")
    path.write_bytes(data[:at] + b"mvex" + data[at + 4 :])
    assert front_index(path) is None
