"""HTTP/1.1 as an httpx transport that is made for large bodies and for many small ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from core.net.http.message import (
    MAX_HEAD_BYTES,
    ChunkedDecoder,
    Field,
    Head,
    head_end,
    parse_head,
    request_head,
)
from core.net.http.pool import Connection, Place, Pool, spoken_as_httpx
from core.net.http.pump import Sink

READ_BYTES = 64 * 1024
#: May be sent once more: an unused answer is no harm.
_REPEATABLE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as it is sent."""

    method: str
    place: Place
    #: Path and query, escaped.
    path: bytes
    #: `Host` among them.
    fields: Sequence[Field]
    content: bytes
    #: Seconds for `connect`, `write` and `read`.
    waits: Mapping[str, float | None]


class Transport(httpx.AsyncBaseTransport):
    """Sends requests over a pool's connections.

    Args:
        pool: The connections.
        forward_to: A proxy that takes requests for `http://` whole, with the fields that it wants to see.
    """

    def __init__(self, pool: Pool, forward_to: tuple[Pool, Place, Iterable[Field]] | None = None) -> None:
        self._pool = pool
        self._forward_to = forward_to

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body is read from the stream that it has.

        Raises:
            httpx.LocalProtocolError: The request cannot be sent as it is.
            httpx.TransportError: There was no answer.
        """
        url = request.url
        is_tls = url.scheme == "https"
        ask = Ask(
            method=request.method,
            place=Place(url.raw_host.decode("ascii"), url.port or (443 if is_tls else 80), is_tls),
            path=url.raw_path,
            fields=request.headers.raw,
            content=await request.aread(),
            waits=request.extensions.get("timeout", {}),
        )
        head, body = await self.exchange(ask)
        return httpx.Response(head.status, headers=head.fields, stream=body, request=request)

    async def exchange(self, ask: Ask) -> tuple[Head, Body]:
        """As `handle_async_request`, without its values: making those takes longer than a small exchange."""
        pool, place, target, extra = self._way(ask)
        data = request_head(ask.method, target, [*ask.fields, *extra]) + ask.content
        is_new = False
        while True:
            connection = await pool.take(place, ask.waits.get("connect"), is_new=is_new)
            try:
                with spoken_as_httpx():
                    await connection.stream.write(data, ask.waits.get("write"))
                    head = await _read_head(connection, ask.method, ask.waits.get("read"))
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                await pool.drop(connection)
                # A server may close a kept connection at any time: that is no failure.
                if not connection.is_used or connection.held or ask.method not in _REPEATABLE:
                    raise
                is_new = True
            except BaseException:
                await pool.drop(connection)
                raise
            else:
                return head, Body(pool, connection, head, ask.waits.get("read"))

    def _way(self, ask: Ask) -> tuple[Pool, Place, bytes, Iterable[Field]]:
        """Over which connection the request goes, how it names its target, and what else it says."""
        if self._forward_to is not None and not ask.place.is_tls:
            pool, place, extra = self._forward_to
            host = next(value for name, value in ask.fields if name.lower() == b"host")
            return pool, place, b"http://" + host + ask.path, extra
        return self._pool, ask.place, ask.path, ()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        if self._forward_to is not None:
            await self._forward_to[0].aclose()


async def _read_head(connection: Connection, method: str, timeout_s: float | None) -> Head:
    """The head of the final answer; interim ones are read over."""
    held = connection.held
    while True:
        while (end := head_end(held)) < 0:
            if len(held) > MAX_HEAD_BYTES:
                raise httpx.RemoteProtocolError("the answer's head does not end")
            data = await connection.stream.read(READ_BYTES, timeout_s)
            if not data:
                connection.held = held
                raise httpx.RemoteProtocolError("the server closed the connection without an answer")
            held += data
        if end > MAX_HEAD_BYTES:
            raise httpx.RemoteProtocolError("the answer's head is too long")
        head = parse_head(held[:end], method)
        held = held[end:]
        if head.status >= 200:
            connection.held = held
            return head
        if head.status == 101:
            raise httpx.RemoteProtocolError("the server changed the protocol though nobody asked")


class Body(httpx.AsyncByteStream):
    """The body of an answer; may be left at any point."""

    def __init__(self, pool: Pool, connection: Connection, head: Head, timeout_s: float | None) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._timeout_s = timeout_s
        self._left = head.length
        self._chunks = ChunkedDecoder() if head.is_chunked else None
        self._keeps_connection = head.keeps_connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it arrives, framing undone.

        Raises:
            httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError: It did not come whole.
        """
        with spoken_as_httpx():
            if self._chunks is not None:
                async for piece in self._chunked(self._chunks):
                    yield piece
            else:
                while self._left != 0 and (data := await self._receive()):
                    yield data
        self._finish()

    async def copy(self, sink: Sink) -> None:
        """Give the body to *sink*, by the shortest way there is. Raises as iterating does."""
        connection = self._connection
        if connection is None or self._left is None or not connection.stream.pumps:
            async for data in self:
                if (pending := sink(memoryview(data))) is not None:
                    await pending
            return
        if connection.held and self._left:
            pending = sink(memoryview(await self._receive()))
            if pending is not None:
                await pending
        if self._left:
            with spoken_as_httpx():
                pump = connection.stream.pump(sink, self._left)
                try:
                    await pump.run(self._timeout_s)
                finally:
                    self._left = pump.left_bytes
        if self._left:
            raise httpx.RemoteProtocolError("the answer ended early")
        self._finish()

    async def _receive(self) -> bytes:
        """More of a body that is not chunked; empty where the connection's end is its end."""
        assert self._connection is not None
        data, self._connection.held = self._connection.held, b""
        if not data:
            most = READ_BYTES if self._left is None else self._left
            data = await self._connection.stream.read(most, self._timeout_s)
        if self._left is None:
            return data
        if not data:
            raise httpx.RemoteProtocolError("the answer ended early")
        if len(data) > self._left:
            data, self._connection.held = data[: self._left], data[self._left :]
        self._left -= len(data)
        return data

    async def _chunked(self, decoder: ChunkedDecoder) -> AsyncIterator[bytes]:
        assert self._connection is not None
        data, self._connection.held = self._connection.held, b""
        while True:
            for piece in decoder.feed(data):
                yield bytes(piece)
            if decoder.is_done:
                self._connection.held = decoder.rest
                self._left = 0
                return
            data = await self._connection.stream.read(READ_BYTES, self._timeout_s)
            if not data:
                raise httpx.RemoteProtocolError("the answer ended before its last chunk")

    def _finish(self) -> None:
        """The body is over: its connection may serve the next request."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._keeps_connection and not connection.held:
            self._pool.keep(connection)
        else:
            self._connection = connection  # closed by `aclose`

    async def aclose(self) -> None:
        """Let go of the connection: it is closed unless the body was read to its end."""
        if self._left == 0:
            self._finish()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._pool.drop(connection)
