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
_RECORD_BYTES = 16 * 1024  # the most that one TLS record holds
#: Of TLS less is received at a time: three copies of it are to stay in a processor's cache.
_TLS_BYTES = 256 * 1024

#: Takes bytes, which are its own during the call only. What it returns is awaited before it gets the next.
Sink = Callable[[memoryview], Awaitable[None] | None]

_of_thread = threading.local()


def _buffers() -> tuple[memoryview, memoryview]:
    """This thread's buffers: for what was received, and for what it was decrypted to."""
    if not hasattr(_of_thread, "buffers"):
        _of_thread.buffers = tuple(memoryview(bytearray(BUFFER_BYTES)) for _ in range(2))
    found: tuple[memoryview, memoryview] = _of_thread.buffers
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
            if self._failure is not None:
                raise self._failure
            if self._pending is not None:
                pending, self._pending = self._pending, None
                await pending

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
        buffer = _buffers()[0]
        try:
            count = self._sock.recv_into(buffer, self._most)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failure = httpcore.ReadError(os.strerror(error.errno) if error.errno else str(error))
            self._wake.set()
            return
        self._is_alive = True
        try:
            if count:
                self._pending = self._take(buffer[:count])
            else:
                self.is_ended = True
        except BaseException as error:  # noqa: BLE001 -- belongs to the task that runs the pump: raised there
            self._failure = error
        if self.is_over or self._failure is not None or self._pending is not None:
            self._wake.set()
        else:
            self._gathering.received(count, min(self._most, self.left_bytes))

    @property
    def _most(self) -> int:
        """What may be received, so that nothing of what follows is."""
        return min(self.left_bytes, BUFFER_BYTES)

    def _take(self, data: memoryview) -> Awaitable[None] | None:
        self.left_bytes -= len(data)
        return self._sink(data)


class TlsPump(Pump):
    """Moves what a TLS peer sends to *sink*.

    Args:
        sock: As for `Pump`.
        tls: Our end of TLS.
        incoming: What it takes records from.
        sink: As for `Pump`.
        n_bytes: As for `Pump`; counted decrypted.
    """

    def __init__(
        self, sock: socket.socket, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, sink: Sink, n_bytes: int
    ) -> None:
        super().__init__(sock, sink, n_bytes)
        self._tls = tls
        self._incoming = incoming
        self._pending_inside: Awaitable[None] | None = None

    async def run(self, timeout_s: float | None) -> None:
        """As `Pump.run`; what has been received before is decrypted first."""
        if (pending := self._decrypt()) is not None:
            await pending
        await super().run(timeout_s)

    @property
    def _most(self) -> int:
        return _TLS_BYTES  # records of what follows wait in `incoming`

    def _take(self, data: memoryview) -> Awaitable[None] | None:
        self._incoming.write(data)
        return self._decrypt()

    def _decrypt(self) -> Awaitable[None] | None:
        while not self.is_over:
            filled, is_drained = self._fill(_buffers()[1][: min(self.left_bytes, _TLS_BYTES)])
            if filled:
                self.left_bytes -= filled
                if (pending := self._sink(_buffers()[1][:filled])) is not None:
                    self._pending_inside = pending
                    return self._go_on_after(pending)
            if is_drained:
                break
        return None

    def _forget_pending(self) -> None:
        super()._forget_pending()
        if asyncio.iscoroutine(self._pending_inside):
            self._pending_inside.close()

    async def _go_on_after(self, pending: Awaitable[None]) -> None:
        await pending
        if (rest := self._decrypt()) is not None:
            await rest

    def _fill(self, buffer: memoryview) -> tuple[int, bool]:
        """Decrypt into *buffer*; how much, and whether more must be received first."""
        filled = 0
        try:
            while filled < len(buffer):
                room = min(_RECORD_BYTES, len(buffer) - filled)
                count = cast("int", self._tls.read(room, buffer[filled:]))
                if not count:
                    self.is_ended = True
                    break
                filled += count
        except ssl.SSLWantReadError:
            return filled, True
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        except ssl.SSLError as error:
            if not filled:  # what came before it is good; the next call meets it again
                raise httpcore.ReadError(f"TLS: {error.reason or error}") from error
        return filled, False
