"""The HTTP client against loopback servers: requests, bodies, connections, statuses."""

from __future__ import annotations

import asyncio
import gzip
import time
from email.utils import formatdate
from http.cookiejar import CookieJar

import pytest

from core.domain.errors import (
    AuthRequired,
    GeoBlocked,
    HttpFailure,
    InvalidRequest,
    JobError,
    NetworkFailure,
    NotFound,
    ParserFailure,
    RateLimited,
)
from core.net.http.client import Response, parse_retry_after, raise_for_status
from core.net.pace import Bandwidth, HostPace
from tests.fakes.wire import Asked, answering, client, http, read_asked, talking


async def body_of(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.chunks()])


async def test_a_body_arrives_whole_and_as_it_was_sent() -> None:
    body = bytes(range(256)) * 40_000
    async with answering(lambda _: http(body=body, x_thing="Yes")) as server, client() as fetch:
        async with fetch.stream(server.url("/a%2Fb?q=%20x&y='|")) as response:
            assert (response.status, response.headers["X-THING"]) == (200, "Yes")
            assert await body_of(response) == body
        assert server.asked[0].path == "/a%2Fb?q=%20x&y='|"


async def test_a_body_comes_in_pieces_much_larger_than_httpcores_64_kib() -> None:
    async with (
        answering(lambda _: http(body=bytes(16 * 2**20))) as server,
        client() as fetch,
        fetch.stream(server.url()) as response,
    ):
        sizes = [len(chunk) async for chunk in response.chunks()]
    assert sum(sizes) == 16 * 2**20
    assert max(sizes) > 256 * 1024


async def test_a_chunked_body_and_one_that_ends_with_the_connection_are_read() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: r\r\n\r\n"
    )

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nabcde")

    async with answering(lambda _: chunked) as one, talking(closing) as other, client() as fetch:
        for server in (one, other):
            async with fetch.stream(server.url()) as response:
                assert await body_of(response) == b"abcde"


async def test_nothing_but_what_was_asked_for_is_sent() -> None:
    async with (
        answering(lambda _: http()) as server,
        client() as fetch,
        fetch.stream(server.url(), headers={"User-Agent": "Mine", "X-A": "é\udc80", "Accept-Encoding": "br"}),
    ):
        pass
    assert server.asked[0].headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "Mine",
        "accept": "*/*",
        "x-a": "é?",
        "accept-encoding": "identity",
    }


async def test_fields_about_the_connection_cannot_be_given() -> None:
    forbidden = {
        "Host": "evil.test",
        "Connection": "close",
        "Transfer-Encoding": "chunked",
        "Content-Length": "9",
    }
    async with (
        answering(lambda _: http()) as server,
        client() as fetch,
        fetch.stream(server.url(), headers=forbidden),
    ):
        pass
    assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"
    assert not {"connection", "transfer-encoding", "content-length"} & set(server.asked[0].headers)


async def test_a_header_that_breaks_the_line_is_refused() -> None:
    async with answering(lambda _: http()) as server, client() as fetch:
        with pytest.raises(InvalidRequest):
            async with fetch.stream(server.url(), headers={"X-A": "1\r\nX-B: 2"}):
                pass
    assert server.asked == []


async def test_a_post_carries_its_content() -> None:
    async with (
        answering(lambda _: http(201)) as server,
        client() as fetch,
        fetch.stream(server.url("/hook"), method="POST", content=b'{"a": 1}') as response,
    ):
        assert response.status == 201
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b'{"a": 1}')


async def test_cookies_are_sent_and_none_are_kept_between_requests() -> None:
    async with answering(lambda _: http(set_cookie="planted=1")) as server, client() as fetch:
        async with fetch.stream(server.url(), cookies={"a": "1", "b": "x=y"}):
            pass
        async with fetch.stream(server.url()):
            pass
    assert [asked.headers.get("cookie") for asked in server.asked] == ["a=1; b=x=y", None]


async def test_a_jar_learns_and_gives_cookies() -> None:
    jar = CookieJar()
    async with answering(lambda _: http(set_cookie="guest=7; Path=/")) as server, client() as fetch:
        for _ in range(2):
            async with fetch.stream(server.url(), cookies=jar):
                pass
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, "guest=7"]


