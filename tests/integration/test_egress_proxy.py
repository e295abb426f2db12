"""The children's way to the network: judged, bounded, and told apart from an answer of the site."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.config.settings import Network
from core.net.address.gate import AddressGate
from core.net.egress import proxy as egress
from core.net.egress import relay
from core.net.egress.proxy import EgressProxy
from core.net.pace import FIRST_GAP_S, Bandwidth, HostPace
from tests.fakes.wire import Asked, Authority, answering, http, names, read_asked, talking

NAMES = names(media_test="127.0.0.1", inner_test="127.0.0.2")


@pytest.fixture
async def proxy() -> AsyncIterator[EgressProxy]:
    """One that may reach 127.0.0.1 and no other private address."""
    made = EgressProxy(AddressGate(["127.0.0.1/32"], NAMES), connect_timeout_s=5)
    await made.start()
    yield made
    await made.stop()


def authorisation(proxy: EgressProxy, token: str | None = None) -> bytes:
    login = f"reeldeck:{token or urlsplit(proxy.url).password}"
    return b"Proxy-Authorization: Basic " + base64.b64encode(login.encode()) + b"\r\n"


@contextlib.asynccontextmanager
async def connected(proxy: EgressProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(proxy.url).port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def said(proxy: EgressProxy, request: bytes, *, login: bytes | None = None) -> bytes:
    """All that the proxy answers to *request*, whose first line is followed by the login."""
    line, _, rest = request.partition(b"\r\n")
    async with connected(proxy) as (reader, writer):
        writer.write(line + b"\r\n" + (authorisation(proxy) if login is None else login) + rest)
        return await reader.read()


async def get(proxy: EgressProxy, url: str) -> bytes:
    return await said(proxy, f"GET {url} HTTP/1.1\r\nHost: ignored\r\n\r\n".encode())


async def connect(proxy: EgressProxy, authority: str) -> bytes:
    return await said(proxy, f"CONNECT {authority} HTTP/1.1\r\n\r\n".encode())


async def test_a_plain_request_is_forwarded_with_the_judged_host_and_without_the_login(
    proxy: EgressProxy,
) -> None:
    async with answering(lambda _: http(body=b"hello", x_site="1", connection="keep-alive")) as server:
        answer = await said(
            proxy,
            f"GET {server.url('/a?b=c', host='media.test')} HTTP/1.1\r\nHost: evil.test\r\nX-Mine: 1\r\n"
            f"Proxy-Connection: keep-alive\r\nConnection: x-drop\r\nX-Drop: 1\r\nTE: x\r\n\r\n".encode(),
        )
    assert server.asked == [
        Asked(
            "GET",
            "/a?b=c",
            {"host": f"media.test:{server.port}", "x-mine": "1", "connection": "close"},
        )
    ]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"x-site: 1" in head
    assert b"connection: close" in head.lower()
    assert b"keep-alive" not in head


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_request_body_is_streamed(proxy: EgressProxy, framing: str) -> None:
    got = bytearray()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while len(got) < 5_000_000:
            got.extend(await reader.read(65536))
        writer.write(http(body=b"thanks"))

    field = "Content-Length: 5000000" if framing == "length" else "Transfer-Encoding: chunked"
    async with talking(swallow) as server, connected(proxy) as (reader, writer):
        head = f"POST {server.url('/up')} HTTP/1.1\r\n{field}\r\n".encode() + authorisation(proxy) + b"\r\n"
        writer.write(head)
        for _ in range(50):
            writer.write(bytes(100_000))
            await writer.drain()
        assert (await reader.read()).endswith(b"thanks")
    assert len(got) == 5_000_000


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
)
async def test_an_answer_without_a_body_ends_with_its_head(
    proxy: EgressProxy, method: str, raw: bytes
) -> None:
    async with answering(lambda _: raw) as server:  # which keeps its connection open
        answer = await said(proxy, f"{method} {server.url()} HTTP/1.1\r\n\r\n".encode())
    assert answer == raw.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"


async def test_a_second_request_on_the_connection_never_reaches_the_first_site(proxy: EgressProxy) -> None:
    async with answering(lambda _: http(body=b"one")) as first, answering(lambda _: http()) as second:
        follow_up = f"GET {second.url('/secret')} HTTP/1.1\r\n".encode() + authorisation(proxy) + b"\r\n"
        answer = await said(proxy, f"GET {first.url()} HTTP/1.1\r\n\r\n".encode() + follow_up)
    assert answer.endswith(b"one")
    assert len(first.asked) == 1
    assert second.connections == 0


async def test_interim_answers_are_passed_on(proxy: EgressProxy) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nend")

    async with talking(talk) as server:
        answer = await get(proxy, server.url())
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 ")
    assert answer.endswith(b"end")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://127.0.0.2:8080/x", "127.0.0.2"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254"),
        ("http://0x7f.2/", "127.0.0.2"),
        ("http://inner.test/", "inner.test"),
        ("http://media.example:25/", "media.example"),
        ("10.0.0.1:443", "10.0.0.1"),
        ("[::1]:443", "::1"),
        ("[fe80::1]:443", "fe80::1"),
        ("2130706434:443", "127.0.0.2"),
        ("inner.test:443", "inner.test"),
        ("8.8.8.8:22", "8.8.8.8"),
    ],
)
async def test_a_blocked_target_is_refused_in_words_a_child_repeats(
    proxy: EgressProxy, target: str, host: str
) -> None:
    if host == "media.example":  # a name's port is judged with its addresses, as those could be exempt
        proxy._gate._resolve = names(media_example="8.8.8.8")
    answer = await (get(proxy, target) if "://" in target else connect(proxy, target))
    assert answer.startswith(b"HTTP/1.1 403 BLOCKED_ADDRESS\r\n")
    assert b"\r\nX-Reeldeck-Error: BLOCKED_ADDRESS\r\n" in answer
    assert host.encode() in answer


async def test_a_blocked_target_gets_no_packet(proxy: EgressProxy) -> None:
    async with answering(lambda _: http(), host="127.0.0.2") as private:
        await get(proxy, private.url())
        await connect(proxy, f"inner.test:{private.port}")
        assert private.connections == 0


@pytest.mark.parametrize(
    "login",
    [
        b"",
        b"Proxy-Authorization: Basic cmVlbGRlY2s6d3Jvbmc=\r\n",
        b"Proxy-Authorization: Bearer x\r\n",
        b"Proxy-Authorization: Basic \xff\xfe\r\n",
        b"Authorization: Basic cmVlbGRlY2s6d3Jvbmc=\r\n",
    ],
)
async def test_a_wrong_token_gets_407_and_learns_nothing_of_the_target(
    proxy: EgressProxy, login: bytes
) -> None:
    async with answering(lambda _: http()) as server:
        for request in (f"GET {server.url()} HTTP/1.1", "CONNECT 10.0.0.1:443 HTTP/1.1"):
            answer = await said(proxy, f"{request}\r\n\r\n".encode(), login=login)
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"Proxy-Authenticate: Basic" in answer
        assert server.connections == 0


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/1.1",
        "GET https://media.test/ HTTP/1.1",
        "GET ftp://media.test/ HTTP/1.1",
        "GET http://user@media.test/ HTTP/1.1",
        "GET http://media.test\\@127.0.0.2/ HTTP/1.1",
        "CONNECT media.test HTTP/1.1",
        "CONNECT media.test:443/x HTTP/1.1",
        "CONNECT x@media.test:443 HTTP/1.1",
        "CONNECT http://media.test:443 HTTP/1.1",
        "CONNECT :443 HTTP/1.1",
        "CONNECT media.test:70000 HTTP/1.1",
        "GET http://media.test/ HTTP/2",
        "GET http://media.test/",
        "GET  http://media.test/ HTTP/1.1",
        "hello",
        "\x16\x03\x01\x02",
    ],
)
async def test_what_is_no_request_to_a_proxy_gets_400(proxy: EgressProxy, request_line: str) -> None:
    assert (await said(proxy, request_line.encode() + b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("field", [b"no colon", b" folded: x", b"bad name: x", b"X: \x00", b": empty"])
async def test_a_malformed_field_gets_400(proxy: EgressProxy, field: bytes) -> None:
    answer = await said(proxy, b"GET http://media.test/ HTTP/1.1\r\n" + field + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("ends", [True, False])
async def test_an_endless_head_is_cut_off(proxy: EgressProxy, ends: bool) -> None:
    head = b"GET http://media.test/ HTTP/1.1\r\nX: " + b" " * 100_000 + (b"\r\n\r\n" if ends else b"")
    assert (await said(proxy, head)).startswith(b"HTTP/1.1 400 ")


async def test_a_silent_child_is_dropped(proxy: EgressProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "HEAD_TIMEOUT_S", 0.05)
    async with connected(proxy) as (reader, writer):
        writer.write(b"GET http://media.test/ HTTP/1.1\r\n")
        assert await reader.read() == b""


async def test_an_unreachable_target_gets_502(proxy: EgressProxy) -> None:
    async with answering(lambda _: http()) as server:
        port = server.port
    for answer in (
        await get(proxy, f"http://127.0.0.1:{port}/"),
        await connect(proxy, f"127.0.0.1:{port}"),
        await connect(proxy, "unknown.test:443"),
    ):
        assert answer.startswith(b"HTTP/1.1 502 NETWORK_ERROR\r\n")
        assert b"X-Reeldeck-Error: NETWORK_ERROR" in answer


async def test_a_look_up_that_hangs_gets_502() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    proxy = EgressProxy(AddressGate(resolve=never), connect_timeout_s=0.05)
    await proxy.start()
    assert (await connect(proxy, "slow.test:443")).startswith(b"HTTP/1.1 502 ")
    await proxy.stop()


async def test_a_tunnel_carries_both_ways_and_ends_with_either_side(proxy: EgressProxy) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.write(b"bye\n")

    async with talking(echo) as server, connected(proxy) as (reader, writer):
        head = f"CONNECT media.test:{server.port} HTTP/1.1\r\n".encode() + authorisation(proxy)
        writer.write(head + b"\r\nearly\n")  # a child need not wait for the answer
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readline() == b"EARLY\n"
        writer.write(b"later\n")
        assert await reader.readline() == b"LATER\n"
        writer.write_eof()
        assert await reader.read() == b"bye\n"
        await server.hung_up.wait()


async def test_a_child_that_dies_takes_its_upstream_along(proxy: EgressProxy) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        await reader.read()

    async with talking(endless) as server, connected(proxy) as (reader, writer):
        writer.write(f"GET {server.url()} HTTP/1.1\r\n".encode() + authorisation(proxy) + b"\r\n")
        await reader.readuntil(b"first")
        writer.transport.abort()
        await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_a_tunnel_in_which_nothing_moves_is_closed(
    proxy: EgressProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "IDLE_TIMEOUT_S", 0.1)

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with talking(mute) as server:
        assert (
            await connect(proxy, f"media.test:{server.port}")
            == b"HTTP/1.1 200 Connection established\r\n\r\n"
        )


async def test_a_slow_reader_holds_the_sender_back(proxy: EgressProxy) -> None:
    sent = 0
    stuck = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                stuck.set()
                raise ConnectionAbortedError from None
            sent += 1 << 16

    async with talking(endless) as server, connected(proxy) as (_reader, writer):
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        writer.write(f"GET {server.url()} HTTP/1.1\r\n".encode() + authorisation(proxy) + b"\r\n")
        await asyncio.wait_for(stuck.wait(), 20)
    assert sent < 64 * 2**20


async def test_stopping_closes_everything_and_may_be_repeated(proxy: EgressProxy) -> None:
    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    url = urlsplit(proxy.url)
    async with talking(mute) as server, connected(proxy) as (reader, writer):
        writer.write(
            f"CONNECT media.test:{server.port} HTTP/1.1\r\n".encode() + authorisation(proxy) + b"\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        await proxy.stop()
        assert await reader.read() == b""
        await server.hung_up.wait()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", url.port)
    with pytest.raises(RuntimeError):
        _ = proxy.url
    await proxy.stop()


async def test_it_listens_on_loopback_only_and_two_have_different_tokens(proxy: EgressProxy) -> None:
    assert urlsplit(proxy.url).hostname == "127.0.0.1"
    other = EgressProxy(AddressGate(), connect_timeout_s=1)
    await other.start()
    assert urlsplit(other.url).password != urlsplit(proxy.url).password
    await other.stop()
    with socket.socket() as sock, pytest.raises(OSError, match="refused"):
        sock.connect(("127.0.0.9", urlsplit(proxy.url).port or 0))


@pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("curl") is None,
    reason="there is no openssl to make certificates with, or no curl to be the child",
)
async def test_curl_fetches_by_tls_through_the_tunnel_end_to_end(proxy: EgressProxy, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    body = bytes(range(256)) * 50_000
    async with answering(lambda _: http(body=body), tls=authority.server_context("DNS:media.test")) as server:
        child = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--cacert", str(authority.ca_file), server.url("/file", host="media.test"),
            env={"https_proxy": proxy.url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        output, errors = await child.communicate()
    assert (output == body, errors) == (True, b"")


CHILD = """
import sys, urllib.request, urllib.error
proxies = dict.fromkeys(("http", "https"), sys.stdin.read())
opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
for url in sys.argv[1:]:
    try:
        print(opener.open(url, timeout=10).read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.headers["X-Reeldeck-Error"])
    except urllib.error.URLError as error:
        print(error.reason)
