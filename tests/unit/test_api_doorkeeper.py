from __future__ import annotations

import asyncio

import httpx
import pytest

from core.api.bodies import BATCH_PATH, MAX_BATCH_BODY_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES
from core.api.callers import Callers
from core.api.doorkeeper import Door, Doorkeeper
from core.api.metrics import Traffic
from core.api.problems import ProblemResponse
from core.domain.errors import NotFound, StoreFailure
from tests.fakes.api import a_token

TOKEN = "t" * 43


async def echo(scope, receive, send):
    message = await receive()
    if scope["path"] == "/fault":
        raise RuntimeError("a secret in the message")
    if scope["path"] == "/late-fault":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late to say")
    if scope["path"] == "/problem":
        await ProblemResponse(NotFound("x"))(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(message["body"])).encode()})


async def good(token):
    return a_token() if token == TOKEN else None


def keeper_of(app=echo, *, token_check=None, **options) -> Doorkeeper:
    return Doorkeeper(app, version="9.9", callers=Callers(token_check), traffic=Traffic(), **options)


def client(door: Door | None, **options) -> httpx.AsyncClient:
    keeper = keeper_of(**options)

    async def app(scope, receive, send):
        if door is not None:
            scope["state"] = {"door": door}
        await keeper(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def bearer(token=TOKEN):
    return {"authorization": f"Bearer {token}"}


async def test_the_socket_needs_no_token():
    async with client(Door.SOCKET) as http:
        answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["x-reeldeck-version"] == "9.9"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_tcp_always_needs_one():
    async with client(Door.TCP, token_check=good) as http:
        assert (await http.get("/", headers=bearer())).status_code == 200
        assert (await http.get("/", headers={"authorization": f"bearer   {TOKEN}"})).status_code == 200
        for headers in (
            {},
            {"authorization": ""},
            {"authorization": "Bearer"},
            {"authorization": f"Basic {TOKEN}"},
            bearer("wrong"),
            bearer(TOKEN[:-1]),
            bearer(TOKEN + "x"),
            bearer("t" * 600),
        ):
            refused = await http.get("/", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.json()["type"] == "FORBIDDEN"
            assert TOKEN[:20] not in refused.text


async def test_a_check_that_cannot_be_made_lets_nobody_in():
    async def broken(token):
        raise StoreFailure("disk I/O error")

    async with client(Door.TCP, token_check=broken) as http:
        refused = await http.get("/", headers=bearer())
    assert (refused.status_code, refused.json()["type"]) == (503, "STORE_ERROR")


async def test_without_a_token_check_nobody_comes_in_by_tcp():
    async with client(Door.TCP) as http:
        assert (await http.get("/", headers=bearer())).status_code == 401


async def test_a_connection_of_unknown_origin_is_taken_for_tcp():
    async with client(None, token_check=good) as http:
        assert (await http.get("/")).status_code == 401


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:99", "box.lan", "box.lan:80", "LOCALHOST"]
)
async def test_tcp_answers_to_its_own_names(host):
    async with client(Door.TCP, token_check=good, allowed_hosts={"box.lan"}) as http:
        assert (await http.get("/", headers={**bearer(), "host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil", "[::2]", "x", ""]
)
async def test_tcp_answers_to_no_other_name(host):
    async with client(Door.TCP, token_check=good, allowed_hosts={"box.lan"}) as http:
        refused = await http.get("/", headers={**bearer(), "host": host})
    assert refused.status_code == 403
    assert "api.allowed_hosts" in refused.json()["hint"]


async def test_tools_may_call_the_socket_what_they_like_but_a_rebound_name_is_refused():
    async with client(Door.SOCKET) as http:
        for host in ("x", "reeldeck", "unix", "localhost", "127.0.0.1"):
            assert (await http.get("/", headers={"host": host})).status_code == 200
        assert (await http.get("/", headers={"host": "rebound.example"})).status_code == 403


@pytest.mark.parametrize("door", list(Door))
async def test_foreign_pages_are_refused_by_both_doors(door):
    async with client(door, token_check=good) as http:
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://localhost:99"},
            {"sec-fetch-site": "cross-site"},
        ):
            refused = await http.post("/", headers=bearer() | headers)
            assert refused.status_code == 403, headers
        same = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
        assert (await http.post("/", headers=bearer() | same)).status_code == 200


async def test_a_body_within_the_limit_arrives_whole():
    async with client(Door.SOCKET) as http:
        assert (await http.post("/", content=b"x" * MAX_BODY_BYTES)).text == str(MAX_BODY_BYTES)
        many = b"x" * MAX_BATCH_BODY_BYTES
        assert (await http.post(BATCH_PATH, content=many)).text == str(MAX_BATCH_BODY_BYTES)


async def test_a_body_over_the_limit_is_refused_whether_its_length_was_told_or_not():
    async def pieces():
        for _ in range(17):
            yield b"x" * 65_536

    async with client(Door.SOCKET) as http:
        for content in (b"x" * (MAX_BODY_BYTES + 1), pieces()):
            refused = await http.post("/", content=content)
            assert refused.status_code == 413
            assert refused.json()["type"] == "INVALID_REQUEST"


async def test_a_head_over_the_limit_is_refused_however_it_arrives():
    async with client(Door.SOCKET) as http:
        assert (await http.get("/", headers={"x": "y" * (MAX_HEAD_BYTES - 500)})).status_code == 200
        for path, fields in (("/", {"x": "y" * MAX_HEAD_BYTES}), ("/?q=" + "y" * MAX_HEAD_BYTES, {})):
            refused = await http.get(path, headers=fields)
            assert (refused.status_code, refused.headers["connection"]) == (431, "close")
            assert refused.json()["type"] == "INVALID_REQUEST"


def post_scope():
    return {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"host", b"localhost"), (b"content-length", b"10")],
        "state": {"door": Door.SOCKET},
    }


async def test_a_body_that_does_not_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr("core.api.bodies.BODY_DEADLINE_S", 0.01)
    sent: list = []

    async def never():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await keeper_of()(post_scope(), never, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_a_fault_is_logged_once_and_shown_without_its_inside(caplog):
    async with client(Door.SOCKET) as http:
        answer = await http.get("/fault")
    assert answer.status_code == 500
    assert answer.json()["type"] == "UNKNOWN"
    assert "secret" not in answer.text
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_problems_of_the_inner_application_pass():
    async with client(Door.SOCKET) as http:
        assert (await http.get("/problem")).status_code == 404


async def test_half_a_body_is_not_taken_for_a_whole_one():
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": True}, {"type": "http.disconnect"}])
    asked: list = []

    async def app(scope, receive, send):
        asked.append(scope)

    async def receive():
        return next(messages)

    async def send(message):
        pass

    await keeper_of(app)(post_scope(), receive, send)
    assert asked == []
