"""A real terminal for the program: a tmux server of the test's own."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

TMUX = shutil.which("tmux")
#: The screen is looked at this often while a test waits for what it must show.
LOOK_AGAIN_S = 0.1
#: What stood on the screen before a program was started there.
BEFORE = "a shell was here"


class Terminal:
    """One tmux session."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def _tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        process = await asyncio.create_subprocess_exec(
            TMUX, "-S", str(self._socket), "-f", "/dev/null", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color", "HOME": "/"},
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()

    async def start(
        self, command: Sequence[str], env: Mapping[str, str], *, columns: int, lines: int
    ) -> None:
        """Run *command* in a new window of this size, below a line of a shell."""
        words = ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *command]
        line = f"echo {BEFORE}; {shlex.join(words)}; echo ended with $?; exec cat"
        await self._tmux("-u", "new-session", "-d", "-x", str(columns), "-y", str(lines), line)

    async def press(self, *keys: str) -> None:
        """Send keys by their tmux names."""
        await self._tmux("send-keys", *keys)

    async def type(self, text: str) -> None:
        """Send *text* as it is."""
        await self._tmux("send-keys", "-l", text)

    async def resize(self, columns: int, lines: int) -> None:
        """Change the window's size."""
        await self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    async def screen(self) -> str:
        """What stands on the screen."""
        return await self._tmux("capture-pane", "-p")

    async def colours(self) -> str:
        """The screen with its colours, as escape sequences."""
        return await self._tmux("capture-pane", "-p", "-e")

    async def modes(self) -> Mapping[str, str]:
        """What a program has switched on in the terminal, by tmux's names: `1` where it is on."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag", "mouse_sgr_flag", "bracket_paste_flag",
                 "keypad_flag", "keypad_cursor_flag", "wrap_flag", "insert_flag")  # fmt: skip
        told = await self._tmux("display-message", "-p", " ".join(f"#{{{name}}}." for name in names))
        return dict(zip(names, (value.strip(".") for value in told.split()), strict=True))

    async def shows(self, *texts: str, within_s: float = 20) -> str:
        """The screen, once it shows all of *texts*."""
        screen = ""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    screen = await self.screen()
                    if all(text in screen for text in texts):
                        return screen
                    await asyncio.sleep(LOOK_AGAIN_S)  # tmux tells nobody that a screen has changed
        except TimeoutError:
            raise AssertionError(f"the screen never showed {texts}:\n{screen}") from None

    async def close(self) -> None:
        """End the session and all in it."""
        await self._tmux("kill-server")


@asynccontextmanager
async def open_terminal(
    socket: Path, command: Sequence[str], env: Mapping[str, str], *, columns: int = 80, lines: int = 24
) -> AsyncIterator[Terminal]:
    """A terminal in which *command* runs."""
    terminal = Terminal(socket)
    await terminal.start(command, env, columns=columns, lines=lines)
    try:
        yield terminal
    finally:
        await terminal.close()
