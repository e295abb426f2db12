"""Which version of a cookie file there is, without reading it."""

from __future__ import annotations

from pathlib import Path

#: Changes with every write and every replacement.
Stamp = tuple[int, int, int, int]


def stamp_blocking(path: str | None) -> tuple[Stamp | None, float]:
    """Which version of the file at *path* there is (None: none), and when it came to its place."""
    if path is None:
        return None, 0.0
    try:
        seen = Path(path).stat()
    except OSError:
        return None, 0.0
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino), seen.st_ctime
