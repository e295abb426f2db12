"""A dashboard on a pseudo-terminal of its own, for one tab of a browser.

The kernel ties both together: when the terminal's master side closes, also because this process was killed,
the dashboard gets SIGHUP and leaves. No dashboard outlives its tab.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from tui.terminal import BROWSER

#: A dashboard leaves within a fraction of this; one that hangs is killed.
LEAVE_WITHIN_S = 3.0
READ_BYTES = 64 * 1024
#: What the server's own terminal is says nothing about the browser's.
_FOREIGN = frozenset({"COLUMNS", "LINES", "TMUX", "TMUX_PANE", "STY", "TERM_PROGRAM", "LC_CTYPE", "SSH_TTY"})


@dataclass(frozen=True, slots=True)
class TabSize:
    """Columns and lines of a terminal."""

    columns: int
    lines: int

    @classmethod
    def of(cls, data: Any) -> Self:
        """The size that a browser names, within what a screen can have.

        Raises:
            ValueError: It names none.
        """
        if not isinstance(data, dict):
            raise ValueError("no object")  # noqa: TRY004 -- one error for all that a browser may send
        columns, lines = data.get("columns"), data.get("lines")
        if not (isinstance(columns, int) and isinstance(lines, int)):
            raise ValueError("no size")  # noqa: TRY004 -- as above
        return cls(min(max(columns, 20), 500), min(max(lines, 5), 200))


def dashboard_command() -> list[str]:
    """Arguments that run the dashboard on the terminal that is its standard input."""
    return [sys.executable, "-P", "-m", "tui.web.tab_process"]


def tab_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a dashboard whose terminal is xterm.js."""
    kept = {name: value for name, value in environ.items() if name not in _FOREIGN}
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "TERM_PROGRAM": BROWSER,
    }


class Tab:
    """A program on a pseudo-terminal. Only one task at a time may read, and one write."""

    def __init__(self, master: int, process: Process) -> None:
        self._master = master
        self._process = process

    @classmethod
    async def open(cls, command: Sequence[str], size: TabSize, environ: Mapping[str, str]) -> Self:
        """Start *command*; the caller ends it.

        Raises:
            OSError: The system has no terminal or no process to give.
        """
        master, slave = pty.openpty()
        try:
            os.set_blocking(master, False)
            _set_size(slave, size)
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=tab_environment(environ),
                start_new_session=True,
            )
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        return cls(master, process)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    async def read(self) -> bytes:
        """What the program has written; nothing once nobody can write any more."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._master, READ_BYTES)
            except BlockingIOError:
                await self._until(loop.add_reader, loop.remove_reader)
            except OSError:  # EIO: the other side is closed
                return b""

    async def write(self, data: bytes) -> None:
        """Type *data*; what the program does not take any more is lost with it."""
        loop = asyncio.get_running_loop()
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._master, left) :]
            except BlockingIOError:
                await self._until(loop.add_writer, loop.remove_writer)
            except OSError:
                return

    def resize(self, size: TabSize) -> None:
        """Give the terminal another size; the program gets SIGWINCH."""
        with suppress(OSError):
            _set_size(self._master, size)

    async def wait(self) -> int:
        """The exit code of the program, once it has ended."""
        return await self._process.wait()

    async def end(self) -> None:
        """Close the terminal, and see to it that nothing is left of the program."""
        os.close(self._master)
        with suppress(TimeoutError):
            await self._end_process()

    async def _end_process(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def _until(self, watch: Callable[..., object], unwatch: Callable[[int], object]) -> None:
        ready = asyncio.Event()
        watch(self._master, ready.set)
        try:
            await ready.wait()
        finally:
            unwatch(self._master)


def _set_size(terminal: int, size: TabSize) -> None:
    # struct winsize of ioctl_tty(2): rows, columns, and pixels, which nobody asks for.
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))
