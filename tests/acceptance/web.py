"""`reeldeck web` as its users start it."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.acceptance.program import REELDECK, Program


class Web:
    """The running program."""

    def __init__(self, process: asyncio.subprocess.Process, said: str, token: str) -> None:
        self.process = process
        self.said = said
        """What it wrote when it was ready, to something that is no terminal."""
        found = re.search(r":(\d+)/", said)
        assert found is not None, said
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}/?token={token}"

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def serve_web(reeldeck: Program, port: int = 0) -> AsyncIterator[Web]:
    """A running `reeldeck web`, ended by SIGTERM unless the test ended it."""
    env = {name: value for name, value in reeldeck.env.items() if name != "NO_COLOR"}
    process = await asyncio.create_subprocess_exec(
        str(REELDECK), "web", "--port", str(port),
        env=env, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said = (await process.stdout.readline() + await process.stdout.readline()).decode()
    token = (reeldeck.home / "data" / "web-token").read_text().strip()
    try:
        yield Web(process, said, token)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        left = await process.stdout.read()
        await process.wait()
        assert not left, f"it complained: {left.decode()}"
