"""Reads the engine's log as it grows: one JSON object a line, in a file that is replaced when it is full."""

from __future__ import annotations

import itertools
import json
import os
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO


class LogFile:
    """Follows one log through its rotations. Blocks: a face with an event loop reads in a thread.

    Args:
        file: The log; it may not exist yet.
        most_bytes: When more was written since the last look, only the end of it, this long, is read. None
            reads all.
        earlier_bytes: At the first look, so much of what was written last is read, also in the files that
            were replaced: the log's name with `.1`, `.2` …, the newest first.
    """

    def __init__(self, file: Path, *, most_bytes: int | None = None, earlier_bytes: int = 0) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._earlier_bytes = earlier_bytes
        self._stream: BinaryIO | None = None
        self._offset = 0

    def new_blocking(self) -> Iterator[dict[str, Any]]:
        """The lines written since the last call; a line that is half written waits.

        Raises:
            OSError: It is there and cannot be read.
        """
        if self._stream is None:
            if not self._open():
                return
            yield from self._earlier()
        yield from self._rest()
        if self._is_replaced():
            # The old file is read to its end: what was written there before the change is not lost.
            yield from self._rest()
            self.close()
            if self._open():
                yield from self._rest()

    def close(self) -> None:
        """Let go of the file; the next look begins anew with what stands at its path then."""
        if self._stream is not None:
            self._ending()
            self._stream = None

    def _open(self) -> bool:
        with suppress(FileNotFoundError):
            self._stream = self._file.open("rb")
            # However its reader ends: a thread may be reading while its page goes.
            self._ending = weakref.finalize(self, self._stream.close)
            self._offset = 0
        return self._stream is not None

    def _earlier(self) -> Iterator[dict[str, Any]]:
        """The end of the files that were replaced, as far as there is room beside the present one."""
        assert self._stream is not None
        present = os.fstat(self._stream.fileno())
        room, parts = self._earlier_bytes - present.st_size, list[tuple[BinaryIO, int]]()
        with ExitStack() as opened:
            for number in itertools.count(1):
                name = f"{self._file.name}.{number}"
                try:
                    # All are opened before one is read: they may be replaced again meanwhile.
                    part = opened.enter_context(self._file.with_name(name).open("rb"))
                except OSError:
                    break
                status = os.fstat(part.fileno())
                if room <= 0:
                    break
                if (status.st_dev, status.st_ino) != (present.st_dev, present.st_ino):
                    parts.append((part, max(0, status.st_size - room)))
                    room -= status.st_size
            for older, begin in reversed(parts):
                older.seek(begin)
                if begin:
                    older.readline()  # begins in the middle
                yield from filter(None, map(_parse, older))

    def _is_replaced(self) -> bool:
        assert self._stream is not None
        opened = os.fstat(self._stream.fileno())
        try:
            named = self._file.stat()
        except FileNotFoundError:
            return True
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino)

    def _rest(self) -> Iterator[dict[str, Any]]:
        assert self._stream is not None
        size = os.fstat(self._stream.fileno()).st_size
        if size < self._offset:
            self._offset = 0  # somebody has emptied it
        self._stream.seek(self._offset)
        if self._most_bytes is not None and size - self._offset > self._most_bytes:
            self._stream.seek(size - self._most_bytes)
            self._stream.readline()  # begins in the middle
            self._offset = self._stream.tell()
        for raw in self._stream:
            if not raw.endswith(b"\n"):
                return
            self._offset += len(raw)
            if entry := _parse(raw):
                yield entry


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return None  # torn by a crash, or none of ours
    return entry if isinstance(entry, dict) else None
