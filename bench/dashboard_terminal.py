"""A terminal without a window: what a program sends to it, when, and what then stands on its screen."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import psutil

from core.domain.text import cell_width

READ_BYTES = 65_536
#: A slow reader takes what is its due this often.
SLOW_TICK_S = 0.05
PATIENCE_S = 300.0
#: CSI and OSC sequences, other escapes, and text in between; an unfinished sequence is left for later.
_TOKEN = re.compile(
    r"\x1b\[([<-?]?)([\d;:]*)([ -/]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^\[\]]|[^\x1b]+"
)
#: What terminals answer: that they know synchronized output, and where the cursor is.
_ANSWERS = {("?", "2026", "$", "p"): b"\x1b[?2026;2$y", ("", "6", "", "n"): b"\x1b[1;1R"}


class Terminal:
    """The other end of a program's terminal.

    Args:
        size: Columns and lines.
        reads_bps: How much it takes in a second; None takes everything at once.
    """

    def __init__(self, size: tuple[int, int], *, reads_bps: float | None = None) -> None:
        self.columns, self.rows = size
        self.screen = [[" "] * self.columns for _ in range(self.rows)]
        #: Everything that came so far.
        self.received_bytes = 0
        self._x = self._y = 0
        self._rest = b""
        self._text = ""
        self._came = asyncio.Event()
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        os.set_blocking(self._ours, False)
        self._reads_bps = reads_bps
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        if reads_bps is None:
            self._loop.add_reader(self._ours, self._read)
        else:
            self._read_slowly()

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return ["".join(row) for row in self.screen]

    async def start(
        self, command: Sequence[str], env: Mapping[str, str], *, is_controlling: bool = True
    ) -> asyncio.subprocess.Process:
        """Run a program in it; unless it *is_controlling*, no signal tells the program when it vanishes."""
        self.process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if is_controlling else None,
        )
        return self.process

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    async def until(self, holds: Callable[[], object], patience_s: float = PATIENCE_S) -> float:
        """Wait until something is true of what came; seconds waited."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(patience_s):
                while not holds():
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError("in vain:\n" + "\n".join(self.lines)) from None
        return time.perf_counter() - began

    async def quiet(self, for_s: float) -> None:
        """Wait until nothing has come for a while."""
        while True:
            self._came.clear()
            try:
                async with asyncio.timeout(for_s):
                    await self._came.wait()
            except TimeoutError:
                return

    def close(self) -> None:
        """Vanish."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)

    def _read_slowly(self) -> None:
        assert self._reads_bps is not None
        self._read(max(1, int(self._reads_bps * SLOW_TICK_S)))
        self._timer = self._loop.call_later(SLOW_TICK_S, self._read_slowly)

    def _read(self, most: int = READ_BYTES) -> None:
        try:
            data = os.read(self._ours, most)
        except OSError:
            return
        self.received_bytes += len(data)
        data = self._rest + data
        text = data.decode(errors="ignore")
        self._rest = data[len(text.encode()) :]
        self._feed(self._text + text)
        self._came.set()

    def _feed(self, text: str) -> None:
        end = 0
        for token in _TOKEN.finditer(text):
            if token.start() != end:
                break
            end = token.end()
            kind, numbers, between, final = token.groups()
            if final is None:
                if not token[0].startswith("\x1b"):
                    self._print(token[0])
            elif answer := _ANSWERS.get((kind, numbers, between, final)):
                os.write(self._ours, answer)
            elif final == "H":
                line, _, column = numbers.partition(";")
                self._y, self._x = int(line or 1) - 1, int(column or 1) - 1
        self._text = text[end:]

    def _print(self, text: str) -> None:
        for character in text:
            if character == "\n":
                self._y += 1
            elif character == "\r":
                self._x = 0
            elif self._y < self.rows and self._x < self.columns:
                self.screen[self._y][self._x] = character
                self._x += max(1, cell_width(character))


@contextlib.asynccontextmanager
async def at_work(
    command: Sequence[str], env: Mapping[str, str], size: tuple[int, int], *, reads_bps: float | None = None
) -> AsyncIterator[tuple[Terminal, psutil.Process]]:
    """A program in a terminal of its own; when it does not end by itself, it is ended."""
    terminal = Terminal(size, reads_bps=reads_bps)
    process = await terminal.start(command, env)
    try:
        yield terminal, psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        terminal.close()


def cpu_s(process: psutil.Process) -> float:
    """What a process has used up so far."""
    times = process.cpu_times()
    return times.user + times.system
