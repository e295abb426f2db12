"""TLS: whose certificate is taken, for which name, and what is said when it is not."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest

from core.domain.errors import ConfigError, NetworkFailure
from tests.fakes.wire import Asked, Authority, answering, client, http, names, read_asked, talking

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="NOTHING ABOUT TLS IS TESTED: there is no openssl to make certificates with",
)
MEDIA = names(media_test="127.0.0.1", other_test="127.0.0.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def media_context(authority: Authority) -> ssl.SSLContext:
    return authority.server_context("DNS:media.test")


async def test_a_server_is_trusted_by_the_ca_file_and_asked_for_by_its_name(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    asked_for = []
    media_context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    body = bytes(range(256)) * 20_000
    async with answering(lambda _: http(body=body), tls=media_context) as server:
        async with client(resolve=MEDIA, ca_file=authority.ca_file) as fetch:
            for _ in range(2):
                async with fetch.stream(server.url(host="media.test")) as response:
                    chunks = [chunk async for chunk in response.chunks()]
                assert b"".join(chunks) == body
        assert (asked_for, server.connections) == (["media.test"], 1)
        assert server.asked[0].headers["host"] == f"media.test:{server.port}"


async def test_records_are_joined_into_large_pieces(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    async with (
        answering(lambda _: http(body=bytes(8 * 2**20)), tls=media_context) as server,
        client(resolve=MEDIA, ca_file=authority.ca_file) as fetch,
        fetch.stream(server.url(host="media.test")) as response,
    ):
        sizes = [len(chunk) async for chunk in response.chunks()]
    assert sum(sizes) == 8 * 2**20
    assert max(sizes) > 64 * 1024  # one record holds 16 KiB


async def test_an_address_may_have_a_certificate(authority: Authority) -> None:
    async with (
        answering(lambda _: http(body=b"ok"), tls=authority.server_context("IP:127.0.0.1")) as server,
        client(ca_file=authority.ca_file) as fetch,
    ):
        assert (await fetch.text(server.url())).text == "ok"


async def test_an_unknown_issuer_is_refused_with_a_hint_about_ca_file(media_context: ssl.SSLContext) -> None:
    async with answering(lambda _: http(), tls=media_context) as server, client(resolve=MEDIA) as fetch:
        with pytest.raises(NetworkFailure, match=r"certificate of media\.test is not trusted") as caught:
            await fetch.text(server.url(host="media.test"))
        assert "network.ca_file" in caught.value.hint
        assert server.asked == []


async def test_a_certificate_for_another_name_is_refused(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    async with answering(lambda _: http(), tls=media_context) as server:
        async with client(resolve=MEDIA, ca_file=authority.ca_file) as fetch:
            for host in ("other.test", "127.0.0.1"):
                with pytest.raises(NetworkFailure, match="not trusted"):
                    await fetch.text(server.url(host=host))
        assert server.asked == []


async def test_what_is_no_tls_is_a_network_failure(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with talking(plain) as one, talking(mute) as other, client() as fetch:
        for server in (one, other):
            with pytest.raises(NetworkFailure, match=r"no connection to 127\.0\.0\.1"):
                await fetch.text(f"https://127.0.0.1:{server.port}/")


async def test_a_body_that_tls_cuts_short_is_a_network_failure(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")  # it would end with the connection
        await writer.drain()
        writer.transport.abort()

    async with (
        talking(cut, tls=media_context) as server,
        client(resolve=MEDIA, ca_file=authority.ca_file) as fetch,
    ):
        with pytest.raises(NetworkFailure):
            await fetch.text(server.url(host="media.test"))


async def test_from_https_to_http_nothing_personal_goes_along(
    authority: Authority, media_context: ssl.SSLContext
) -> None:
    async with answering(lambda _: http(body=b"x")) as plain:

        def answer(_asked: Asked) -> bytes:
            return http(302, location=plain.url("/file", host="media.test"))

        async with (
            answering(answer, tls=media_context) as secure,
            client(resolve=MEDIA, ca_file=authority.ca_file) as fetch,
        ):
            headers = {"Authorization": "Bearer s", "X-Token": "s"}
            async with fetch.stream(
                secure.url(host="media.test"), headers=headers, cookies={"session": "s"}
            ) as response:
                assert response.status == 200
    assert "cookie" in secure.asked[0].headers
    assert not {"authorization", "x-token", "cookie"} & set(plain.asked[0].headers)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_an_unusable_ca_file_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"network\.ca_file"):
        async with client(ca_file=path):
            pass
