"""The owner's proxies, and what the gate still judges behind them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.errors import BlockedAddress, ConfigError, NetworkFailure
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from tests.fakes.wire import Authority, answering, client, http, names, socks_server, tls_front


@pytest.fixture
async def forward_proxy() -> AsyncIterator[EgressProxy]:
    """A real HTTP proxy: our own, which knows media.test where the client does not."""
    proxy = EgressProxy(AddressGate(["127.0.0.0/8"], names(media_test="127.0.0.1")), connect_timeout_s=5)
    await proxy.start()
    yield proxy
    await proxy.stop()


async def test_an_http_proxy_forwards_and_looks_names_up(forward_proxy: EgressProxy) -> None:
    async with (
        answering(lambda _: http(body=b"ok")) as server,
        client(proxy=forward_proxy.url, resolve=names()) as fetch,
    ):
        for _ in range(2):
            assert (await fetch.text(server.url(host="media.test"))).text == "ok"
    assert "proxy-authorization" not in server.asked[0].headers


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
@pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])
async def test_tls_goes_through_a_proxy_end_to_end(
    forward_proxy: EgressProxy, tmp_path: Path, kind: str
) -> None:
    authority = Authority(tmp_path)
    tls = authority.server_context("DNS:media.test")
    body = bytes(range(256)) * 10_000
    login, _, port = forward_proxy.url.removeprefix("http://").rpartition(":")
    async with (
        answering(lambda _: http(body=body), tls=tls) as server,
        tls_front(int(port), authority.server_context("IP:127.0.0.1")) as front,
        socks_server() as socks,
    ):
        proxy = {"http": forward_proxy.url, "https": f"https://{login}:{front.port}"}.get(
            kind, f"{kind}://127.0.0.1:{socks.port}"
        )
        resolve = names(media_test="127.0.0.1") if kind == "socks5" else names()
        async with (
            client(proxy=proxy, ca_file=authority.ca_file, resolve=resolve) as fetch,
            fetch.stream(server.url(host="media.test")) as response,
        ):
            assert b"".join([chunk async for chunk in response.chunks()]) == body


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("host", ["10.0.0.1", "0x7f.1", "[::1]", "169.254.169.254"])
async def test_literal_private_addresses_never_reach_a_proxy(scheme: str, host: str) -> None:
    async with answering(lambda _: http()) as proxy:
        async with client(allow=(), proxy=f"{scheme}://127.0.0.1:{proxy.port}") as fetch:
            with pytest.raises(BlockedAddress):
                await fetch.text(f"http://{host}/")
        assert proxy.connections == 0


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_names_that_can_only_be_private_never_reach_a_proxy(scheme: str) -> None:
    async with answering(lambda _: http()) as proxy:
        async with client(proxy=f"{scheme}://127.0.0.1:{proxy.port}") as fetch:
            with pytest.raises(BlockedAddress, match="private network"):
                await fetch.text("http://localhost:8080/")
        assert proxy.connections == 0


async def test_with_socks5_names_are_looked_up_and_judged_here() -> None:
    resolve = names(media_test="127.0.0.1", inner_test="10.0.0.1")
    async with answering(lambda _: http(body=b"ok")) as server, socks_server() as socks:
        async with client(proxy=f"socks5://127.0.0.1:{socks.port}", resolve=resolve) as fetch:
            assert (await fetch.text(server.url(host="media.test"))).text == "ok"
            with pytest.raises(BlockedAddress, match=r"inner\.test"):
                await fetch.text("http://inner.test/")
        assert socks.asked == [("127.0.0.1", server.port)]


async def test_with_socks5h_the_proxy_gets_the_name_and_a_login() -> None:
    async with answering(lambda _: http(body=b"ok")) as server:
        async with (
            socks_server(login=(b"me", b"p@ss")) as socks,
            client(proxy=f"socks5h://me:p%40ss@127.0.0.1:{socks.port}", resolve=names()) as fetch,
        ):
            assert (await fetch.text(server.url(host="media.test"))).text == "ok"
        assert socks.asked == [("media.test", server.port)]
        assert socks.logins == [(b"me", b"p@ss")]


@pytest.mark.parametrize(
    ("login", "words"),
    [("", "does not take this kind of login"), ("me:wrong@", "refused the login")],
)
async def test_a_refused_login_is_a_network_failure(login: str, words: str) -> None:
    async with (
        socks_server(login=(b"me", b"right")) as socks,
        client(proxy=f"socks5h://{login}127.0.0.1:{socks.port}") as fetch,
    ):
        with pytest.raises(NetworkFailure, match=words):
            await fetch.text("http://media.test/")


async def test_what_a_socks_proxy_cannot_reach_is_a_network_failure() -> None:
    async with (
        socks_server(refuses=4) as socks,
        client(proxy=f"socks5h://127.0.0.1:{socks.port}") as fetch,
    ):
        with pytest.raises(NetworkFailure, match="host is unreachable"):
            await fetch.text("http://media.test/")


async def test_what_is_no_socks_proxy_is_a_network_failure() -> None:
    async with (
        answering(lambda _: http()) as server,
        client(proxy=f"socks5h://127.0.0.1:{server.port}", read_s=0.5, connect_s=0.5) as fetch,
    ):
        with pytest.raises(NetworkFailure):
            await fetch.text("http://media.test/")


async def test_a_proxy_that_refuses_a_tunnel_is_a_network_failure(forward_proxy: EgressProxy) -> None:
    async with client(proxy=forward_proxy.url.replace("reeldeck:", "reeldeck:wrong")) as fetch:
        with pytest.raises(NetworkFailure, match="the proxy refused") as caught:
            await fetch.text("https://media.test/")
    assert "proxy" in caught.value.hint


async def test_a_proxy_that_is_not_there_is_a_network_failure() -> None:
    async with answering(lambda _: http()) as server:
        gone = f"http://127.0.0.1:{server.port}"
    async with client(proxy=gone) as fetch:
        with pytest.raises(NetworkFailure, match="Connection refused"):
            await fetch.text("http://media.test/")


async def test_a_bad_proxy_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        async with client(proxy="ftp://proxy.example"):
            pass
