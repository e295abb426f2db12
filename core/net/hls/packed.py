"""Packed audio: HLS segments that are bare ADTS or MPEG audio, each led by ID3 tags (RFC 8216 §3.4)."""

from __future__ import annotations

from core.net.transfer.sniff import id3_bytes

_TAG_HEAD_BYTES = 10


class Id3Stripper:
    """Takes the ID3v2 tags off the front of a segment while it arrives: between frames they are noise."""

    def __init__(self) -> None:
        self._is_passing = False
        self._skip_bytes = 0
        self._head = b""

    def feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """What of *data* is not a tag in front."""
        if self._is_passing:
            return data
        skipped = min(self._skip_bytes, len(data))
        self._skip_bytes -= skipped
        self._head += data[skipped:]
        while len(self._head) >= _TAG_HEAD_BYTES and (tag := id3_bytes(self._head)):
            self._skip_bytes = max(0, tag - len(self._head))
            self._head = self._head[tag:]
        may_be_tag = b"ID3".startswith(self._head[:3]) and len(self._head) < _TAG_HEAD_BYTES
        return b"" if may_be_tag else self.finish()

    def finish(self) -> bytes:
        """What was kept back."""
        self._is_passing = True
        head, self._head = self._head, b""
        return head
