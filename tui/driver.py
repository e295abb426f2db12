"""Textual's driver, for terminals that read slowly or vanish.

Textual 8.2.8 waits for its terminal in the event loop, reads a closed one over and over, and wakes ten times
a second to see whether it shall stop. This does none of these. It rests on inner parts of the version that
is pinned; tests in real terminals tell when those change.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Protocol

from textual import events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.outflow import Outflow

READ_BYTES = 4096


class TerminalUser(Protocol):
    """Who is told of a terminal, in the event loop."""

    def on_room(self) -> None:
        """More may be sent."""

    def on_gone(self) -> None:
        """Nobody sees or types anything any more."""


class PatientDriver(LinuxDriver):
    """Input and output of a terminal; its app is a TerminalUser."""

    _app: Any

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None
        self._descriptor, self._encoding = self._file.fileno(), self._file.encoding
        self._outflow: Outflow | None = None
        # A thread's own knows no app, and Textual's timers end unheard without one.
        self._context = copy_context()
        self._unsent: list[str] = []
        self._has_terminal = False
        # What closes the second one is read at the first one: the end of the thread that reads keys.
        self._stopped: tuple[int, int] | None = None

    def wait_s(self) -> float | None:
        """How long a repaint has to wait, at most; None: it may be sent now."""
        return self._outflow.wait_s() if self._outflow is not None else None

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        self._has_terminal = True
        self._stopped = os.pipe()
        user: TerminalUser = self._app
        self._outflow = Outflow(
            self._descriptor,
            on_room=lambda: self._call(user.on_room),
            on_gone=lambda: self._call(user.on_gone),
        )
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual's
        if self._writer_thread is not None:
            self._writer_thread.stop()  # Textual's own has nothing to do
            self._writer_thread = None

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        if self._has_terminal:
            self._has_terminal = False
            super().stop_application_mode()

    def _call(self, told: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever wanted to know
            self._loop.call_soon_threadsafe(told, context=self._context)

    # Output

    def write(self, data: str) -> None:
        """Send with what else is written at this moment. Never waits."""
        self._unsent.append(data)
        if len(self._unsent) == 1:
            self._call(self.flush)

    def flush(self) -> None:
        """Send now."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._outflow is not None:
            self._outflow.write("".join(unsent).encode(self._encoding, errors="backslashreplace"))

    def close(self) -> None:
        """Let the last words out; those that give the terminal back are among them, whoever closes first."""
        self.stop_application_mode()
        self.flush()
        if self._outflow is not None:
            self._outflow.close()

    # Input

    def disable_input(self) -> None:
        """Read no more keys."""
        if self._stopped is not None:
            if self._outflow is not None:
                self._outflow.ask_no_more()
            os.close(self._stopped[1])
            super().disable_input()
            os.close(self._stopped[0])
            self._stopped = None

    def run_input_thread(self) -> None:
        """Read keys until told to stop, or until the terminal has vanished."""
        assert self._stopped is not None
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.SelectSelector() as selector:  # macOS has no other for terminals
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._stopped[0], selectors.EVENT_READ)
            while True:
                due = parser._timeout_time  # noqa: SLF001 -- set while an Esc may yet turn into another key
                ready = selector.select(None if due is None else max(0.0, due - get_time()))
                if any(key.fd != self.fileno for key, _ in ready):
                    return
                if ready:
                    data = self._read()
                    if not data:
                        self._call(self._app.on_gone)
                        return
                    if text := decode(data):
                        self._take(parser.feed(text))
                self._take(parser.tick())

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # EIO after a hang-up
            return b""

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if isinstance(message, events.CursorPosition) and self._outflow is not None:
                self._outflow.answered()
            else:
                self.process_message(message)
