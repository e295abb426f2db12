"""Writing to the disk, and how it is told that this cannot be done."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.domain.errors import DiskFull, Unknown

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
#: Written at a time. For larger writes Linux takes larger pages, which it must find and clear first. On ext4
#: of Linux 6.18 a gigabyte took 0.20 s so, and 0.70 s by a mebibyte at a time (medians of six).
_WRITE_BYTES = 64 * 1024
#: A write of a MiB at most goes into the page cache in less than one; longer, and the cache is full …
_SLOW_WRITE_S = 0.02
#: … and stays so for a while: twice as long each time, for a busy machine may just have had no processor.
_SLOW_FOR_S, _SLOW_FOR_AT_MOST_S = 0.25, 5.0


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


def waits_s(size: int) -> float:
    """What `pwrite_all` of *size* bytes waits in a thread for the interpreter alone, beside a busy loop."""
    return math.ceil(size / _WRITE_BYTES) * sys.getswitchinterval()


class Strain:
    """Whether the disk has made a write wait lately."""

    def __init__(self) -> None:
        self._until = -math.inf
        self._for_s = _SLOW_FOR_S

    @property
    def is_felt(self) -> bool:
        """It has."""
        return time.monotonic() < self._until

    @contextlib.contextmanager
    def watch(self, other_waits_s: float = 0.0) -> Iterator[None]:
        """Around a write, which may take *other_waits_s* without any fault of the disk."""
        began = time.monotonic()
        yield
        now = time.monotonic()
        if now - began - other_waits_s > _SLOW_WRITE_S:
            is_again = now < self._until + _SLOW_FOR_AT_MOST_S
            self._for_s = min(2 * self._for_s, _SLOW_FOR_AT_MOST_S) if is_again else _SLOW_FOR_S
            self._until = now + self._for_s


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
