"""The database over HTTP, for `reeldeck backup`: a copy that is made while jobs run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.callers import Caller
from core.api.context import Asking, Engine, OpenStreams, require_socket
from core.api.outlet import Outlet, while_connected
from core.api.stream import PATIENCE_S, Streams

router = APIRouter()

#: SQLite's own name for its files.
MEDIA_TYPE = "application/vnd.sqlite3"
_FILE: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/backup",
    tags=["engine"],
    summary="A copy of the database (Unix socket only)",
    response_class=Response,
    responses={200: _FILE},
)
async def backup(request: Request, engine: Engine, streams: OpenStreams, caller: Asking) -> Response:
    """The whole database as it is when this begins. An answer that breaks off is no backup."""
    require_socket(request, "the database is")
    chunks = engine.backup()
    # The first comes when the copy is made; until then a refusal is an answer like any other.
    first = await anext(chunks)
    return _Copy(first, chunks, streams, caller)


class _Copy(Response):
    """Sends the pieces of a copy.

    Args:
        first: The piece that has come.
        others: Those that will.
        streams: Gives the slot, and the word to end.
        caller: Whose copy it is.
    """

    def __init__(self, first: bytes, others: AsyncIterator[bytes], streams: Streams, caller: Caller) -> None:
        super().__init__()
        self._first = first
        self._others = others
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until all is sent, or the client goes, or the engine ends."""
        outlet = Outlet(scope, send, PATIENCE_S)
        is_whole = False

        async def put(data: bytes, *, more: bool) -> None:
            await outlet({"type": "http.response.body", "body": data, "more_body": more})

        async def work() -> None:
            nonlocal is_whole
            await put(self._first, more=True)
            async for chunk in self._others:
                await put(chunk, more=True)
            is_whole = True

        try:
            with self._streams.slot(self._caller) as end:
                headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await while_connected(work(), receive, closing=end)
        finally:
            if isinstance(self._others, AsyncGenerator):
                await self._others.aclose()
        if is_whole:
            await put(b"", more=False)
        # Otherwise the server finds the answer without an end, and cuts the connection: the client must know.
