"""TCP and TLS connections for httpcore on bare sockets.

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

from core.net.http.pump import Pump, Sink, TlsPump

READ_BYTES = 1 << 20
_RECORD_BYTES = 16 * 1024  # the most that one TLS record holds


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

    @abc.abstractmethod
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's
    ) -> Stream:
        """Speak TLS from here on."""


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
            self._sock.shutdown(how)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's
    ) -> TlsStream:
        """Speak TLS from here on."""
        return await TlsStream.open(self, ssl_context, server_hostname, timeout)

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


class TlsStream(Stream):
    """TLS over another stream, even over TLS, as it is behind an https proxy."""

    def __init__(self, lower: Stream, context: ssl.SSLContext, hostname: str | None) -> None:
        self._lower = lower
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)

    @classmethod
    async def open(
        cls, lower: Stream, context: ssl.SSLContext, hostname: str | None, timeout_s: float | None
    ) -> TlsStream:
        """Make the handshake; *hostname* is whom the certificate must be for. Closes *lower* when it fails.

        Raises:
            httpcore.ConnectTimeout: Not done in time.
            httpcore.ConnectError: Refused or broken; an `ssl.SSLError` is its cause where there was one.
        """
        try:
            stream = cls(lower, context, hostname)
            async with within(timeout_s, httpcore.ConnectTimeout, httpcore.ConnectError):
                await stream._handshake()
        except (httpcore.ReadError, httpcore.WriteError) as error:
            await lower.aclose()
            raise httpcore.ConnectError(f"it broke during the TLS handshake: {error}") from error
        except BaseException:
            await lower.aclose()
            raise
        return stream

    async def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush(None)
                await self._feed(None)
            except ssl.SSLError:
                with contextlib.suppress(httpcore.WriteError):  # tell the peer why, if it still listens
                    await self._flush(None)
                raise
            else:
                return await self._flush(None)

    async def _flush(self, timeout_s: float | None) -> None:
        if self._outgoing.pending:
            await self._lower.write(self._outgoing.read(), timeout_s)

    async def _feed(self, timeout_s: float | None) -> None:
        if data := await self._lower.read(READ_BYTES, timeout_s):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore's
        """At least one byte, empty at the end. It may be more than *max_bytes*, as the module says."""
        while True:
            try:
                return self._decrypted(max(max_bytes, READ_BYTES))
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                await self._feed(timeout)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise httpcore.ReadError(words_of(error)) from error

    def _decrypted(self, size: int) -> bytes:
        """The records at hand as one piece. Raises as `SSLObject.read` does when there is not even one."""
        records = [self._tls.read(_RECORD_BYTES)]
        filled = len(records[0])
        with contextlib.suppress(ssl.SSLError):  # the next call meets it again
            while filled < size and (record := self._tls.read(_RECORD_BYTES)):
                records.append(record)
                filled += len(record)
        return b"".join(records)

    @property
    def pumps(self) -> bool:
        """Over a socket, not over other TLS."""
        return isinstance(self._lower, SocketStream)

    def pump(self, sink: Sink, n_bytes: int) -> Pump:
        """What moves the next *n_bytes*, decrypted, to *sink*."""
        sock: socket.socket = self._lower.get_extra_info("socket")
        return TlsPump(sock, self._tls, self._incoming, sink, n_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- httpcore's
        """Encrypt and send all of it."""
        if buffer:
            try:
                self._tls.write(buffer)  # a memory BIO takes any amount
            except ssl.SSLError as error:
                raise httpcore.WriteError(words_of(error)) from error
            await self._flush(timeout)

    def end_writing(self) -> None:
        """End both directions: an end of one is not something that TLS peers agree about."""
        self._lower.hang_up()

    def hang_up(self) -> None:
        """End both directions, which wakes whoever reads or writes here."""
        self._lower.hang_up()

    async def aclose(self) -> None:
        """Close at once; HTTP knows by itself where a body ends, so no farewell is waited for."""
        await self._lower.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's
    ) -> TlsStream:
        """Speak TLS inside this TLS from here on."""
        return await TlsStream.open(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore may ask for."""
        return self._tls if info == "ssl_object" else self._lower.get_extra_info(info)


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