async def test_a_connection_is_used_again_once_its_body_was_read() -> None:
    def answer(asked: Asked) -> bytes:
        whole = http(body=b"12345")
        return whole.removesuffix(b"12345") if asked.method == "HEAD" else whole

    async with answering(answer) as server, client() as fetch:
        for _ in range(5):
            async with fetch.stream(server.url()) as response:
                await body_of(response)
        async with fetch.stream(server.url()) as response:
            async for _chunk in response.chunks():
                break  # all that was announced has come, though the end was not looked at
        async with fetch.stream(server.url(), method="HEAD"):
            pass
        await fetch.text(server.url())
        assert (len(server.asked), server.connections) == (8, 1)


async def test_an_answer_can_be_left_early_and_the_rest_is_never_sent() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async with talking(endless) as server, client() as fetch:
        async with fetch.stream(server.url()) as response:
            async for _chunk in response.chunks():
                break
        await asyncio.wait_for(server.hung_up.wait(), 5)
        assert sent < 64 * 2**20
        with pytest.raises(KeyError):
            async with fetch.stream(server.url()):
                raise KeyError


async def test_cancelling_a_reader_drops_its_connection_and_leaves_the_client_usable() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        if asked.path == "/ok":
            writer.write(b"12345")
        started.set()
        await reader.read()

    started = asyncio.Event()
    async with talking(silent) as server, client() as fetch:
        task = asyncio.create_task(fetch.text(server.url("/hangs")))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.hung_up.wait()
        assert (await fetch.text(server.url("/ok"))).text == "12345"


async def test_kept_connections_that_the_server_closes_cost_no_failure() -> None:
    """The server closes each just as its second request arrives: the client cannot have known."""
    together = asyncio.Barrier(3)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_asked(reader)
        if asked.path == "/together":
            await together.wait()
        writer.write(http(body=b"ok"))
        await read_asked(reader)  # closes on it

    async with talking(talk) as server, client() as fetch:
        await asyncio.gather(*(fetch.text(server.url("/together")) for _ in range(3)))
        assert server.connections == 3
        assert (await fetch.text(server.url())).text == "ok"
        assert server.connections == 4


async def test_a_new_connection_that_the_server_closes_is_a_failure_after_one_try() -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)

    async with talking(talk) as server, client() as fetch:
        with pytest.raises(NetworkFailure, match=r"127\.0\.0\.1"):
            await fetch.text(server.url())
        assert server.connections == 1


