"""TCP with tokens: real engines, real store, real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets

from core.api import connections, stream
from core.api.server import ApiServer
from core.config.settings import Settings
from core.domain.errors import InvalidRequest, NoSuchEntry, StoreFailure
from core.domain.snapshot import JobQuery
from core.domain.token import Scope
from core.engine.tokens import PREFIX
from core.store.store import Store
from tests.fakes.api import a_token, free_port, plain_client, serving
from tests.fakes.engine import FakeEngine


@asynccontextmanager
async def tcp(engine: FakeEngine, folder: Path, **api) -> AsyncIterator[tuple[ApiServer, httpx.AsyncClient]]:
    """A served fake engine, and a client of its TCP door without a token."""
    async with (
        serving(
            engine,
            folder,
            token_check=engine.judge_token,
            record=engine.record,
            tcp_port=free_port(),
            **api,
        ) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.tcp_port}", trust_env=False) as http,
    ):
        yield server, http


async def bearer(engine: FakeEngine, *scopes: Scope, name: str = "phone") -> dict[str, str]:
    issued = await engine.create_token(name, scopes)
    return {"authorization": f"Bearer {issued.secret}"}


# The real engine


async def test_a_secret_is_told_once_and_only_its_hash_is_stored(run_engine, make_settings):
    async with run_engine() as engine:
        issued = await engine.create_token("phone", {Scope.READ})
        assert issued.secret.startswith(PREFIX)
        assert issued.secret not in repr(issued)
        assert await engine.judge_token(issued.secret) == issued.token
        assert await engine.judge_token(issued.secret + "x") is None
        (seen,) = await engine.tokens()
        assert (seen.name, seen.scopes, seen.revoked) == ("phone", {Scope.READ}, None)
        assert seen.last_used is not None
    for path in make_settings().paths.data_dir.glob("reeldeck.db*"):
        assert issued.secret.encode() not in path.read_bytes()


async def test_tokens_outlive_the_engine_until_they_are_revoked(run_engine):
    async with run_engine() as engine:
        kept = await engine.create_token("kept", {Scope.READ, Scope.CONTROL})
        ended = await engine.create_token("ended", {Scope.ADMIN})
        assert (await engine.revoke_token(ended.token.id)).revoked is not None
        assert await engine.judge_token(ended.secret) is None
    async with run_engine() as engine:
        known = await engine.judge_token(kept.secret)
        assert known is not None
        assert known.scopes == {Scope.READ, Scope.CONTROL}
        assert await engine.judge_token(ended.secret) is None
        with pytest.raises(NoSuchEntry):
            await engine.revoke_token(99)


async def test_the_name_of_a_valid_token_is_taken_and_that_of_an_ended_one_is_free(run_engine):
    async with run_engine() as engine:
        first = await engine.create_token("phone", {Scope.READ})
        with pytest.raises(InvalidRequest):
            await engine.create_token("phone", {Scope.READ})
        await engine.revoke_token(first.token.id)
        await engine.create_token("phone", {Scope.READ})
        for name in ("", "a b", "a\n", "-x", "x" * 65, "\u202e"):
            with pytest.raises(InvalidRequest):
                await engine.create_token(name, {Scope.READ})
        with pytest.raises(InvalidRequest):
            await engine.create_token("nothing", ())


async def test_a_change_over_tcp_is_written_down_without_its_link(
    run_engine, make_settings: Callable[..., Settings]
):
    settings = make_settings(api={"tcp_port": free_port()})
    async with run_engine() as engine:
        server = ApiServer(engine, settings, token_check=engine.judge_token, record=engine.record)
        await server.start()
        issued = await engine.create_token("phone", {Scope.SUBMIT, Scope.CONTROL})
        headers = {"authorization": f"Bearer {issued.secret}"}
        base = f"http://127.0.0.1:{server.tcp_port}/api/v1"
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            body = {"url": "http://127.0.0.1:9/a.mp4?signature=canary"}
            job = (await http.post(f"{base}/jobs", json=body)).json()
            await http.post(f"{base}/jobs/{job['id']}/pause")
            assert (await http.post(f"{base}/jobs/999/pause")).status_code == 404
            assert (await http.get(f"{base}/audit")).status_code == 403
        async with plain_client(server.path) as http:
            await http.post(f"/api/v1/jobs/{job['id']}/cancel")
            first = (await http.get("/api/v1/audit", params={"limit": 2})).json()
            rest = (await http.get("/api/v1/audit", params={"after": first["next"]})).json()
        await server.stop()
    told = first["items"] + rest["items"]
    assert [(each["actor"], each["action"], each["target"], each["data"]) for each in told] == [
        (
            "socket",
            "POST /api/v1/jobs/{id}/cancel",
            f"/api/v1/jobs/{job['id']}/cancel",
            {"jobs": [job["id"]]},
        ),
        (
            "token:phone",
            "POST /api/v1/jobs/{id}/pause",
            f"/api/v1/jobs/{job['id']}/pause",
            {"jobs": [job["id"]]},
        ),
        ("token:phone", "POST /api/v1/jobs", "/api/v1/jobs", {"jobs": [job["id"]]}),
    ]
    assert "canary" not in json.dumps(told)


async def test_old_entries_of_the_record_are_forgotten(tmp_path):
    store = await Store.open(tmp_path, None, on_commit=lambda _committed: None)
    engine = FakeEngine()
    async with (
        serving(engine, tmp_path / "api", record=store.audit.add) as server,
        plain_client(server.path) as http,
    ):
        for _ in range(3):
            await http.post("/api/v1/jobs", json={"url": "https://example.org/a"})
    entries = (await store.audit.page()).items
    assert len(entries) == 3
    assert await store.audit.forget(before=entries[0].created) == 2
    assert [entry.id for entry in (await store.audit.page()).items] == [3]
    await store.close()


# Scopes


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/jobs", Scope.READ),
        ("GET", "/api/v1/status", Scope.READ),
        ("GET", "/metrics", Scope.READ),
        ("GET", "/health", Scope.READ),
        ("GET", "/api/v1/metadata?url=https://example.org/a", Scope.SUBMIT),
        ("GET", "/api/v1/spaces/1abc/metadata", Scope.SUBMIT),
        ("POST", "/api/v1/jobs", Scope.SUBMIT),
        ("POST", "/api/v1/jobs/batch", Scope.SUBMIT),
        ("POST", "/api/v1/jobs/1/pause", Scope.CONTROL),
        ("PATCH", "/api/v1/jobs/1", Scope.CONTROL),
        ("DELETE", "/api/v1/jobs/1", Scope.CONTROL),
        ("POST", "/api/v1/jobs/actions", Scope.CONTROL),
        ("POST", "/api/v1/groups/1/pause", Scope.CONTROL),
        ("GET", "/api/v1/profiles", Scope.ADMIN),
        ("GET", "/api/v1/tokens", Scope.ADMIN),
        ("GET", "/api/v1/audit", Scope.ADMIN),
        ("POST", "/api/v1/stop", Scope.ADMIN),
        ("POST", "/api/v1/anything-new", Scope.ADMIN),
    ],
)
async def test_each_address_opens_to_its_scope_alone(tmp_path, method, path, scope):
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (_, http):
        others = [each for each in Scope if each not in {scope, Scope.ADMIN}]
        headers = await bearer(engine, *others, name="others")
        refused = await http.request(method, path, headers=headers)
        assert refused.status_code == 403
        assert scope.value in refused.json()["hint"]
        called = [name for name, _ in engine.calls if name != "create_token"]
        assert called == []
        headers = await bearer(engine, scope)
        answer = await http.request(method, path, headers=headers)
        # Whatever else is wrong with it, it got past the door.
        assert answer.status_code != 401
        assert "scope" not in answer.json().get("hint", "") if answer.status_code == 403 else True


async def test_an_administrator_may_see_tokens_over_tcp_but_not_make_or_end_them(tmp_path):
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (_, http):
        http.headers.update(await bearer(engine, Scope.ADMIN))
        assert [each["name"] for each in (await http.get("/api/v1/tokens")).json()["items"]] == ["phone"]
        body = {"name": "more", "scopes": ["admin"]}
        assert (await http.post("/api/v1/tokens", json=body)).status_code == 403
        assert (await http.delete("/api/v1/tokens/1")).status_code == 403
        assert len(engine.issued) == 1


# Rates


async def test_a_token_that_asks_too_often_is_told_when_to_come_back(tmp_path):
    engine = FakeEngine()
    async with tcp(engine, tmp_path, requests_per_s=2) as (_, http):
        fast, calm = await bearer(engine, Scope.READ), await bearer(engine, Scope.READ, name="calm")
        answers = [await http.get("/api/v1/sources", headers=fast) for _ in range(15)]
        assert [each.status_code for each in answers[:10]] == [200] * 10
        refused = answers[-1]
        assert (refused.status_code, refused.json()["type"]) == (429, "LIMIT_REACHED")
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert (await http.get("/api/v1/sources", headers=calm)).status_code == 200


# Streams


async def test_a_websocket_may_send_its_token_first_and_gets_what_sse_gets(tmp_path):
    engine = FakeEngine()
    engine.add()
    async with tcp(engine, tmp_path) as (server, http):
        headers = await bearer(engine, Scope.READ)
        token = headers["authorization"].removeprefix("Bearer ")
        uri = f"ws://127.0.0.1:{server.tcp_port}/api/v1/ws"
        async with (
            websockets.connect(uri, proxy=None) as late,
            websockets.connect(uri, additional_headers=headers, proxy=None) as early,
            http.stream("GET", "/api/v1/events", headers=headers) as sse,
        ):
            await late.send(json.dumps({"token": token}))
            lines = sse.aiter_lines()
            await engine.until_listeners(3)
            job = await engine.cancel(1)
            seen = [await until_event(socket, "JOB_CANCELLED") for socket in (late, early)]
            async for line in lines:
                if line.startswith("data:") and "JOB_CANCELLED" in line:
                    seen.append(json.loads(line.removeprefix("data:")))
                    break
        assert seen[0] == seen[1] == seen[2]
        assert seen[0]["job_id"] == job.id


async def until_event(socket, kind: str) -> dict:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == kind:
            return message
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("message", ["", "no json", "[]", "{}", '{"token": 1}', '{"token": "wrong"}', None])
async def test_a_websocket_without_a_good_token_learns_nothing(tmp_path, message, monkeypatch):
    monkeypatch.setattr(stream, "TOKEN_DEADLINE_S", 0.05 if message is None else 5.0)
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (server, _):
        uri = f"ws://127.0.0.1:{server.tcp_port}/api/v1/ws"
        async with websockets.connect(uri, proxy=None) as socket:
            if message is not None:
                await socket.send(message)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == stream.NOT_ALLOWED
        assert engine.listeners == 0


async def test_those_who_do_not_say_who_they_are_keep_nobody_out(tmp_path):
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (server, _):
        uri = f"ws://127.0.0.1:{server.tcp_port}/api/v1/ws"
        silent = [await websockets.connect(uri, proxy=None) for _ in range(stream.MAX_UNKNOWN)]
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(uri, proxy=None)
        assert refused.value.response.status_code == 429
        headers = await bearer(engine, Scope.READ)
        async with websockets.connect(uri, additional_headers=headers, proxy=None) as known:
            assert json.loads(await known.recv())["type"] == "progress"
        for socket in silent:
            await socket.close()


async def test_a_revoked_token_loses_its_open_streams(tmp_path):
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (server, http), plain_client(server.path) as local:
        headers = await bearer(engine, Scope.READ)
        (token_id,) = engine.issued
        async with http.stream("GET", "/api/v1/events", headers=headers) as events:
            await engine.until_listeners(1)
            assert (await local.delete(f"/api/v1/tokens/{token_id}")).json()["revoked"] is not None
            assert b"progress" in await events.aread()  # to its end
        assert (await http.get("/api/v1/jobs", headers=headers)).status_code == 401


async def test_one_token_cannot_take_all_streams(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_STREAMS_PER_TOKEN", 1)
    engine = FakeEngine()
    async with tcp(engine, tmp_path) as (server, http), plain_client(server.path) as local:
        headers = await bearer(engine, Scope.READ)
        async with http.stream("GET", "/api/v1/events", headers=headers):
            await engine.until_listeners(1)
            assert (await http.get("/api/v1/events", headers=headers)).status_code == 429
            async with local.stream("GET", "/api/v1/events") as own:
                assert own.status_code == 200


# Metrics and record


async def test_figures_for_prometheus_name_no_link_and_no_title(tmp_path):
    engine = FakeEngine()
    engine.add("https://secret.example/canary", title="canary")
    async with serving(engine, tmp_path) as server, plain_client(server.path) as http:
        await http.get("/api/v1/jobs/99")
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'reeldeck_jobs{status="QUEUED"} 1' in answer.text
    assert 'reeldeck_api_answers_total{method="GET",status="404"} 1' in answer.text
    assert "canary" not in answer.text
    for line in answer.text.splitlines():
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2


async def test_a_change_that_cannot_be_written_down_is_still_answered(tmp_path, caplog):
    async def broken(_entry) -> None:
        raise StoreFailure("disk I/O error")

    async with serving(FakeEngine(), tmp_path, record=broken) as server, plain_client(server.path) as http:
        answer = await http.post("/api/v1/jobs", json={"url": "https://example.org/a"})
    assert answer.status_code == 201
    assert "not written down" in caplog.text


async def test_a_refused_address_says_all_that_it_takes(tmp_path):
    async with serving(FakeEngine(), tmp_path) as server, plain_client(server.path) as http:
        answer = await http.put("/api/v1/jobs/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PATCH")


async def test_a_client_that_does_not_read_its_answer_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "UNREAD_S", 0.05)
    cut = asyncio.Event()

    class Watched(connections.Connection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            cut.set()

    monkeypatch.setattr("core.api.server.Connection", Watched)
    engine = FakeEngine()
    for number in range(500):
        engine.add(f"https://example.org/{number}", title="x" * 20_000)
    async with serving(engine, tmp_path) as server:
        reader, writer = await asyncio.open_unix_connection(str(server.path), limit=1024)
        writer.write(b"GET /api/v1/jobs?limit=500 HTTP/1.1\r\nHost: x\r\n\r\n")
        # It reads a little, and then no more: the rest waits at the other end.
        await reader.readexactly(500)
        await asyncio.wait_for(cut.wait(), 10)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(20_000 * 500)
        writer.close()


def test_what_a_token_opens():
    assert a_token(Scope.ADMIN).allows(Scope.CONTROL)
    assert not a_token(Scope.CONTROL).allows(Scope.READ)


async def test_strangers_with_hundreds_of_sockets_change_nothing_and_keep_nobody_out(tmp_path):
    engine = FakeEngine()
    attempts = (
        b"",
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: local",
        b'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n{"url":"https://example.org/"}',
        b"POST /api/v1/stop HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n{",
    )
    async with tcp(engine, tmp_path) as (server, http), plain_client(server.path) as local:
        headers = await bearer(engine, Scope.READ)
        writers = []
        for number in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port)
            writer.write(attempts[number % len(attempts)])
            writers.append(writer)
        for _ in range(10):
            assert (await http.get("/api/v1/jobs", headers=headers)).status_code == 200
            assert (await local.get("/api/v1/jobs")).status_code == 200
        assert len(server._state.connections) <= 2 * connections.MAX_CONNECTIONS
        assert {name for name, _ in engine.calls} == {"create_token", "jobs"}
        assert engine.trail == []
        for writer in writers:
            writer.close()


async def test_a_made_up_cursor_does_not_keep_the_engine_busy(run_engine):
    async with run_engine() as engine:
        query = JobQuery(text="no", source="direct", after="9" * 18)
        async with asyncio.timeout(5):
            assert (await engine.jobs(query)).items == []
