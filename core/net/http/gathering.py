"""Larger pieces from a fast line: the system wakes us for a lot at once, as long as that comes in no time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

#: What is waited for at most. Measured on loopback: 80 KiB come at a time unless somebody asks for more.
_WANTED_BYTES = 512 * 1024
#: So much must come within this time: nobody notices that it was waited for.
_SOON_S = 0.005
#: So many pieces tell how fast a line is.
_PIECES = 16
#: A line that stands still this long with less than was asked for gives what it has.
_LOOK_S = 0.05


class Gathering:
    """Sets how much a socket must have received before whoever waits for it is woken.

    SO_RCVLOWAT of socket(7). Nothing is waited for that may never come: the end of a connection wakes
    everybody, and so does a look at lines that stand still.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._asked_bytes = 1
        self._received_bytes = 0
        self._seen_bytes = 0
        self._pieces = 0
        self._since = (time.monotonic(), 0)
        self._is_fast = False
        self._watch: asyncio.TimerHandle | None = None

    def received(self, size: int, next_bytes: int) -> None:
        """*size* bytes have come; of what follows at least *next_bytes* are sure to, and wanted at once."""
        self._received_bytes += size
        self._pieces += 1
        if self._pieces % _PIECES == 0:
            now = time.monotonic()
            then, before = self._since
            self._is_fast = (self._received_bytes - before) * _SOON_S >= _WANTED_BYTES * (now - then)
            self._since = (now, self._received_bytes)
        self._ask_for(min(_WANTED_BYTES, next_bytes) if self._is_fast else 1)

    def stop(self) -> None:
        """Nobody is kept waiting for more than a byte any more."""
        self._is_fast = False
        self._ask_for(1)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _ask_for(self, size: int) -> None:
        if size == self._asked_bytes:
            return
        self._asked_bytes = size
        with contextlib.suppress(OSError):  # it is broken, which the next read tells
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(size, 1))
        if size > 1 and self._watch is None:
            self._look_later()

    def _look_later(self) -> None:
        self._seen_bytes = self._received_bytes
        self._watch = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        if self._received_bytes == self._seen_bytes:
            self.stop()
        else:
            self._look_later()
