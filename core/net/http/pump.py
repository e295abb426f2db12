"""From a socket straight to where the bytes go, past every queue: what decides how fast a transfer is.

While a pump runs, the loop calls it whenever bytes have arrived. They are received into one buffer that all
pumps of a thread share, and are handed on before anything else runs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import cast

import httpcore

from core.net.http.gathering import Gathering

#: What is received at a time at most, and what a sink gets at most.
BUFFER_BYTES = 1 << 20
#: The most that one TLS record holds (RFC 8446 §5.1).
RECORD_BYTES = 16 * 1024
#: Of TLS less is decrypted at a time: it is to be written while it is still in a processor's cache.
_TLS_BYTES = 256 * 1024

#: Takes bytes, which are its own during the call only. What it returns is awaited before it gets the next.
Sink = Callable[[memoryview], Awaitable[None] | None]

_of_thread = threading.local()


def _buffer() -> memoryview:
    """This thread's."""
    if not hasattr(_of_thread, "buffer"):
        _of_thread.buffer = memoryview(bytearray(BUFFER_BYTES))
    found: memoryview = _of_thread.buffer
    return found


class Pump:
    """Moves what arrives at *sock* to *sink*.

    Args:
        sock: Connected and non-blocking; nobody else reads from it meanwhile.
        sink: Where the bytes go. What it raises ends the pump.
        n_bytes: No more than these are taken.
    """

    def __init__(self, sock: socket.socket, sink: Sink, n_bytes: int) -> None:
        self.left_bytes = n_bytes
        #: The peer sends no more.
        self.is_ended = False
        self._sock = sock
        self._sink = sink
        self._failure: BaseException | None = None
        self._pending: Awaitable[None] | None = None
        self._is_alive = False
        self._wake = asyncio.Event()
        self._gathering = Gathering(sock)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.is_ended or not self.left_bytes

    async def run(self, timeout_s: float | None) -> None:
        """Return when all is moved, or the peer has ended the connection.

        Raises:
            httpcore.ReadTimeout: Nothing came for *timeout_s*.
            httpcore.ReadError: The connection broke.
        """
        loop = asyncio.get_running_loop()
        while not self.is_over:
            self._wake.clear()
            loop.add_reader(self._sock, self._receive)
            try:
                await self._until_woken(timeout_s)
            except asyncio.CancelledError:
                self._forget_pending()
                raise
            finally:
                loop.remove_reader(self._sock)
                self._gathering.stop()
            if self._pending is not None:
                pending, self._pending = self._pending, None
                await pending
            failure, self._failure = self._failure, None
            if failure is not None:
                try:
                    raise failure
                finally:
                    del failure  # its traceback holds this frame, and all that the sink knows

    def _forget_pending(self) -> None:
        """Nobody will wait for what the sink asked to wait for."""
        if asyncio.iscoroutine(self._pending):
            self._pending.close()

    async def _until_woken(self, timeout_s: float | None) -> None:
        """A timer for each piece would cost more than the piece: one is looked at now and then."""
        while True:
            self._is_alive = False
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                if not self._is_alive:
                    raise httpcore.ReadTimeout(f"nothing within {timeout_s} s") from None
            else:
                return

    def _receive(self) -> None:
        """Something has arrived."""
        self._is_alive = True
        buffer = _buffer()
        try:
            count = self._fill(buffer[: min(self.left_bytes, self._gathering.most_bytes(BUFFER_BYTES))])
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._failure = _read_error(error)
            self._wake.set()
            return
        if count:
            self.left_bytes -= count
            try:
                self._pending = self._sink(buffer[:count])
            except BaseException as error:  # noqa: BLE001 -- belongs to the task that runs the pump: raised there
                self._failure = error
        if self.is_over or self._failure is not None or self._pending is not None:
            self._wake.set()
        else:
            self._gathering.received(count, self._sure_bytes)

    def _fill(self, buffer: memoryview) -> int:
        """Receive into *buffer*; how much. Raises OSError when there is nothing to be had."""
        count = self._sock.recv_into(buffer)
        self.is_ended = not count
        return count

    @property
    def _sure_bytes(self) -> int:
        """So many will reach the socket yet, unless the peer breaks off."""
        return self.left_bytes


class TlsPump(Pump):
    """Moves what a TLS peer sends to *sink*. All arguments as for `Pump`; bytes are counted decrypted."""

    _sock: ssl.SSLSocket
    #: OpenSSL has taken all that had arrived.
    _is_drained = False

    def _receive(self) -> None:
        """Something has arrived: no less of it is taken than by a `Pump`, in pieces."""
        for _ in range(BUFFER_BYTES // _TLS_BYTES):
            super()._receive()
            if self._is_drained or self._wake.is_set():
                break

    def _fill(self, buffer: memoryview) -> int:
        """As `Pump._fill`. Only whole records are taken: nobody is woken for what remains of one."""
        self._is_drained = False
        read, filled, size = self._sock.read, 0, min(len(buffer), _TLS_BYTES)
        try:
            while size - filled >= RECORD_BYTES or filled < size == self.left_bytes:
                count = cast("int", read(min(RECORD_BYTES, size - filled), buffer[filled:]))
                if not count:
                    self.is_ended = True
                    break
                filled += count
        except ssl.SSLWantReadError:
            self._is_drained = True
            if not filled:
                raise
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        except OSError as error:
            if not filled:
                raise
            self._failure = _read_error(error)  # what came before it is good
        return filled

    @property
    def _sure_bytes(self) -> int:
        return self.left_bytes - RECORD_BYTES  # so much of it may be with OpenSSL, which waits for its end


def _read_error(error: OSError) -> httpcore.ReadError:
    if isinstance(error, ssl.SSLError):
        return httpcore.ReadError(f"TLS: {error.reason or error}")
    return httpcore.ReadError(os.strerror(error.errno) if error.errno else str(error))
