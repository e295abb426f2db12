"""Children behind the owner's own proxy and bandwidth cap."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.config.settings import Network
from core.domain.errors import ConfigError
from core.net.address.gate import AddressGate, Resolve
from core.net.egress.proxy import EgressProxy
from core.net.pace import Bandwidth
from tests.fakes.wire import Authority, answering, client, http, names, socks_server, talking, tls_front


@contextlib.asynccontextmanager
async def egress(
    proxy: str | None = None,
    *,
    ca_file: Path | None = None,
    resolve: Resolve | None = None,
    bandwidth: Bandwidth | None = None,
) -> AsyncIterator[EgressProxy]:
    made = EgressProxy(
        AddressGate(["127.0.0.1/32"], resolve or names()),
        connect_timeout_s=5,
        network=Network(proxy=proxy, ca_file=ca_file),
        bandwidth=bandwidth,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def connect(proxy: EgressProxy, authority: str) -> bytes:
    """The answer to CONNECT, and to a request after it."""
    url = urlsplit(proxy.url)
    login = base64.b64encode(f"{url.username}:{url.password}".encode())
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(
            b"CONNECT %s HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n" % (authority.encode(), login)
        )
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        said = b""
        while not said.endswith(b"ok") and (data := await reader.read(4096)):
            said += data
        return said
    finally:
        writer.close()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http", "https"])
async def test_children_go_through_the_owners_proxy_too(scheme: str, tmp_path: Path) -> None:
    tls: ssl.SSLContext | None = None
    ca_file = None
    if scheme == "https":
        if shutil.which("openssl") is None:
            pytest.skip("there is no openssl to make certificates with")
        authority = Authority(tmp_path)
        tls, ca_file = authority.server_context("IP:127.0.0.1"), authority.ca_file
    resolve = names(media_test="127.0.0.1")
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(answering(lambda _: http(body=b"ok")))
        if scheme.startswith("socks"):
            socks = await stack.enter_async_context(socks_server())
            proxy = f"{scheme}://127.0.0.1:{socks.port}"
        else:
            owners = await stack.enter_async_context(egress(resolve=resolve))
            login, _, port = owners.url.removeprefix("http://").rpartition(":")
            if tls is not None:
                port = str((await stack.enter_async_context(tls_front(int(port), tls))).port)
            proxy = f"{scheme}://{login}:{port}"
        ours = await stack.enter_async_context(
            egress(proxy, ca_file=ca_file, resolve=resolve if scheme == "socks5" else None)
        )
        said = await connect(ours, f"media.test:{server.port}")
        assert said.startswith(b"HTTP/1.1 200 Connection established")
        assert said.endswith(b"ok")
        fetch = await stack.enter_async_context(client(proxy=ours.url))
        assert (await fetch.text(server.url(host="media.test"))).text == "ok"


@pytest.mark.parametrize("authority", ["10.0.0.1:443", "localhost:443", "nas.local:80", "media.test:22"])
async def test_what_can_be_judged_behind_a_proxy_still_is(authority: str) -> None:
    async with answering(lambda _: http()) as owners, egress(owners.url().rstrip("/")) as ours:
        assert (await connect(ours, authority)).startswith(b"HTTP/1.1 403 BLOCKED_ADDRESS")
        assert owners.connections == 0


@pytest.mark.parametrize("answer", [http(502), b"SSH-2.0-x\r\n\r\n", b"x" * 100_000, b""])
async def test_a_proxy_that_fails_is_a_bad_gateway(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with talking(talk) as owners, egress(owners.url().rstrip("/")) as ours:
        assert (await connect(ours, "media.test:443")).startswith(b"HTTP/1.1 502 NETWORK_ERROR")


async def test_a_wrong_proxy_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        async with egress("gopher://proxy.example"):
            pass


async def test_the_bandwidth_cap_holds_for_children() -> None:
    async with (
        answering(lambda _: http(body=bytes(200_000))) as server,
        egress(bandwidth=Bandwidth(400_000)) as ours,
        client(proxy=ours.url) as fetch,
    ):
        began = time.monotonic()
        assert len((await fetch.text(server.url())).text) == 200_000
        assert time.monotonic() - began > 0.35  # half a second less the saved-up moment
