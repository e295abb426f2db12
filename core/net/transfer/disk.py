"""Writing to the disk, and how it is told that this cannot be done."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from core.domain.errors import DiskFull, Unknown

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
#: Written at a time. For larger writes Linux takes larger pages, which it must find and clear first. On ext4
#: of Linux 6.18 a gigabyte took 0.20 s so, and 0.70 s by a mebibyte at a time (medians of six).
_WRITE_BYTES = 64 * 1024


@contextlib.contextmanager
def errors(doing: str) -> Iterator[None]:
    """Translate what the file system raises.

    Raises:
        DiskFull: No space or quota left.
        Unknown: Anything else, such as a folder that may not be written.
    """
    try:
        yield
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        raise (DiskFull if error.errno in _NO_SPACE else Unknown)(f"{doing}: {words}") from error


def pwrite_all(fd: int, data: bytes | bytearray | memoryview, position: int) -> None:
    """Write all of *data* at *position*. Raises OSError."""
    left = memoryview(data)
    while left:
        written = os.pwrite(fd, left[:_WRITE_BYTES], position)
        left, position = left[written:], position + written


def flush_blocking(fd: int) -> None:
    """Put what was written to an open file on the disk. Raises OSError."""
    getattr(os, "fdatasync", os.fsync)(fd)  # macOS has no fdatasync


def sync_folder_blocking(folder: Path) -> None:
    """Put the names in *folder* on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