"""


async def test_a_python_child_sees_answers_and_refusals(proxy: EgressProxy) -> None:
    async with answering(lambda _: http(body=b"hello")) as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, server.url(host="media.test"), "http://inner.test/", "https://inner.test/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        output, _ = await child.communicate(proxy.url.encode())
    assert output.decode().splitlines() == [
        "hello",
        "403 BLOCKED_ADDRESS",
        "Tunnel connection failed: 403 BLOCKED_ADDRESS",
    ]


def basic(user: str, token: str) -> bytes:
    return b"Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{token}".encode()) + b"\r\n"


@pytest.fixture
def pace() -> HostPace:
    return HostPace(patience_s=1)


@pytest.fixture
def door(proxy: EgressProxy, pace: HostPace) -> bytes:
    """The login of a source's children."""
    url = urlsplit(proxy.door("site", network=Network(), bandwidth=Bandwidth(), pace=pace))
    assert url.username == "site"
    return basic("site", str(url.password))


async def test_each_source_has_a_login_of_its_own_which_opens_no_other_door(
    proxy: EgressProxy, door: bytes
) -> None:
    async with answering(lambda _: http(body=b"hello")) as server:
        request = f"GET {server.url(host='media.test')} HTTP/1.1\r\n\r\n".encode()
        assert (await said(proxy, request, login=door)).endswith(b"hello")
        common = str(urlsplit(proxy.url).password)
        for user, token in (("site", common), ("other", common), ("reeldeck", ""), ("", "")):
            assert b" 407 " in await said(proxy, request, login=basic(user, token))
        assert len(server.asked) == 1


