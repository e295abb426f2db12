"""The tabs that are open: what a browser says becomes input of its dashboard, and what that draws goes back.

A binary message is terminal data, in both directions. A text message of the browser names its size,
`{"columns": 80, "lines": 24}`: the first one opens the dashboard, later ones resize it. How a tab ends is the
code with which the server closes its WebSocket; `static/page.js` has words for each.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum

from starlette.websockets import WebSocket, WebSocketDisconnect

from tui.web.tab import Tab, TabSize, dashboard_command

#: Each is a process with some 60 MiB.
MAX_TABS = 6
#: A page names its size as soon as it is connected.
SIZE_WITHIN_S = 5.0


class Closing(IntEnum):
    """Why a WebSocket is closed. From 4000 on the numbers are free for applications (RFC 6455, 7.4.2)."""

    SERVER_ENDS = 1001
    NONSENSE = 1008
    DASHBOARD_ENDED = 4000
    """The reason is its exit code."""
    TOO_MANY = 4001
    NOT_STARTED = 4002


class Tabs:
    """All open tabs of a server.

    Args:
        command: What runs in each; the dashboard.
        most: How many there may be.
    """

    def __init__(
        self, command: Callable[[], Sequence[str]] = dashboard_command, most: int = MAX_TABS
    ) -> None:
        self._command = command
        self._most = most
        self._serving: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def serve(self, socket: WebSocket) -> None:
        """Run a dashboard for an accepted *socket*, until either ends."""
        if len(self._serving) >= self._most:
            await socket.close(Closing.TOO_MANY, str(self._most))
            return
        task = asyncio.ensure_future(self._serve(socket))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        # A server that stops must not leave a process behind because it was in a hurry.
        await asyncio.shield(task)

    async def close(self) -> None:
        """End all of them, and wait until their dashboards have left."""
        self._closing.set()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, socket: WebSocket) -> None:
        try:
            async with asyncio.timeout(SIZE_WITHIN_S):
                size = _size(await socket.receive_text())
        except (ValueError, KeyError, TimeoutError):
            await socket.close(Closing.NONSENSE)
            return
        except WebSocketDisconnect:
            return
        try:
            tab = await Tab.open(self._command(), size, os.environ)
        except OSError as error:
            await socket.close(Closing.NOT_STARTED, error.strerror or "")
            return
        try:
            code, reason = await self._join(socket, tab)
        finally:
            await tab.end()
        with suppress(WebSocketDisconnect, RuntimeError):  # it has gone first
            await socket.close(code, reason)

    async def _join(self, socket: WebSocket, tab: Tab) -> tuple[int, str]:
        """Let both talk until one has ended; why, as the browser is told."""
        ends = {
            asyncio.ensure_future(work)
            for work in (_show(socket, tab), _type(socket, tab), self._closing_time())
        }
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for each in ends:
                each.cancel()
            await asyncio.wait(ends)

    async def _closing_time(self) -> tuple[int, str]:
        await self._closing.wait()
        return Closing.SERVER_ENDS, ""


async def _show(socket: WebSocket, tab: Tab) -> tuple[int, str]:
    with suppress(WebSocketDisconnect):
        while data := await tab.read():
            await socket.send_bytes(data)
        return Closing.DASHBOARD_ENDED, str(await tab.wait())
    return Closing.SERVER_ENDS, ""


async def _type(socket: WebSocket, tab: Tab) -> tuple[int, str]:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return Closing.SERVER_ENDS, ""
        if (data := message.get("bytes")) is not None:
            await tab.write(data)
        else:
            try:
                tab.resize(_size(message.get("text") or ""))
            except ValueError:
                return Closing.NONSENSE, ""


def _size(text: str) -> TabSize:
    try:
        return TabSize.of(json.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
