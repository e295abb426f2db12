"""Fast lines hand on larger pieces; slow, stopped and finished ones whatever they have."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from core.net.http.pump import BUFFER_BYTES, Pump

MIB = 2**20
ENDLESS = 1 << 40


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection: who sends, and who receives."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    with ours, theirs:
        yield theirs, ours


def waits_for(sock: socket.socket) -> int:
    """Bytes that must have come before somebody is woken."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


async def test_a_fast_line_is_asked_for_much_at_once_and_for_the_rest_exactly(line):
    theirs, ours = line
    size = 64 * MIB + 4711
    asked: list[int] = []
    pump = Pump(ours, lambda _: asked.append(waits_for(ours)), size)
    threading.Thread(target=theirs.sendall, args=(bytes(size),), daemon=True).start()
    await pump.run(10)
    assert max(asked) > BUFFER_BYTES // 4
    assert max(asked) <= BUFFER_BYTES
    assert waits_for(ours) == 1, "what follows on the connection may be a few bytes"


async def test_a_fast_line_that_stops_gives_what_it_has(line):
    theirs, ours = line
    size, tail = 64 * MIB, b"x" * 1000
    received, is_stopped = 0, asyncio.Event()

    def sink(data: memoryview) -> None:
        nonlocal received
        received += len(data)
        if received >= size + len(tail):
            is_stopped.set()

    # More is announced than comes: only what is there can be had.
    task = asyncio.create_task(Pump(ours, sink, ENDLESS).run(10))
    await asyncio.to_thread(theirs.sendall, bytes(size) + tail)
    async with asyncio.timeout(5):
        await is_stopped.wait()
    theirs.close()
    await task
    assert received == size + len(tail)


async def test_a_slow_line_is_handed_on_as_it_comes(line):
    theirs, ours = line
    pieces: list[int] = []
    came = asyncio.Event()
    task = asyncio.create_task(Pump(ours, lambda data: (pieces.append(len(data)), came.set())[0], 64).run(10))
    for _ in range(64):
        came.clear()
        theirs.sendall(b"x")
        await came.wait()
        assert waits_for(ours) == 1
    await task
    assert pieces == [1] * 64