async def test_a_host_that_slows_a_sources_children_down_slows_all_of_them(
    proxy: EgressProxy, pace: HostPace, door: bytes
) -> None:
    async with answering(lambda _: http(503, retry_after="600")) as server:
        request = f"GET {server.url(host='media.test')} HTTP/1.1\r\n\r\n".encode()
        assert b" 503 " in (await said(proxy, request, login=door)).partition(b"\r\n")[0]
        assert pace.slowed == {f"media.test:{server.port}": FIRST_GAP_S}
        refused = await said(proxy, request, login=door)
        assert refused.startswith(b"HTTP/1.1 429 RATE_LIMIT\r\nX-Reeldeck-Error: RATE_LIMIT\r\n")
        tunnel = f"CONNECT media.test:{server.port} HTTP/1.1\r\n\r\n".encode()
        assert (await said(proxy, tunnel, login=door)).startswith(b"HTTP/1.1 429 RATE_LIMIT")
        assert len(server.asked) == 1
        assert b" 503 " in (await said(proxy, request)).partition(b"\r\n")[0]  # another source's children


async def test_the_connections_of_a_sources_children_keep_its_rate(proxy: EgressProxy) -> None:
    rate = HostPace(10)
    url = urlsplit(proxy.door("site", network=Network(), bandwidth=Bandwidth(), pace=rate))
    login = basic("site", str(url.password))
    async with answering(lambda _: http(body=b"hello")) as server:
        request = f"GET {server.url(host='media.test')} HTTP/1.1\r\n\r\n".encode()
        began = time.monotonic()
        await asyncio.gather(*(said(proxy, request, login=login) for _ in range(5)))
        assert time.monotonic() - began >= 0.4