async def test_a_post_is_never_sent_twice() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(http(body=b"ok"))
        await read_asked(reader)

    async with talking(talk) as server, client() as fetch:
        await fetch.text(server.url())
        with pytest.raises(NetworkFailure):
            async with fetch.stream(server.url(), method="POST", content=b"x"):
                pass
        assert server.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000 + b"\r\n",
        b"",
    ],
    ids=lambda raw: raw[:40].decode("latin-1").replace("\r\n", " "),
)
async def test_a_short_or_broken_answer_is_a_network_failure(raw: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_asked(reader)
        writer.write(raw)
        await writer.drain()

    async with talking(talk) as server, client() as fetch:
        with pytest.raises(NetworkFailure):
            async with fetch.stream(server.url()) as response:
                await body_of(response)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, gzip", "GZIP"])
async def test_a_compressed_body_is_refused_though_its_status_can_be_seen(coding: str) -> None:
    packed = gzip.compress(gzip.compress(bytes(2**24)))
    async with (
        answering(lambda _: http(body=packed, content_encoding=coding)) as server,
        client() as fetch,
        fetch.stream(server.url()) as response,
    ):
        assert response.status == 200
        with pytest.raises(NetworkFailure, match="compressed"):
            await body_of(response)


async def test_identity_is_no_coding() -> None:
    async with (
        answering(lambda _: http(body=b"x", content_encoding="Identity")) as server,
        client() as fetch,
        fetch.stream(server.url()) as response,
    ):
        assert await body_of(response) == b"x"


async def test_a_page_is_decoded_and_its_type_is_plain() -> None:
    page = "<meta charset=windows-1256>سلسلة"

    def answer(asked: Asked) -> bytes:
        if asked.path == "/old":
            return http(body=page.encode("cp1256"), content_type="Text/HTML")
        packed = gzip.compress(b"#EXTM3U\n")
        return http(body=packed, content_encoding="gzip", content_type="application/x-mpegURL; charset=utf-8")

    async with answering(answer) as server, client() as fetch:
        old = await fetch.text(server.url("/old"))
        assert (old.text, old.content_type, old.status, old.url) == (
            page,
            "text/html",
            200,
            server.url("/old"),
        )
        playlist = await fetch.text(server.url("/list"))
        assert (playlist.text, playlist.content_type) == ("#EXTM3U\n", "application/x-mpegurl")


async def test_a_page_that_is_too_large_is_left_when_the_limit_is_passed() -> None:
    async with answering(lambda _: http(body=bytes(5000))) as server, client() as fetch:
        with pytest.raises(ParserFailure, match="4999"):
            await fetch.text(server.url(), max_bytes=4999)
        assert len((await fetch.text(server.url(), max_bytes=5000)).text) == 5000


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, HttpFailure),
        (401, AuthRequired),
        (403, HttpFailure),
        (404, NotFound),
        (408, NetworkFailure),
        (410, NotFound),
        (416, HttpFailure),
        (429, RateLimited),
        (451, GeoBlocked),
        (500, HttpFailure),
        (503, HttpFailure),
    ],
)
async def test_a_status_becomes_its_error_with_the_host_but_no_query(
    status: int, kind: type[JobError]
) -> None:
    async with answering(lambda _: http(status, retry_after="7")) as server, client() as fetch:
        with pytest.raises(JobError) as caught:
            await fetch.text(server.url("/p?token=secret"))
    assert type(caught.value) is kind
    assert (caught.value.remote_status, caught.value.retry_after_s) == (status, 7.0)
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_only_allowed_statuses_pass() -> None:
    async with answering(lambda asked: http(int(asked.path[1:]))) as server, client() as fetch:
        for status, allow, passes in [(200, {200, 206}, True), (204, {200}, False), (416, {416}, True)]:
            async with fetch.stream(server.url(f"/{status}")) as response:
                if passes:
                    raise_for_status(response, allow=frozenset(allow))
                else:
                    with pytest.raises(HttpFailure):
                        raise_for_status(response, allow=frozenset(allow))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("86400", 3600),
        ("9" * 400, 3600),
        (formatdate(1_700_000_060, usegmt=True), 60),
        (formatdate(1_699_999_000, usegmt=True), 0),
        (formatdate(1_700_999_000, usegmt=True), 3600),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
        ("Tue, 14 Nov 99999 22:14:20 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, now=1_700_000_000) == seconds


async def test_the_bandwidth_cap_holds_for_the_client() -> None:
    bandwidth = Bandwidth(400_000)
    async with answering(lambda _: http(body=bytes(200_000))) as server, client(bandwidth=bandwidth) as fetch:
        began = time.monotonic()
        async with fetch.stream(server.url()) as response:
            sizes = [len(chunk) async for chunk in response.chunks()]
    assert sum(sizes) == 200_000
    assert max(sizes) == 16_384  # a piece is the worth of a few hundredths of a second, and not smaller
    assert time.monotonic() - began > 0.35  # half a second less the saved-up moment


async def test_a_host_that_asked_for_patience_is_left_alone() -> None:
    async with answering(lambda _: http(429, retry_after="600")) as server, client(pace=HostPace()) as fetch:
        for _ in range(3):
            with pytest.raises(RateLimited) as caught:
                await fetch.text(server.url())
            assert caught.value.retry_after_s == pytest.approx(600, abs=5)
        assert len(server.asked) == 1


async def test_many_requests_at_once_go_through_one_client() -> None:
    async with answering(lambda asked: http(body=asked.path.encode())) as server, client() as fetch:
        pages = await asyncio.gather(*(fetch.text(server.url(f"/{number}")) for number in range(100)))
        assert [page.text for page in pages] == [f"/{number}" for number in range(100)]
