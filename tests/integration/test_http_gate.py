"""The gate is in force below the HTTP client, for first requests and redirects alike."""

from __future__ import annotations

import pytest

from core.config.settings import Network, Timeouts
from core.domain.errors import BlockedAddress, HttpFailure, InvalidRequest, NetworkFailure
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from tests.fakes.wire import Asked, answering, client, http, names


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "127.1", "2130706433", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_loopback_reaches_a_listening_server(host: str) -> None:
    async with answering(lambda _: http()) as server, client(allow=()) as fetch:
        with pytest.raises(BlockedAddress):
            await fetch.text(server.url(host=host))
        assert server.connections == 0


async def test_the_environment_cannot_put_a_proxy_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        answering(lambda _: http(body=b"proxied")) as proxy,
        answering(lambda _: http(body=b"own")) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        async with client() as fetch:
            assert (await fetch.text(server.url())).text == "own"
        assert proxy.connections == 0


async def test_a_name_that_is_rebound_between_two_connections_is_blocked_without_a_packet() -> None:
    resolve = names(media_test=["127.0.0.1", "127.0.0.2"])
    async with (
        answering(lambda _: http(body=b"public", connection="close")) as public,
        client(resolve=resolve) as fetch,
        answering(lambda _: http(body=b"private"), host="127.0.0.2", port=public.port) as private,
    ):
        assert (await fetch.text(public.url(host="media.test"))).text == "public"
        with pytest.raises(BlockedAddress, match=r"media\.test \(127\.0\.0\.2\)"):
            await fetch.text(public.url(host="media.test"))
        assert (public.connections, private.connections) == (1, 0)


async def test_the_connection_goes_to_the_judged_answer_while_host_stays_the_name() -> None:
    looked_up = []

    async def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    async with answering(lambda _: http(body=b"ok")) as server, client(resolve=resolve) as fetch:
        assert (await fetch.text(server.url(host="no-such-name.test"))).text == "ok"
        assert server.asked[0].headers["host"] == f"no-such-name.test:{server.port}"
        assert looked_up == ["no-such-name.test"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_private_address_is_blocked_without_a_packet(status: int) -> None:
    async with (
        answering(lambda _: http(), host="127.0.0.2") as private,
        answering(lambda _: http(status, location=private.url("/admin?x=1"))) as public,
        client() as fetch,
    ):
        with pytest.raises(BlockedAddress, match=r"127\.0\.0\.2 is this machine"):
            await fetch.text(public.url())
        assert (public.connections, private.connections) == (1, 0)


async def test_a_redirect_to_a_name_with_a_private_address_is_blocked_without_a_packet() -> None:
    resolve = names(inner_test="127.0.0.2")
    async with answering(lambda _: http(), host="127.0.0.2") as private:
        location = private.url("/admin", host="inner.test")
        async with (
            answering(lambda _: http(302, location=location)) as public,
            client(resolve=resolve) as fetch,
        ):
            with pytest.raises(BlockedAddress, match=r"inner\.test"):
                await fetch.text(public.url())
            assert private.connections == 0


async def test_redirects_are_followed_and_the_answer_tells_where_it_came_from() -> None:
    def answer(asked: Asked) -> bytes:
        if asked.path == "/end":
            return http(body=b"here")
        return http(302, body=b"moved", location="/end" if asked.path == "/2" else "/2")

    async with answering(answer) as server, client() as fetch:
        page = await fetch.text(server.url("/1"))
        assert (page.text, page.url) == ("here", server.url("/end"))
        assert server.connections == 1  # short bodies of redirects are read, so the connection is kept


async def test_cookies_and_custom_headers_do_not_cross_to_another_origin() -> None:
    secrets = {"Authorization": "Bearer s", "X-Api-Key": "s", "Referer": "http://s/", "Range": "bytes=1-"}
    async with (
        answering(lambda _: http(206, body=b"x")) as other,
        answering(lambda _: http(302, location=other.url("/file"))) as first,
        client() as fetch,
        fetch.stream(first.url(), headers=secrets, cookies={"session": "s"}) as response,
    ):
        assert response.status == 206
    assert {"authorization", "x-api-key", "referer", "cookie"} <= set(first.asked[0].headers)
    assert set(other.asked[0].headers) == {"host", "user-agent", "accept", "accept-encoding", "range"}


async def test_they_do_go_along_within_the_origin() -> None:
    def answer(asked: Asked) -> bytes:
        return http() if asked.path == "/end" else http(302, location="/end")

    async with (
        answering(answer) as server,
        client() as fetch,
        fetch.stream(server.url(), headers={"X-Api-Key": "s"}, cookies={"a": "b"}),
    ):
        pass
    assert (server.asked[1].headers["x-api-key"], server.asked[1].headers["cookie"]) == ("s", "a=b")


async def test_ten_redirects_are_followed_and_not_one_more() -> None:
    def answer(asked: Asked) -> bytes:
        left = int(asked.path[1:])
        return http(302, location=f"/{left - 1}") if left else http(body=b"done")

    async with answering(answer) as server, client() as fetch:
        assert (await fetch.text(server.url("/10"))).text == "done"
        with pytest.raises(HttpFailure, match="more than 10 redirects"):
            await fetch.text(server.url("/11"))
        assert len(server.asked) == 22


async def test_a_redirect_without_a_location_is_an_answer() -> None:
    async with (
        answering(lambda _: http(304)) as server,
        client() as fetch,
        fetch.stream(server.url()) as response,
    ):
        assert response.status == 304


async def test_a_bad_first_link_is_the_callers_mistake() -> None:
    async with client() as fetch:
        with pytest.raises(InvalidRequest):
            await fetch.text("file:///etc/passwd")


async def test_an_unknown_name_and_a_closed_port_are_network_failures() -> None:
    async with answering(lambda _: http()) as server:
        closed = server.url()
    async with client(resolve=names()) as fetch:
        with pytest.raises(NetworkFailure, match="Connection refused"):
            await fetch.text(closed)
        with pytest.raises(NetworkFailure, match=r"unknown\.test could not be looked up"):
            await fetch.text("http://unknown.test/")


async def test_a_client_is_made_from_settings_alone() -> None:
    fetch = HttpClient(AddressGate(), network=Network(), timeouts=Timeouts())
    await fetch.close()
