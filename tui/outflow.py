"""What is on its way to the terminal, and whether more may follow. Knows no Textual.

Whoever writes to a terminal faster than it reads fills buffers that nobody can empty again: the kernel's,
ssh's, the network's. A key would then be answered behind all of them. So no more than a window is let out of
hand: what was sent ends in a question that every terminal answers (DSR 6, ECMA-48 §8.3.35: where is the
cursor?), and the answer says that it was read up to there.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

#: Where is the cursor? Answered by `CSI row ; column R`.
QUESTION = b"\x1b[6n"
#: So much may be on its way. At 5 KB/s somebody waits a second for it, far away it makes up for the distance.
WINDOW_BYTES = 4 * 1024
#: A terminal that never answered anything is not asked to within this time; one that has did lose a question.
MUTE_AFTER_S, LOST_AFTER_S = 2.0, 10.0
#: Whoever leaves waits no longer for a terminal that reads nothing. A slow one, or one of a busy machine, has
#: read the last words within this time; without them the shell would not get its screen back.
LAST_WORDS_S = 5.0


class Outflow:
    """Writes to a terminal from a thread of its own, so that nobody here ever waits for it.

    Args:
        descriptor: The terminal.
        on_room: Called in a thread when more may be sent again, after somebody was told to wait.
        on_gone: Called in the thread, once, when the terminal has vanished.
    """

    def __init__(self, descriptor: int, *, on_room: Callable[[], None], on_gone: Callable[[], None]) -> None:
        self.is_gone = False
        self._descriptor = descriptor
        self._on_room = on_room
        self._on_gone = on_gone
        self._waiting: deque[bytes] = deque()
        self._is_ending = self._is_closing = False
        self._changed = threading.Condition()
        self._given = self._written = self._read = 0  # bytes so far: taken here, handed to the system, read
        self._asked_for = 0  # how much the answer will say was read; 0 while nothing was asked
        self._asked_at = 0.0
        self._has_answered = self._is_mute = self._is_awaited = False
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)
        self._thread.start()

    def wait_s(self) -> float | None:
        """How long to hold back what could be sent, at most; None: it may go now."""
        with self._changed:
            left_s = self._left_s()
            self._is_awaited = left_s is not None
            return left_s

    def _left_s(self) -> float | None:
        if self._written < self._given:
            return LOST_AFTER_S
        if not self._asked_for or self._given - self._read <= WINDOW_BYTES:
            return None
        patience_s = LOST_AFTER_S if self._has_answered else MUTE_AFTER_S
        left_s = self._asked_at + patience_s - time.monotonic()
        if left_s > 0:
            return left_s
        self._is_mute = not self._has_answered
        self._asked_for = 0
        return None

    def write(self, data: bytes) -> None:
        """Send something whole, and ask whether it was read unless a question is under way."""
        with self._changed:
            if self.is_gone or self._is_closing:
                return
            self._given += len(data)
            if self._may_ask and not self._asked_for:
                data += self._question()
            self._waiting.append(data)
            self._changed.notify_all()

    def answered(self) -> None:
        """The terminal has said where its cursor is."""
        with self._changed:
            self._has_answered, self._is_mute = True, False
            self._read, self._asked_for = max(self._read, self._asked_for), 0
            if self._given > self._read and self._may_ask and not self.is_gone:
                self._waiting.append(self._question())
            self._changed.notify_all()
        self._tell_room()

    def ask_no_more(self) -> None:
        """Wait a little for the last answer: whoever has the terminal next would take it for typed text."""
        with self._changed:
            self._is_ending = True
            if self._has_answered and not self.is_gone:
                self._changed.wait_for(lambda: not self._asked_for or self.is_gone, LAST_WORDS_S)

    def close(self) -> None:
        """Send what is left, as far as the terminal takes it soon."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(LAST_WORDS_S)

    @property
    def _may_ask(self) -> bool:
        return not (self._is_mute or self._is_ending)

    def _tell_room(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._on_room()

    def _question(self) -> bytes:
        self._given += len(QUESTION)
        self._asked_for, self._asked_at = self._given, time.monotonic()
        return QUESTION

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closing:
                    self._changed.wait()
                data = b"".join(self._waiting)
                self._waiting.clear()
            if not data:
                return
            if not self._send(data):
                self._on_gone()
                return
            self._tell_room()

    def _send(self, data: bytes) -> bool:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # EIO after a hang-up
            with self._changed:
                self.is_gone = True
                self._waiting.clear()
                self._changed.notify_all()
            return False
        with self._changed:
            self._written += len(data)
        return True
