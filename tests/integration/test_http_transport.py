"""The HTTP/1.1 transport against loopback servers: whose connection serves what, and how bodies end."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from core.net.http.connection import Stream
from core.net.http.dial import connect
from core.net.http.pool import Pool
from core.net.http.transport import Body, Transport
from core.net.http.trust import trusting
from tests.fakes.wire import Authority, Server, answering, http, read_asked, talking

BODY = bytes(range(256)) * 20_000
WAITS = {"connect": 5.0, "read": 5.0, "write": 5.0}


@asynccontextmanager
async def opened(ca_file: Path | None = None) -> AsyncIterator[Transport]:
    async def connector(_host: str, port: int) -> Stream:
        return await connect(["127.0.0.1"], port)

    transport = Transport(Pool(connector, trusting(ca_file)))
    try:
        yield transport
    finally:
        await transport.aclose()


async def ask(transport: Transport, url: str, *, method: str = "GET", **waits: float) -> httpx.Response:
    return await transport.handle_async_request(
        httpx.Request(method, url, extensions={"timeout": WAITS | waits})
    )


async def copied(response: httpx.Response) -> bytes:
    """The body, by the short way."""
    found = bytearray()
    assert isinstance(response.stream, Body)
    await response.stream.copy(found.extend)
    await response.aclose()
    return bytes(found)


async def read(response: httpx.Response) -> bytes:
    """The body, by iterating."""
    body = await response.aread()
    await response.aclose()
    return body


@asynccontextmanager
async def saying(data: bytes, *, closes: bool = True, times: int = 1) -> AsyncIterator[Server]:
    """A server that answers each of the first *times* requests of a connection with *data*."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await read_asked(reader)
            writer.write(data)
            await writer.drain()
        if not closes:
            await reader.read()

    async with talking(talk) as server:
        yield server


Reading = Callable[[httpx.Response], Awaitable[bytes]]
both_ways = pytest.mark.parametrize("reading", [copied, read])

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"


@both_ways
@pytest.mark.parametrize("data", [http(body=b"abcde"), CHUNKED, INTERIM, b"HTTP/1.0 200 OK\r\n\r\nabcde"])
async def test_a_body_is_read_whichever_way_it_ends(data: bytes, reading: Reading) -> None:
    async with saying(data) as server, opened() as transport:
        assert await reading(await ask(transport, server.url())) == b"abcde"


@both_ways
async def test_a_large_body_arrives_as_it_was_sent(reading: Reading) -> None:
    async with answering(lambda _: http(body=BODY)) as server, opened() as transport:
        assert await reading(await ask(transport, server.url())) == BODY


@both_ways
@pytest.mark.parametrize("data", [http(body=b"abcde"), CHUNKED])
async def test_a_connection_serves_one_request_after_the_other(data: bytes, reading: Reading) -> None:
    async with saying(data, closes=False, times=3) as server, opened() as transport:
        for _ in range(3):
            assert await reading(await ask(transport, server.url())) == b"abcde"
        assert server.connections == 1


@both_ways
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcde",
        CHUNKED[:-5],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_a_body_that_is_not_whole_is_an_error(data: bytes, reading: Reading) -> None:
    async with saying(data) as server, opened() as transport:
        with pytest.raises(httpx.RemoteProtocolError):
            await reading(await ask(transport, server.url()))


async def test_what_follows_a_body_unasked_is_never_taken_for_an_answer() -> None:
    smuggled = http(body=b"abcde") + http(body=b"evil!")
    async with saying(smuggled, closes=False, times=2) as server, opened() as transport:
        assert await read(await ask(transport, server.url())) == b"abcde"
        assert await read(await ask(transport, server.url())) == b"abcde"
        assert server.connections == 2


async def test_a_kept_connection_that_the_server_has_closed_is_no_failure() -> None:
    async with saying(http(body=b"abcde")) as server, opened() as transport:
        for _ in range(3):
            assert await read(await ask(transport, server.url())) == b"abcde"
            await server.hung_up.wait()
            server.hung_up.clear()
        assert server.connections == 3


