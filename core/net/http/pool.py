"""Connections to origins, kept open between requests."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpcore
import httpx

from core.net.http.connection import Connector, ProxyRefused, Stream, words_of
from core.net.http.tls import start_tls

#: A connection that was idle for longer is not used again: servers close them after a minute or so.
KEEP_S = 30.0
#: Open connections of one pool.
MAX_OPEN = 512


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection ends."""

    host: str
    port: int
    is_tls: bool


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection, used by one exchange at a time."""

    place: Place
    stream: Stream
    #: Received, and not yet used.
    held: bytes = b""
    #: Whether an exchange has ended on it: only then the server may close it without having failed.
    is_used: bool = False
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def is_stale(self) -> bool:
        """Idle for too long, or something has arrived that nobody asked for, such as its end."""
        is_old = time.monotonic() - self.idle_since > KEEP_S
        return is_old or bool(self.held) or bool(self.stream.get_extra_info("is_readable"))


class Pool:
    """The connections of one client.

    Args:
        connector: Connects.
        context: For TLS to an origin.
    """

    def __init__(self, connector: Connector, context: ssl.SSLContext) -> None:
        self._connector = connector
        self._context = context
        self._idle: dict[Place, deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._room = asyncio.Semaphore(MAX_OPEN)

    async def take(self, place: Place, timeout_s: float | None, *, is_new: bool = False) -> Connection:
        """A connection to *place*: the one used last, since it is the least likely to be stale, or a new one.

        Raises:
            httpx.PoolTimeout: None was free in time.
            httpx.ConnectTimeout, httpx.ConnectError, JobError: It could not be made.
        """
        kept = self._idle.get(place)
        while kept and not is_new:
            connection = kept.pop()
            if not connection.is_stale:
                return connection
            await self.drop(connection)
        await self._make_room()
        try:
            async with asyncio.timeout(timeout_s):
                await self._room.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout(f"no connection was free within {timeout_s} s") from error
        try:
            connection = Connection(place, await self._connect(place, timeout_s))
        except BaseException:
            self._room.release()
            raise
        self._open.add(connection)
        return connection

    async def _make_room(self) -> None:
        """Close what has been idle for too long, and the oldest of the others when there is no room."""
        idle = sorted(
            (connection for kept in self._idle.values() for connection in kept),
            key=lambda connection: connection.idle_since,
        )
        for connection in idle:
            is_old = time.monotonic() - connection.idle_since > KEEP_S
            if not is_old and not self._room.locked():
                break
            self._idle[connection.place].remove(connection)
            await self.drop(connection)
        self._idle = {place: kept for place, kept in self._idle.items() if kept}

    async def _connect(self, place: Place, timeout_s: float | None) -> Stream:
        with spoken_as_httpx():
            try:
                async with asyncio.timeout(timeout_s):
                    stream = await self._connector(place.host, place.port)
            except TimeoutError as error:
                raise httpx.ConnectTimeout(f"no connection within {timeout_s} s") from error
            except ProxyRefused as error:
                raise httpx.ProxyError(str(error)) from error
            except OSError as error:
                raise httpx.ConnectError(words_of(error)) from error
            if place.is_tls:
                stream = await start_tls(stream, self._context, place.host, timeout_s)
            return stream

    def keep(self, connection: Connection) -> None:
        """Its exchange is over, and the next may use it."""
        connection.is_used, connection.idle_since = True, time.monotonic()
        if connection in self._open:
            self._idle.setdefault(connection.place, deque()).append(connection)

    async def drop(self, connection: Connection) -> None:
        """Close it."""
        if connection in self._open:
            self._open.remove(connection)
            self._room.release()
        await connection.stream.aclose()

    async def aclose(self) -> None:
        """Close every connection, those in use as well."""
        self._idle.clear()
        for connection in list(self._open):
            await self.drop(connection)


@contextlib.contextmanager
def spoken_as_httpx() -> Iterator[None]:
    """Raise the errors of streams, which are httpcore's, as httpx's of the same name."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProxyError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
