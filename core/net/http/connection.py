"""TCP connections for httpcore on bare sockets; `tls` makes them secret.

httpcore's own streams hand over 64 KiB, or one TLS record of 16 KiB, at a time. These hand over what has
arrived, up to 1 MiB, whatever httpcore asks for: that decides how fast a single connection is.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpcore

from core.net.http.pump import Pump, Sink

READ_BYTES = 1 << 20


@contextlib.asynccontextmanager
async def within(
    timeout_s: float | None, late: type[Exception], failed: type[Exception]
) -> AsyncIterator[None]:
    """Raise *late* when the time is up and *failed* for socket errors, which is how httpcore speaks."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise late(f"nothing within {timeout_s} s") from error
    except OSError as error:  # TLS errors are of this kind too
        raise failed(words_of(error)) from error


class ProxyRefused(ConnectionError):
    """The owner's proxy does not let us through."""


class Stream(httpcore.AsyncNetworkStream):
    """A connection that can also be ended from one side."""

    @property
    def pumps(self) -> bool:
        """Whether `pump` can be used."""
        return False

    def pump(self, sink: Sink, n_bytes: int) -> Pump:
        """What moves the next *n_bytes* to *sink* by the shortest way; nobody else may read meanwhile."""
        raise NotImplementedError

    @abc.abstractmethod
    def end_writing(self) -> None:
        """Tell the peer that no more comes."""

    @abc.abstractmethod
    def hang_up(self) -> None:
        """End both directions, which wakes whoever reads or writes here."""


#: Connects to a host and port. Raises OSError, httpcore's errors, and those of the tree.
Connector = Callable[[str, int], Awaitable[Stream]]


class SocketStream(Stream):
    """A connected, non-blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore's
        """At least one byte, empty at the end. It may be more than *max_bytes*, as the module says."""
        size = max(max_bytes, READ_BYTES)
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            async with within(timeout, httpcore.ReadTimeout, httpcore.ReadError):
                return await asyncio.get_running_loop().sock_recv(self._sock, size)
        except OSError as error:
            raise httpcore.ReadError(words_of(error)) from error
        await asyncio.sleep(0)  # a fast sender must not keep the loop from its other tasks
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- httpcore's
        """Send all of it."""
        try:
            sent = self._sock.send(buffer)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise httpcore.WriteError(words_of(error)) from error
        if sent < len(buffer):
            async with within(timeout, httpcore.WriteTimeout, httpcore.WriteError):
                await asyncio.get_running_loop().sock_sendall(self._sock, memoryview(buffer)[sent:])

    @property
    def pumps(self) -> bool:
        """Always."""
        return True

    def pump(self, sink: Sink, n_bytes: int) -> Pump:
        """What moves the next *n_bytes* to *sink*."""
        return Pump(self._sock, sink, n_bytes)

    async def aclose(self) -> None:
        """Close at once."""
        self._sock.close()

    def end_writing(self) -> None:
        """Tell the peer that no more comes."""
        self._shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End both directions, which wakes whoever reads or writes here."""
        self._shutdown(socket.SHUT_RDWR)

    def _shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the peer may be gone already
            # An SSLSocket's own would forget about TLS, and read on as if there had never been any.
            socket.socket.shutdown(self._sock, how)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore may ask for."""
        match info:
            case "socket":
                return self._sock
            case "is_readable":
                return _is_readable(self._sock)
            case "client_addr":
                return self._sock.getsockname()
            case "server_addr":
                return self._sock.getpeername()
            case _:
                return None


def _is_readable(sock: socket.socket) -> bool:
    """Whether bytes or the end have arrived: on an idle connection either means that it is over."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def words_of(error: OSError) -> str:
    """What the system says about the error, without the address that asyncio puts into it."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, socket.gaierror):  # it has numbers of its own
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error)
