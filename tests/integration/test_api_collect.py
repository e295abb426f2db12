"""Collections through the real API and its client, before an engine in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.api import stream
from core.client.http import HttpEngineClient
from core.domain.errors import EngineUnreachable, FloodWait, InvalidRequest, ReeldeckError
from core.domain.messenger import Collect, Collected
from core.domain.token import Scope
from tests.fakes.api import a_token, free_port, plain_client, serving
from tests.fakes.engine import FakeEngine

STEPS = [
    Collected(),
    Collected(seen=50, found=2, size_bytes=9, added=1, joined=1, sample=("\x1b[31m", "الصبر"), jobs=(4, 5)),
    Collected(seen=60, found=2, size_bytes=9, added=1, joined=1, is_done=True),
]


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.collected = list(STEPS)
    return made


@pytest.fixture
async def client(engine: FakeEngine, tmp_path: Path) -> AsyncIterator[HttpEngineClient]:
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        yield client
        await client.close()


async def test_figures_arrive_as_the_engine_told_them(client, engine):
    wanted = Collect(
        chat="@lectures", topic_id=3, limit=10, types=frozenset({"audio", "voice"}), since=1_700_000_000.25,
        until=1_800_000_000.0, grep="on patience", dry_run=True,
    )  # fmt: skip
    assert [each async for each in client.collect(wanted)] == STEPS
    assert engine.calls == [("collect", (wanted,))]


async def test_what_is_not_said_is_as_by_default(client, engine):
    assert len([each async for each in client.collect(Collect(chat="-1001"))]) == 3
    assert engine.calls == [("collect", (Collect(chat="-1001"),))]


async def test_a_refusal_at_the_beginning_is_an_answer_like_any_other(client, engine, tmp_path):
    engine.collected = [InvalidRequest("there is no such chat", hint="Look again.")]
    with pytest.raises(InvalidRequest, match="no such chat") as refused:
        await anext(client.collect(Collect(chat="@nobody")))
    assert refused.value.hint == "Look again."


async def test_what_ends_it_early_is_told_after_the_figures(client, engine):
    engine.collected = [STEPS[1], FloodWait("3000 s", retry_after_s=3000.0)]
    figures = client.collect(Collect(chat="@lectures"))
    assert await anext(figures) == STEPS[1]
    with pytest.raises(FloodWait) as ended:
        await anext(figures)
    assert ended.value.retry_after_s == 3000


async def test_an_end_without_a_last_word_is_told(client, engine):
    engine.collected = STEPS[:1]
    with pytest.raises(EngineUnreachable):
        assert [each async for each in client.collect(Collect(chat="@lectures"))]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"chat": ""},
        {"chat": "@x", "types": ["photo"]},
        {"chat": "@x", "limit": -1},
        {"chat": "@x", "since": "yesterday"},
        {"chat": "@x", "since": "2024-05-31T00:00:00"},
        {"chat": "@x", "more": 1},
    ],
)
async def test_a_body_of_another_shape_is_refused(engine, tmp_path, body):
    async with serving(engine, tmp_path) as server, plain_client(server.path) as http:
        answer = await http.post("/api/v1/collect", json=body)
    assert answer.status_code == 422
    assert answer.json()["type"] == "INVALID_REQUEST"
    assert engine.calls == []


async def test_it_is_json_lines_with_times_in_iso(engine, tmp_path):
    body = {"chat": "@x", "since": "2024-05-31T18:00:00+02:00"}
    async with serving(engine, tmp_path) as server, plain_client(server.path) as http:
        answer = await http.post("/api/v1/collect", json=body)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["seen"] for line in answer.text.splitlines()] == [0, 50, 60]
    ((_, (wanted,)),) = engine.calls
    assert wanted.since == datetime(2024, 5, 31, 16, tzinfo=UTC).timestamp()


class Waiting(FakeEngine):
    """Begins a collection and never goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    async def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        try:
            yield Collected()
            await asyncio.Event().wait()
        finally:
            self.ended.set()


async def test_whoever_hangs_up_ends_it(tmp_path):
    engine = Waiting()
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        figures = client.collect(Collect(chat="@x"))
        assert await anext(figures) == Collected()
        await figures.aclose()
        await client.close()
        async with asyncio.timeout(10):
            await engine.ended.wait()


async def test_silence_is_broken_and_a_server_that_stops_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)
    engine = Waiting()
    async with serving(engine, tmp_path) as server, plain_client(server.path) as http:
        async with http.stream("POST", "/api/v1/collect", json={"chat": "@x"}) as answer:
            lines = answer.aiter_lines()
            assert json.loads(await anext(lines))["seen"] == 0
            assert [await anext(lines) for _ in range(2)] == ["", ""]
            await server.stop()
            assert not any([line async for line in lines])
        assert engine.ended.is_set()


async def test_over_tcp_it_takes_an_admins_token(engine, tmp_path):
    async def allows(secret: str):
        return a_token(Scope(secret))

    async with serving(engine, tmp_path, token_check=allows, tcp_port=free_port()) as server:
        import httpx

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.tcp_port}", trust_env=False) as http:
            codes = {}
            for scope in (Scope.CONTROL, Scope.ADMIN):
                headers = {"authorization": f"Bearer {scope.value}"}
                answer = await http.post("/api/v1/collect", json={"chat": "@x"}, headers=headers)
                codes[scope] = answer.status_code
    assert codes == {Scope.CONTROL: 403, Scope.ADMIN: 200}


async def test_the_real_engine_says_how_to_get_an_account(run_engine):
    async with run_engine() as engine:
        with pytest.raises(ReeldeckError, match="Telegram"):
            await anext(engine.collect(Collect(chat="@x")))
