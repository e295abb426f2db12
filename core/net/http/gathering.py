"""Larger pieces from fast lines: the system wakes us for a lot at once, as long as that comes in no time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

#: What is waited for at most, and taken at most beside other lines. Measured on loopback: 80 KiB come at a
#: time unless somebody asks for more.
_WANTED_BYTES = 512 * 1024
#: So much must come within this time on all lines together: below that being woken costs little.
_SOON_S = 0.005
#: … and on one line within this time: nobody notices that it was waited for.
_PATIENCE_S = 0.02
#: A busy loop takes one piece of each line in a turn, so that a line of small pieces is slow for just that.
#: One that stays behind others so far is asked for what takes it so long: if it is slow by itself, no harm is
#: done.
_BEHIND, _PATIENCE_BEHIND_S = 0.5, 0.1
#: So many pieces tell how fast a line is.
_PIECES = 16
#: A line that stands still this long with less than was asked for gives what it has.
_LOOK_S = 0.15

_of_thread = threading.local()


def _lines() -> dict[Gathering, float]:
    """This thread's, and how fast they are, in bytes a second."""
    if not hasattr(_of_thread, "lines"):
        _of_thread.lines = {}
    found: dict[Gathering, float] = _of_thread.lines
    return found


class Gathering:
    """Sets how much a socket must have received before whoever waits for it is woken.

    SO_RCVLOWAT of socket(7). Nothing is waited for that may never come: the end of a connection wakes
    everybody, and so does a look at lines that stand still.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = _lines()
        self._asked_bytes = 1
        self._received_bytes = 0
        self._seen_bytes = 0
        self._pieces = 0
        self._since = (time.monotonic(), 0)
        self._wanted_bytes = 1
        self._watch: asyncio.TimerHandle | None = None

    def most_bytes(self, buffer_bytes: int) -> int:
        """How much to take at once, of what has room: beside other lines no more than they."""
        return min(buffer_bytes, _WANTED_BYTES) if len(self._lines) > 1 else buffer_bytes

    def received(self, size: int, next_bytes: int) -> None:
        """*size* bytes have come; of what follows at least *next_bytes* are sure to, and wanted at once."""
        self._received_bytes += size
        self._pieces += 1
        if self._pieces % _PIECES == 0:
            self._measure()
        self._ask_for(min(self._wanted_bytes, next_bytes))

    def _measure(self) -> None:
        now = time.monotonic()
        then, before = self._since
        self._since = (now, self._received_bytes)
        self._lines[self] = own_bps = (self._received_bytes - before) / max(now - then, 1e-6)
        is_busy = sum(self._lines.values()) * _SOON_S >= _WANTED_BYTES
        is_behind = own_bps < _BEHIND * max(self._lines.values())
        # Powers of two: the system is not told of every change.
        soon_bytes = 1 << int(own_bps * (_PATIENCE_BEHIND_S if is_behind else _PATIENCE_S)).bit_length() >> 1
        self._wanted_bytes = min(_WANTED_BYTES, soon_bytes) if is_busy else 1

    def stop(self) -> None:
        """Nobody is kept waiting for more than a byte any more."""
        self._lines.pop(self, None)
        self._wanted_bytes = 1
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
