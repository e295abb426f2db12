"""Fast lines hand on larger pieces; slow, stopped and finished ones whatever they have."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from core.net.http import gathering
from core.net.http.gathering import Gathering
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


#: A turn of a loop that has sixteen lines, each of which gives up to a mebibyte.
TURN_S = 0.027
TURNS = 16


@pytest.mark.parametrize(
    ("beside_bytes", "asked_bytes"),
    [
        pytest.param(MIB, 128 * 1024, id="that stays behind fast ones is asked for more than it had"),
        pytest.param(128 * 1024, 1, id="among others like it is handed on at once"),
        pytest.param(
            512 * 1024, 128 * 1024, id="that stays behind faster ones is asked for more than it had"
        ),
    ],
)
async def test_a_line_of_small_pieces(line, monkeypatch, beside_bytes, asked_bytes):
    now_s = 0.0
    monkeypatch.setattr(gathering, "time", SimpleNamespace(monotonic=lambda: now_s))
    ours, *others = (Gathering(sock) for sock in [line[1], *[line[0]] * 15])
    for _ in range(TURNS):
        now_s += TURN_S
        for each in others:
            each.received(beside_bytes, ENDLESS)
        ours.received(64 * 1024, ENDLESS)
    assert waits_for(line[1]) == asked_bytes
    assert ours.most_bytes(BUFFER_BYTES) < BUFFER_BYTES, "one of many takes no more at once than they"
    for each in (ours, *others):
        each.stop()
    assert waits_for(line[1]) == 1
    assert ours.most_bytes(BUFFER_BYTES) == BUFFER_BYTES


async def test_lines_that_end_are_forgotten(line):
    theirs, ours = line
    threading.Thread(target=theirs.sendall, args=(bytes(64 * MIB),), daemon=True).start()
    await Pump(ours, lambda _: None, 64 * MIB).run(10)
    assert not gathering._lines()
