"""Servers that are slow, silent or gone: every wait has an end, and the error says what happened."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from core.domain.errors import NetworkFailure
from core.net.http.dial import ATTEMPT_DELAY_S, connect
from tests.fakes.wire import answering, client, http, read_asked, talking


async def hold(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_asked(reader)
    await reader.read()


async def test_a_server_that_never_answers() -> None:
    async with talking(hold) as server, client(read_s=0.1) as fetch:
        with pytest.raises(NetworkFailure, match=r"127\.0\.0\.1 sent nothing for too long"):
            await fetch.text(server.url())
        await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_a_server_that_drips_its_head_so_that_each_wait_is_short() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Drip: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with talking(drip) as server, client(connect_s=0.1, read_s=0.1) as fetch:
        began = time.monotonic()
        with pytest.raises(NetworkFailure, match=r"no answer from 127\.0\.0\.1 in time"):
            await fetch.text(server.url())
        assert time.monotonic() - began < 5


async def test_a_body_that_stops_in_the_middle() -> None:
    async def stop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read()

    async with talking(stop) as server, client(read_s=0.1) as fetch:
        with pytest.raises(NetworkFailure, match="sent nothing for too long"):
            await fetch.text(server.url())


async def test_a_tls_handshake_that_stands_still() -> None:
    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass

    async with talking(mute) as server, client(connect_s=0.1) as fetch:
        with pytest.raises(NetworkFailure, match=r"no connection to 127\.0\.0\.1 in time"):
            await fetch.text(f"https://127.0.0.1:{server.port}/")


async def test_a_look_up_that_takes_too_long() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with client(connect_s=0.05, resolve=never) as fetch:
        with pytest.raises(NetworkFailure, match=r"no connection to slow\.test in time"):
            await fetch.text("http://slow.test/")


@pytest.fixture
async def deaf() -> AsyncIterator[int]:
    """A port of 127.0.0.3 whose queue is full, so that connections hang as behind a firewall."""
    listener = socket.create_server(("127.0.0.3", 0), backlog=0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    await asyncio.sleep(0)
    yield listener.getsockname()[1]
    for sock in (*fillers, listener):
        sock.close()


async def test_an_address_that_swallows_packets(deaf: int) -> None:
    async with client(connect_s=0.3, allow=("127.0.0.0/8",)) as fetch:
        with pytest.raises(NetworkFailure, match=r"no connection to 127\.0\.0\.3 in time"):
            await fetch.text(f"http://127.0.0.3:{deaf}/")


async def test_the_next_address_is_tried_beside_one_that_hangs(deaf: int) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.3", "127.0.0.1"]

    async with (
        answering(lambda _: http(body=b"second"), port=deaf) as server,
        client(allow=("127.0.0.0/8",), resolve=resolve) as fetch,
    ):
        began = time.monotonic()
        assert (await fetch.text(server.url(host="media.test"))).text == "second"
        assert ATTEMPT_DELAY_S <= time.monotonic() - began < 4


async def test_an_address_that_refuses_is_passed_over_at_once() -> None:
    async with answering(lambda _: http()) as server:
        stream = await connect(["127.0.0.4", "127.0.0.5", "127.0.0.1"], server.port)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        await stream.aclose()
        with pytest.raises(ConnectionRefusedError):
            await connect(["127.0.0.4", "127.0.0.5"], server.port)
    with pytest.raises(OSError, match="no address"):
        await connect([], 80)


async def test_of_two_that_answer_one_connection_stays() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["::1", "127.0.0.1", "127.0.0.2"]

    async with (
        answering(lambda _: http(body=b"one")) as one,
        answering(lambda _: http(body=b"two"), host="127.0.0.2", port=one.port) as two,
    ):
        async with client(allow=("127.0.0.0/8", "::1"), resolve=resolve) as fetch:
            assert (await fetch.text(one.url(host="media.test"))).text == "one"
        assert (one.connections, two.connections) == (1, 0)
