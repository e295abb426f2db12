"""The unfinished recording: segments one behind the other as they came, and a log of where each of them lies.

`<path>.live` holds the bytes; each line of `<path>.live.log` tells of a segment that was flushed to the disk
before the line was written. So whatever instant the power fails, every line that can be read is true, and a
segment may be added in any order: the file is put in order when all of them are there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.net.transfer import disk

_FORMAT = 1
_COPY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A segment that is on disk."""

    position: int
    #: What its list's media sequence is less than its position.
    shift: int
    #: See `core.net.hls.timeline.Naming`.
    name: str
    duration_s: float
    #: Names the init section that it needs, empty for none.
    init: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A segment that has come and is to be kept; as `Kept`."""

    position: int
    shift: int
    name: str
    duration_s: float
    init: str
    #: The init section itself, where it may not be there yet.
    init_data: bytes
    data: bytes | bytearray


class Spool:
    """The files of a recording to *path*. Its methods belong in a thread, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".live")
        self._log = path.with_name(path.name + ".live.log")
        self._files: tuple[int, int] | None = None
        self.kept: dict[int, Kept] = {}
        #: Offset and length of each init section.
        self._inits: dict[str, tuple[int, int]] = {}
        self.size_bytes = 0
        self.duration_s = 0.0
        self._log_bytes = 0

    def open_blocking(self) -> None:
        """Open the files and read what earlier attempts kept.

        Raises:
            DiskFull, Unknown: They cannot be opened.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with disk.errors("cannot open the unfinished recording"):
            part = os.open(self._part, flags, 0o666)
            try:
                log = os.open(self._log, flags, 0o666)
            except OSError:
                os.close(part)
                raise
            self._files = part, log
            self._replay(self._log.read_bytes(), os.fstat(part).st_size)
            os.ftruncate(log, self._log_bytes)
            os.ftruncate(part, self.size_bytes)

    def _replay(self, text: bytes, part_bytes: int) -> None:
        """Believe the log as far as it can be read; what follows was cut off by a crash."""
        for line in text.splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    break
                self._take(json.loads(line), part_bytes)
            except (ValueError, TypeError, LookupError):
                break
            self._log_bytes += len(line)

    def _take(self, row: dict[str, Any], part_bytes: int) -> None:
        end = int(row["offset"]) + int(row["size_bytes"])
        if row["format"] != _FORMAT or end > part_bytes:
            raise ValueError(row)
        if "position" in row:
            one = Kept(**{name: row[name] for name in Kept.__slots__})
            self._keep(one)
        else:
            self._inits[str(row["init"])] = int(row["offset"]), int(row["size_bytes"])
        self.size_bytes = max(self.size_bytes, end)

    def add_blocking(self, batch: Sequence[Arrived]) -> None:
        """Keep segments; when this returns, no crash can lose them.

        Raises:
            DiskFull, Unknown: They cannot be written; none of them counts.
        """
        assert self._files is not None
        part, log = self._files
        end, rows = self.size_bytes, list[Kept]()
        inits: dict[str, tuple[int, int]] = {}
        with disk.errors("cannot write the recording"):
            for one in batch:
                if one.init and one.init not in self._inits | inits:
                    inits[one.init] = end, len(one.init_data)
                    disk.pwrite_all(part, one.init_data, end)
                    end += len(one.init_data)
                rows.append(
                    Kept(one.position, one.shift, one.name, one.duration_s, one.init, end, len(one.data))
                )
                disk.pwrite_all(part, one.data, end)
                end += len(one.data)
            disk.flush_blocking(part)
            lines = b"".join(_lines(inits, rows))
            disk.pwrite_all(log, lines, self._log_bytes)
            disk.flush_blocking(log)
        self._log_bytes += len(lines)
        self.size_bytes = end
        self._inits |= inits
        for row in rows:
            self._keep(row)

    def _keep(self, one: Kept) -> None:
        self.kept[one.position] = one
        self.duration_s += one.duration_s

    def publish_blocking(self) -> int:
        """Put the segments in order under the recording's own name, durably; its length in bytes.

        Where they came in order, the unfinished file only changes its name; else it is copied, which needs
        its space twice for as long.

        Raises:
            DiskFull, Unknown: It cannot be written; the unfinished files stay.
        """
        assert self._files is not None
        part, _ = self._files
        spans = list(_joined(self._spans()))
        size_bytes = sum(length for _, length in spans)
        with disk.errors("cannot finish the recording"):
            if len(spans) == 1 and spans[0][0] == 0:
                os.ftruncate(part, size_bytes)
                os.fsync(part)
                self._part.replace(self.path)
            else:
                whole = self.path.with_name(self.path.name + ".whole")
                _copy(part, spans, whole)
                whole.replace(self.path)
            disk.sync_folder_blocking(self.path.parent)
            self._part.unlink(missing_ok=True)
            self._log.unlink(missing_ok=True)
        self.close()
        return size_bytes

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Offset and length of all pieces of the finished file."""
        init = ""
        for _, one in sorted(self.kept.items()):
            if one.init and one.init != init:
                yield self._inits[one.init]
            init = one.init
            yield one.offset, one.size_bytes

    def close(self) -> None:
        """Close the files; what is kept stays."""
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None


def _lines(inits: dict[str, tuple[int, int]], rows: Sequence[Kept]) -> Iterator[bytes]:
    told: list[dict[str, Any]] = [
        {"init": name, "offset": offset, "size_bytes": size} for name, (offset, size) in inits.items()
    ]
    for row in (*told, *map(asdict, rows)):
        yield json.dumps({"format": _FORMAT, **row}, separators=(",", ":")).encode() + b"\n"


def _joined(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Neighbours made one."""
    start = length = 0
    for offset, size in spans:
        if offset != start + length:
            if length:
                yield start, length
            start, length = offset, 0
        length += size
    if length:
        yield start, length


def _copy(source: int, spans: Sequence[tuple[int, int]], target: Path) -> None:
    with target.open("wb") as file:
        for start, length in spans:
            for offset in range(start, start + length, _COPY_BYTES):
                file.write(os.pread(source, min(_COPY_BYTES, start + length - offset), offset))
        file.flush()
        os.fsync(file.fileno())