async def test_a_kept_connection_that_dies_under_the_request_is_replaced_once() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(http(body=b"abcde"))
        await read_asked(reader)  # and hang up without an answer

    async with talking(talk) as server, opened() as transport:
        assert await read(await ask(transport, server.url())) == b"abcde"
        assert await read(await ask(transport, server.url())) == b"abcde"
        assert server.connections == 2
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, server.url(), method="POST")


async def test_a_fresh_connection_that_dies_is_a_failure() -> None:
    async with saying(b"") as server, opened() as transport:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, server.url())
        assert server.connections == 1


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 30_000 + b"\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
async def test_what_is_no_answer_is_refused(data: bytes) -> None:
    async with saying(data) as server, opened() as transport:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, server.url())


async def test_a_body_that_is_left_closes_its_connection() -> None:
    async with answering(lambda _: http(body=BODY)) as server, opened() as transport:
        response = await ask(transport, server.url())
        await response.aclose()
        await server.hung_up.wait()
        assert await read(await ask(transport, server.url())) == BODY
        assert server.connections == 2


async def test_an_answer_without_a_body_keeps_its_connection() -> None:
    no_body = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with saying(no_body, closes=False, times=2) as server, opened() as transport:
        for _ in range(2):
            await (await ask(transport, server.url())).aclose()
        assert server.connections == 1


@both_ways
async def test_silence_is_a_timeout(reading: Reading) -> None:
    async with (
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", closes=False) as server,
        opened() as transport,
    ):
        response = await ask(transport, server.url(), read=0.05)
        with pytest.raises(httpx.ReadTimeout):
            await reading(response)


async def test_a_sink_can_hold_the_transfer_up_and_end_it() -> None:
    class EnoughError(Exception):
        pass

    seen, written = 0, asyncio.Event()

    async def later() -> None:
        await written.wait()

    def sink(data: memoryview) -> Awaitable[None]:
        nonlocal seen
        seen += len(data)
        if seen > len(BODY) // 2:
            raise EnoughError
        asyncio.get_running_loop().call_soon(written.set)
        return later()

    async with answering(lambda _: http(body=BODY)) as server, opened() as transport:
        response = await ask(transport, server.url())
        assert isinstance(response.stream, Body)
        with pytest.raises(EnoughError):
            await response.stream.copy(sink)
        await response.aclose()
        await server.hung_up.wait()
    assert seen < len(BODY)


async def test_a_cancelled_transfer_leaves_no_connection() -> None:
    async with (
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", closes=False) as server,
        opened() as transport,
    ):
        response = await ask(transport, server.url())
        task = asyncio.ensure_future(copied(response))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await response.aclose()
        await server.hung_up.wait()


async def test_many_connections_move_side_by_side(tmp_path: Path) -> None:
    async with answering(lambda _: http(body=BODY)) as server, opened() as transport:

        async def one(number: int) -> bytes:
            response = await ask(transport, server.url())
            handle = os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT)
            position = 0

            def sink(data: memoryview) -> None:
                nonlocal position
                position += os.pwrite(handle, data, position)

            assert isinstance(response.stream, Body)
            await response.stream.copy(sink)
            await response.aclose()
            os.close(handle)
            return (tmp_path / str(number)).read_bytes()

        assert set(await asyncio.gather(*map(one, range(12)))) == {BODY}


@pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="THE FAST WAY THROUGH TLS IS NOT TESTED: there is no openssl to make certificates with",
)
@both_ways
async def test_a_body_arrives_through_tls_and_the_connection_is_kept(
    tmp_path: Path, reading: Reading
) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context("DNS:media.test")
    async with (
        answering(lambda _: http(body=BODY), tls=context) as server,
        opened(authority.ca_file) as transport,
    ):
        for _ in range(3):
            assert await reading(await ask(transport, server.url(host="media.test"))) == BODY
        assert server.connections == 1


async def test_a_client_of_httpx_can_use_it() -> None:
    async with (
        answering(lambda _: http(body=b"abcde")) as server,
        opened() as transport,
        httpx.AsyncClient(transport=transport) as client,
    ):
        assert (await client.get(server.url())).content == b"abcde"
