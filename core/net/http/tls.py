"""TLS over the streams of `connection`: straight on a socket, or inside another stream.

On a socket OpenSSL receives the records itself. What passes through memory on its way to it is copied twice
more, and a fast line pays for that.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import socket
import ssl
from typing import Any

import httpcore

from core.net.http.connection import READ_BYTES, SocketStream, Stream, within, words_of
from core.net.http.pump import RECORD_BYTES, Pump, Sink, TlsPump


async def start_tls(
    lower: Stream, context: ssl.SSLContext, hostname: str, timeout_s: float | None = None
) -> Stream:
    """Speak TLS from here on; *hostname* is whom the certificate must be for. Closes *lower* when it fails.

    Raises:
        httpcore.ConnectTimeout: Not done in time.
        httpcore.ConnectError: Refused or broken; an `ssl.SSLError` is its cause where there was one.
    """
    stream: TlsStream | None = None
    try:
        async with within(timeout_s, httpcore.ConnectTimeout, httpcore.ConnectError):
            if isinstance(lower, SocketStream):
                stream = TlsOnSocket(lower, context, hostname)
            else:
                stream = TlsInside(lower, context, hostname)
            await stream.shake_hands()
    except (httpcore.ReadError, httpcore.WriteError) as error:
        await (stream or lower).aclose()
        raise httpcore.ConnectError(f"it broke during the TLS handshake: {error}") from error
    except BaseException:
        await (stream or lower).aclose()
        raise
    return stream


class TlsStream(Stream):
    """What both ways have in common.

    Args:
        lower: Carries the records.
        tls: Our end of TLS.
    """

    def __init__(self, lower: Stream, tls: ssl.SSLSocket | ssl.SSLObject) -> None:
        self._lower = lower
        self._tls = tls

    @abc.abstractmethod
    async def shake_hands(self) -> None:
        """Agree on keys, and be sure who the peer is. Raises OSError, and as `read` and `write` do."""

    @abc.abstractmethod
    async def _feed(self, timeout_s: float | None) -> None:
        """Return when there is more to decrypt, or the end has come. Raises as `read` does."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore's
        """At least one byte, empty at the end. It may be more than *max_bytes*, as `connection` says."""
        has_waited = False
        while True:
            try:
                data = self._decrypted(max(max_bytes, READ_BYTES))
            except ssl.SSLWantReadError:
                await self._feed(timeout)
                has_waited = True
            except ssl.SSLZeroReturnError:
                return b""
            except OSError as error:
                raise httpcore.ReadError(words_of(error)) from error
            except ValueError as error:  # it was closed
                raise httpcore.ReadError(str(error)) from error
            else:
                if not has_waited:
                    await asyncio.sleep(0)  # a fast sender must not keep the loop from its other tasks
                return data

    def _decrypted(self, size: int) -> bytes:
        """The records at hand as one piece. Raises as `SSLObject.read` does when there is not even one."""
        records = [self._tls.read(RECORD_BYTES)]
        filled = len(records[0])
        with contextlib.suppress(OSError):  # the next call meets it again
            while filled < size and (record := self._tls.read(RECORD_BYTES)):
                records.append(record)
                filled += len(record)
        return b"".join(records)

    def end_writing(self) -> None:
        """End both directions: an end of one is not something that TLS peers agree about."""
        self._lower.hang_up()

    def hang_up(self) -> None:
        """End both directions, which wakes whoever reads or writes here."""
        self._lower.hang_up()

    async def aclose(self) -> None:
        """Close at once; HTTP knows by itself where a body ends, so no farewell is waited for."""
        await self._lower.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore may ask for."""
        match info:
            case "ssl_object":
                return self._tls
            case "is_readable":
                return bool(self._tls.pending()) or self._lower.get_extra_info(info)
            case _:
                return self._lower.get_extra_info(info)


class TlsOnSocket(TlsStream):
    """TLS straight on a socket, which is taken from *lower*. Raises OSError when it has broken already."""

    def __init__(self, lower: SocketStream, context: ssl.SSLContext, hostname: str) -> None:
        self._sock = context.wrap_socket(
            lower.get_extra_info("socket"),
            server_hostname=hostname,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,  # an end that was not announced is a failure
        )
        super().__init__(SocketStream(self._sock), self._sock)

    async def shake_hands(self) -> None:
        """As `TlsStream.shake_hands`."""
        while True:
            try:
                return self._sock.do_handshake()
            except ssl.SSLWantReadError:
                await _until_ready(self._sock)
            except ssl.SSLWantWriteError:
                await _until_ready(self._sock, to_write=True)

    async def _feed(self, timeout_s: float | None) -> None:
        async with within(timeout_s, httpcore.ReadTimeout, httpcore.ReadError):
            await _until_ready(self._sock)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- httpcore's
        """Encrypt and send all of it."""
        left = memoryview(buffer)
        async with within(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            while left:
                try:
                    left = left[self._sock.send(left) :]
                except ssl.SSLWantWriteError:  # OpenSSL wants to be given the same again
                    await _until_ready(self._sock, to_write=True)

    @property
    def pumps(self) -> bool:
        """Always."""
        return True

    def pump(self, sink: Sink, n_bytes: int) -> Pump:
        """What moves the next *n_bytes*, decrypted, to *sink*."""
        return TlsPump(self._sock, sink, n_bytes)


class TlsInside(TlsStream):
    """TLS inside another stream: over TLS, as it is behind an https proxy."""

    def __init__(self, lower: Stream, context: ssl.SSLContext, hostname: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        super().__init__(lower, context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname))

    async def shake_hands(self) -> None:
        """As `TlsStream.shake_hands`."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
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
        await self._flush(timeout_s)
        if data := await self._lower.read(READ_BYTES, timeout_s):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- httpcore's
        """Encrypt and send all of it."""
        if buffer:
            try:
                self._tls.write(buffer)  # a memory BIO takes any amount
            except ssl.SSLError as error:
                raise httpcore.WriteError(words_of(error)) from error
            await self._flush(timeout)


async def _until_ready(sock: socket.socket, *, to_write: bool = False) -> None:
    """Return when *sock* can be read from or written to; only one may wait for each."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(sock, ready.set)
    try:
        await ready.wait()
    finally:
        remove(sock)
