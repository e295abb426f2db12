"""TLS straight on a socket: nothing is lost or taken on trust, and nobody waits for what is there."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpcore
import pytest

from core.net.http.connection import SocketStream, Stream
from core.net.http.tls import start_tls
from core.net.http.trust import trusting
from tests.fakes.wire import Authority

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="NOTHING ABOUT TLS ON SOCKETS IS TESTED: there is no openssl to make certificates with",
)
KIB, MIB = 2**10, 2**20
ENDLESS = 1 << 40


@dataclass
class Line:
    """A connection: their end, which blocks, and ours."""

    theirs: ssl.SSLSocket
    ours: Stream

    async def sends(self, *records: bytes) -> None:
        for record in records:
            await asyncio.to_thread(self.theirs.sendall, record)

    def ends_unannounced(self) -> None:
        socket.socket.shutdown(self.theirs, socket.SHUT_WR)  # an SSLSocket's own says goodbye first


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_context(authority: Authority) -> ssl.SSLContext:
    return authority.server_context("DNS:media.test")


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def line(
    authority: Authority, server_context: ssl.SSLContext, request: pytest.FixtureRequest
) -> AsyncIterator[Line]:
    server_context.maximum_version = request.param
    async with connected(server_context, authority.ca_file, "media.test") as made:
        yield made


@contextlib.asynccontextmanager
async def connected(server: ssl.SSLContext, ca_file: Path, hostname: str) -> AsyncIterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sock = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    sock.setblocking(False)
    accepted.settimeout(10)
    shaking = asyncio.create_task(asyncio.to_thread(server.wrap_socket, accepted, server_side=True))
    try:
        ours = await start_tls(SocketStream(sock), trusting(ca_file), hostname, 10)
    except BaseException:
        (theirs,) = await asyncio.gather(shaking, return_exceptions=True)
        if isinstance(theirs, ssl.SSLSocket):
            theirs.close()
        raise
    with await shaking as theirs:
        yield Line(theirs, ours)
        await ours.aclose()


async def test_records_of_any_size_come_whole_and_no_more_is_taken_than_was_asked_for(line: Line) -> None:
    records = [
        bytes([n % 251]) * size for n, size in enumerate((1, 16 * KIB, 1369, 40_000, 4096, 2, 9000) * 40)
    ]
    whole = b"".join(records)
    received = bytearray()
    pump = line.ours.pump(received.extend, len(whole) - 10)
    await asyncio.gather(pump.run(10), line.sends(*records))
    assert bytes(received) == whole[:-10]
    # Ten bytes are with OpenSSL, where the system does not see them: not a connection for the next request.
    assert line.ours.get_extra_info("is_readable")
    assert await line.ours.read(100) == whole[-10:]
    assert not line.ours.get_extra_info("is_readable")


async def test_a_fast_line_gives_large_pieces_and_is_asked_for_no_more_than_comes(line: Line) -> None:
    size = left = 32 * MIB + 4711
    largest, surplus = 0, []
    sock: socket.socket = line.ours.get_extra_info("socket")

    def sink(data: memoryview) -> None:
        nonlocal largest, left
        asked = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        if asked > max(left, 1):
            surplus.append((asked, left))
        largest, left = max(largest, len(data)), left - len(data)

    pump = line.ours.pump(sink, size)
    await asyncio.gather(pump.run(10), line.sends(bytes(size)))
    assert (left, surplus) == (0, [])
    assert largest > 64 * KIB  # one record holds 16 KiB
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1


async def test_what_the_sink_asks_to_wait_for_is_waited_for(line: Line) -> None:
    received = bytearray()

    async def late(data: bytes) -> None:
        await asyncio.sleep(0)
        received.extend(data)

    whole = bytes(range(256)) * 8 * KIB
    pump = line.ours.pump(lambda data: late(bytes(data)), len(whole))
    await asyncio.gather(pump.run(10), line.sends(whole))
    assert bytes(received) == whole


async def test_an_end_that_was_not_announced_is_a_failure_and_keeps_what_came_before(line: Line) -> None:
    received = bytearray()
    pump = line.ours.pump(received.extend, ENDLESS)
    await line.sends(b"half")
    line.ends_unannounced()
    with pytest.raises(httpcore.ReadError, match="TLS"):
        await pump.run(10)
    assert bytes(received) == b"half"
    with pytest.raises(httpcore.ReadError, match="TLS"):
        await line.ours.read(1, 10)


async def test_an_announced_end_is_the_end(line: Line) -> None:
    received = bytearray()
    pump = line.ours.pump(received.extend, ENDLESS)
    await line.sends(b"all of it")
    farewell = asyncio.create_task(asyncio.to_thread(line.theirs.unwrap))
    await pump.run(10)
    assert (pump.is_ended, bytes(received)) == (True, b"all of it")
    assert await line.ours.read(1, 10) == b""
    await line.ours.aclose()
    await asyncio.gather(farewell, return_exceptions=True)  # we say none


async def test_a_forged_record_is_a_failure_at_once(line: Line) -> None:
    received = bytearray()
    pump = line.ours.pump(received.extend, ENDLESS)
    await line.sends(b"good")
    socket.socket.sendall(line.theirs, b"\x17\x03\x03\x00\x40" + bytes(64))
    with pytest.raises(httpcore.ReadError, match=r"TLS: .*MAC"):
        await pump.run(10)  # though nothing more comes, and the line stays open
    assert bytes(received) == b"good"


async def test_hanging_up_wakes_the_reader_who_gets_nothing_undecrypted(line: Line) -> None:
    reading = asyncio.create_task(line.ours.read(1, 10))
    await asyncio.sleep(0)
    line.ours.hang_up()
    with pytest.raises(httpcore.ReadError):
        await reading
    with pytest.raises(httpcore.WriteError):
        await line.ours.write(b"never in the clear", 10)


async def test_a_closed_connection_is_a_read_error(line: Line) -> None:
    await line.ours.aclose()
    with pytest.raises(httpcore.ReadError):
        await line.ours.read(1, 10)
    with pytest.raises(httpcore.WriteError):
        await line.ours.write(b"x", 10)


async def test_more_than_the_system_holds_is_written_as_the_peer_takes_it(line: Line) -> None:
    whole = bytes(range(256)) * 64 * KIB

    def take() -> bytes:
        received = bytearray()
        while len(received) < len(whole):
            received += line.theirs.recv(MIB)
        return bytes(received)

    writing = asyncio.create_task(line.ours.write(whole, 10))
    await asyncio.sleep(0)
    assert not writing.done()
    assert await asyncio.to_thread(take) == whole
    await writing


async def test_silence_is_a_timeout_for_whoever_waits(line: Line) -> None:
    with pytest.raises(httpcore.ReadTimeout):
        await line.ours.read(1, 0.01)
    with pytest.raises(httpcore.ReadTimeout):
        await line.ours.pump(lambda _: None, 1).run(0.01)


async def test_a_peer_that_says_nothing_is_not_waited_for_and_closed(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sock = socket.create_connection(listening.getsockname())
        sock.setblocking(False)
        with pytest.raises(httpcore.ConnectTimeout):
            await start_tls(SocketStream(sock), trusting(authority.ca_file), "media.test", 0.01)
        accepted, _ = listening.accept()
        with accepted:
            accepted.settimeout(10)
            while accepted.recv(MIB):
                pass  # what it had to say, up to its end


async def test_a_certificate_for_another_name_ends_the_connection(
    authority: Authority, server_context: ssl.SSLContext
) -> None:
    with pytest.raises(httpcore.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        async with connected(server_context, authority.ca_file, "other.test"):
            pass
