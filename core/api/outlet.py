"""Sending for long to clients that may be slow, or gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect


class ReaderLost(Exception):
    """The client has gone, or took nothing for too long and was cut off."""


class Outlet:
    """An ASGI `send` with limited patience.

    The server holds back `send` while a client does not read. Without a limit a stopped reader would keep
    its connection, and what waits for it, for ever.
    """

    def __init__(self, scope: Scope, send: Send, patience_s: float) -> None:
        self._abort = scope.get("state", {}).get("abort")
        self._send = send
        self._patience_s = patience_s

    async def __call__(self, message: Message) -> None:
        """Send *message*.

        Raises:
            ReaderLost: The connection is dead: closed by the client, or because nothing was taken for the
                whole patience.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                await self._send(message)
        except TimeoutError as error:
            if self._abort is not None:
                self._abort()  # an orderly close would wait for the reader again
            raise ReaderLost from error
        except (OSError, WebSocketDisconnect) as error:
            raise ReaderLost from error


async def while_connected(
    work: Coroutine[Any, Any, None], receive: Receive, *, closing: asyncio.Event | None = None
) -> None:
    """Do *work* until it ends, the client has gone, or *closing* is set, whichever comes first."""
    task = asyncio.create_task(work)
    ends = [asyncio.create_task(_until_gone(receive))]
    if closing is not None:
        ends.append(asyncio.create_task(_until_set(closing)))
    try:
        await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (task, *ends):
            each.cancel()
        # Its own clean-up must be over before the caller's begins.
        await asyncio.wait([task, *ends])
    with contextlib.suppress(ReaderLost):  # there is nobody to tell
        if not task.cancelled():
            task.result()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
        pass


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()
