"""Somebody at a terminal, who reads what a command asks and types answers."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import termios
from collections.abc import AsyncIterator, Mapping

READ_BYTES = 65_536


class Typist:
    """The other end of a command's terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._came = asyncio.Event()
        self._read_to = 0
        #: All that the command wrote, and the echo of what was typed.
        self.transcript = ""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, READ_BYTES)
        except OSError:
            # Linux's way to say that the other end is closed.
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self.transcript += data.decode()
        self._came.set()

    async def reads(self, words: str, *, within_s: float = 20) -> None:
        """Wait for words that stand behind those read before."""
        async with asyncio.timeout(within_s):
            while (found := self.transcript.find(words, self._read_to)) < 0:
                self._came.clear()
                await self._came.wait()
        self._read_to = found + len(words)

    def types(self, answer: str) -> None:
        """Type an answer and Enter."""
        os.write(self._terminal, answer.encode() + b"\n")

    def close(self) -> None:
        """Leave the terminal."""
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)


@contextlib.asynccontextmanager
async def at_a_terminal(
    *command: str, env: Mapping[str, str]
) -> AsyncIterator[tuple[Typist, asyncio.subprocess.Process]]:
    """Run a command whose terminal is a person's."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    typist = Typist(ours)
    try:
        yield typist, process
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        typist.close()
