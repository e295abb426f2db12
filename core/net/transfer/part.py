"""The unfinished file of a transfer and the note beside it that says what of it can be trusted.

`<path>.part` holds the bytes, `<path>.part.json` the note. The note claims only bytes that were flushed to
the disk before it was written, carries a checksum of itself, and is replaced atomically: whatever instant the
power fails, a note that can be read tells the truth, and one that cannot means starting over.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.net.transfer import disk

#: Version of the note's format; another one is not understood.
_FORMAT = 1
_MAX_NOTE_BYTES = 4 * 2**20


class PartFile:
    """The bytes and the note of a transfer to *path*. Methods that end in `_blocking` belong in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._note = path.with_name(path.name + ".part.json")
        self._fd = -1
        self._strain = disk.Strain()

    def open(self) -> None:
        """Open the part, making it when it is not there."""
        with disk.errors("cannot open the unfinished file"):
            self._fd = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    def close(self) -> None:
        """Close the part; no thread may be using it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def fd(self) -> int:
        """The open part, for readers."""
        return self._fd

    @property
    def size_bytes(self) -> int:
        """Length of the open part."""
        return os.fstat(self._fd).st_size

    def write_at(self, data: bytes | memoryview, position: int) -> None:
        """Write all of *data* at *position*, in the event loop."""
        with disk.errors("cannot write"), self._strain.watch():
            disk.pwrite_all(self._fd, data, position)

    def write_blocking(self, data: bytes | memoryview, position: int) -> None:
        """As `write_at`, while the disk is slow."""
        with disk.errors("cannot write"), self._strain.watch(disk.waits_s(len(data))):
            disk.pwrite_all(self._fd, data, position)

    @property
    def is_slow(self) -> bool:
        """Whether the disk made a write wait lately: the event loop should not wait for the next."""
        return self._strain.is_felt

    def read_at(self, size: int, position: int) -> bytes:
        """At most *size* bytes from *position*."""
        with disk.errors("cannot read"):
            return os.pread(self._fd, size, position)

    def truncate(self, size: int) -> None:
        """Make the part exactly *size* long."""
        with disk.errors("cannot shorten the unfinished file"):
            os.ftruncate(self._fd, size)

    def reserve_blocking(self, size: int) -> None:
        """Take the space now, so that a full disk is found out first and the file lies in one stretch."""
        with disk.errors("cannot reserve the space"):
            os.posix_fallocate(self._fd, 0, max(size, 1))
            os.ftruncate(self._fd, size)

    def note_blocking(self, note: Mapping[str, Any]) -> None:
        """Flush what was written, then write down *note*, which the caller took before this call.

        Does nothing once the part is published or discarded.
        """
        if self._fd < 0:
            return
        body = json.dumps(note, separators=(",", ":"))
        text = json.dumps({"format": _FORMAT, "crc32": zlib.crc32(body.encode()), "body": body})
        fresh = self._note.with_name(self._note.name + ".new")
        with disk.errors("cannot note the progress"):
            disk.flush_blocking(self._fd)
            fresh.write_text(text)
            fresh.replace(self._note)

    def flush_blocking(self) -> None:
        """Put what was written on the disk."""
        with disk.errors("cannot flush the unfinished file"):
            disk.flush_blocking(self._fd)

    def read_note(self) -> dict[str, Any] | None:
        """The note, None when there is none that can be trusted."""
        try:
            if self._note.stat().st_size > _MAX_NOTE_BYTES:
                return None
            envelope = json.loads(self._note.read_bytes())
            body = envelope["body"]
            if envelope["format"] != _FORMAT or envelope["crc32"] != zlib.crc32(body.encode()):
                return None
            note = json.loads(body)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None
        return note if isinstance(note, dict) else None

    def publish_blocking(self) -> None:
        """Give the flushed part its final name, durably, remove the note, and close."""
        with disk.errors("cannot finish the file"):
            os.fsync(self._fd)
            self.close()
            self._part.replace(self.path)
            disk.sync_folder_blocking(self.path.parent)
            self._note.unlink(missing_ok=True)

    def discard_blocking(self) -> None:
        """Close the part and forget all of it. The note goes first: it may not outlive its bytes."""
        self.close()
        with disk.errors("cannot remove the unfinished file"):
            if self._note.exists():
                self._note.unlink()
                disk.sync_folder_blocking(self.path.parent)
            self._part.unlink(missing_ok=True)
