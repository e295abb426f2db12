"""Telling files by their first bytes."""

from __future__ import annotations

import pytest

from core.net.hls.packed import Id3Stripper
from core.net.transfer.sniff import id3_bytes, sniff_container


def tag(length: int, *, flags: int = 0) -> bytes:
    size = bytes((length >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00" + bytes([flags]) + size + b"x" * length


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\0\0\0\x20stypmsdh", "mp4"),
        (b"\0\0\0\x08moof", "mp4"),
        (b"G" + bytes(187) + b"G" + bytes(187), "ts"),
        (b"G" + bytes(187), "ts"),
        (b"Gruezi mitenand", None),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xf9\x50\x80", "aac"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (tag(20) + b"\xff\xf1\x50\x80", "aac"),
        (tag(20) + b"\xff\xfb\x50\x80", "mp3"),
        (tag(9000)[:4096], "mp3"),
        (b"OggS\0\2", "ogg"),
        (b"fLaC", "flac"),
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"RIFF\0\0\0\0AVI ", "avi"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "webm"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "mkv"),
        (b"FLV\x01\x05", "flv"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"#EXTM3U\n", "m3u8"),
        (b"\xef\xbb\xbf#EXTM3U\n", "m3u8"),
        (b"\n <!DOCTYPE HTML>", "html"),
        (b"<html lang=en>", "html"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "html"),
        (b'<?xml version="1.0"?>\n<MPD>', None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(head, expected):
    assert sniff_container(head) == expected


def test_the_length_of_an_id3_tag_counts_header_and_footer():
    assert id3_bytes(tag(300) + b"rest") == 310
    assert id3_bytes(tag(300, flags=0x10)) == 320
    assert id3_bytes(b"ID3\x04\0\0\x80\0\0\0") == 0
    assert id3_bytes(b"ID3\x04") == 0


@pytest.mark.parametrize("step", [1, 3, 9, 10, 64, 10_000])
@pytest.mark.parametrize(
    ("front", "body"),
    [
        (b"", b"\xff\xf1" + b"frame" * 30),
        (tag(63), b"\xff\xf1" + b"frame" * 30),
        (tag(0) + tag(200) + tag(5), b"\xff\xfb" + b"ID3 in the middle" * 9),
        (b"", b"ID"),
        (b"", b"ID3"),
        (b"", b"IDEA of a file"),
        (b"", b"G" * 188),
        (tag(40), b""),
    ],
)
def test_tags_in_front_are_taken_off_however_the_bytes_arrive(front, body, step):
    stripper, data = Id3Stripper(), front + body
    out = b"".join(bytes(stripper.feed(data[i : i + step])) for i in range(0, len(data), step))
    assert out + stripper.finish() == body
