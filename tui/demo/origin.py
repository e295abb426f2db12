"""Serve the demo's media on loopback, as slowly and as badly as the internet does.

Run as `python -m tui.demo.origin FOLDER`: prints its address, serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Refusals before the flaky file is served, and the share of it that each connection then delivers.
REFUSALS = 2
BYTES_PER_CONNECTION = 1_500_000


class Slow:
    """Hands out bytes at *rate_bps*, all connections together, each answer after *latency_s*."""

    def __init__(self, app: ASGIApp, *, rate_bps: float, latency_s: float = 0.0) -> None:
        self._app = app
        self._rate_bps = rate_bps
        self._latency_s = latency_s
        self._free_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks."""

        async def slowly(message: Message) -> None:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + len(message.get("body", b"")) / self._rate_bps
            await asyncio.sleep(self._free_at - now)
            await send(message)

        await asyncio.sleep(self._latency_s)
        await self._app(scope, receive, slowly)


class ConnectionCut(ConnectionError):
    """The server dropped the connection on purpose."""


class Flaky:
    """Refuses at first, then cuts every answer after a while."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refusals = REFUSALS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks."""
        if self._refusals:
            self._refusals -= 1
            headers = [(b"retry-after", b"1"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body"})
            return
        left = BYTES_PER_CONNECTION

        async def cut(message: Message) -> None:
            nonlocal left
            left -= len(message.get("body", b""))
            if left < 0:
                raise ConnectionCut
            await send(message)

        await self._app(scope, receive, cut)


def create_origin(folder: Path) -> Starlette:
    """The demo's web site over *folder*."""
    files = StaticFiles(directory=folder)
    mebibyte = 1024.0**2
    return Starlette(
        routes=[
            Mount("/talks", Slow(files, rate_bps=0.9 * mebibyte, latency_s=0.06)),
            Mount("/films", Slow(files, rate_bps=5 * mebibyte, latency_s=0.02)),
            Mount("/concerts", Slow(files, rate_bps=mebibyte / 12, latency_s=0.1)),
            Mount("/unreliable", Flaky(Slow(files, rate_bps=2 * mebibyte))),
        ]
    )


def serve(folder: Path) -> None:
    """Serve until standard input is closed, so that the server goes when the demo does."""
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(create_origin(folder), log_level="critical", access_log=False))

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = server.force_exit = True
        await serving

    asyncio.run(run())


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
