"""What a file is, judged from its first bytes and never from its name or Content-Type."""

from __future__ import annotations

#: Enough of a file for `sniff_container`, unless a longer ID3 tag leads it.
SNIFF_BYTES = 4096

_ID3_HEADER_BYTES = 10
_TS_PACKET_BYTES = 188
_MP4_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"free", b"skip", b"wide"})
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "m3u8"),
    (b"\xef\xbb\xbf#EXTM3U", "m3u8"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"FLV\x01", "flv"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "gif"),
)


def id3_bytes(head: bytes | memoryview) -> int:
    """Length of the ID3v2 tag that *head* begins with (ID3v2.4 §3.1), 0 when there is none."""
    if len(head) < _ID3_HEADER_BYTES or head[:3] != b"ID3":
        return 0
    flags, size = head[5], head[6:10]
    if any(byte & 0x80 for byte in size):
        return 0  # not the seven-bit bytes that a tag has
    length = size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]
    has_footer = bool(flags & 0x10)
    return _ID3_HEADER_BYTES + length + (_ID3_HEADER_BYTES if has_footer else 0)


def sniff_container(head: bytes) -> str | None:
    """What *head*, the first `SNIFF_BYTES` of a file, is the beginning of; None when unknown.

    `mp4 ts aac mp3 webm mkv ogg flac wav avi flv`, `jpeg png gif webp`, `html` or `m3u8`.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}.get(head[8:12])
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "mkv"
    if _is_ts(head):
        return "ts"
    return _packed_audio(head) or ("html" if _is_html(head) else None)


def _is_ts(head: bytes) -> bool:
    """Sync bytes at the distance of transport packets (ISO 13818-1 §2.4.3)."""
    sync = head[:1] == b"G" and head[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] in {b"G", b""}
    return sync and len(head) >= _TS_PACKET_BYTES


def _packed_audio(head: bytes) -> str | None:
    """ADTS or MPEG audio frames, with or without an ID3 tag before them."""
    tag = id3_bytes(head)
    frame = head[tag : tag + 2]
    if len(frame) == 2 and frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0:
        # The two layer bits are 0 in ADTS only (ISO 13818-7 §6.2, ISO 11172-3 §2.4.1.3).
        return "mp3" if frame[1] & 0x06 else "aac"
    return "mp3" if tag else None


def _is_html(head: bytes) -> bool:
    start = head[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_xhtml = start.startswith(b"<?xml") and b"<html" in start
    return is_xhtml or start.startswith((b"<!doctype html", b"<html", b"<head"))
