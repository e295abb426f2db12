"""The record of changes: in the transaction of what it tells, one line for each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from core.api.server import ApiServer
from core.domain.acting import ACTING, Acting
from core.domain.job import Request
from core.domain.token import AuditEntry
from core.engine.engine import Engine
from tests.fakes.api import plain_client

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def engine(run_engine) -> AsyncIterator[Engine]:
    async with run_engine(limits={"quiet_hours": "00:00-23:59"}) as running:
        yield running


@pytest.fixture
async def http(engine):
    server = ApiServer(engine, engine.settings, record=engine.record)
    await server.start()
    async with plain_client(server.path) as client:
        yield client
    await server.stop()


def acting() -> Acting:
    return Acting(AuditEntry(actor="socket", action="POST /x", target="/x", data={}, created=time.time()))


async def lines(engine: Engine) -> list[AuditEntry]:
    return list((await engine.audit()).items)


async def test_a_change_and_its_line_are_one_transaction(engine):
    store = engine._store
    token = ACTING.set(request := acting())
    before = store.commit_count
    job = (await engine.submit(Request(url=f"{NOWHERE}/a.mp3"))).job
    ACTING.reset(token)
    assert store.commit_count == before + 1
    assert request.is_written
    (line,) = await lines(engine)
    assert (line.actor, line.action, line.data) == ("socket", "POST /x", {"jobs": [job.id]})


async def test_what_changes_nothing_leaves_no_line_and_a_change_that_fails_none_either(engine):
    store = engine._store

    async def nothing(transaction):
        return await transaction.rows("SELECT 1")

    async def half(transaction):
        await transaction.execute("INSERT INTO settings (name, value) VALUES ('half', '1')")
        raise ValueError("broken off")

    token = ACTING.set(request := acting())
    await store._writer.run(nothing)
    with pytest.raises(ValueError, match="broken off"):
        await store._writer.run(half)
    ACTING.reset(token)
    assert not request.is_written
    assert await lines(engine) == []
    assert await store.switches.get("half") is None


async def test_many_transactions_of_one_request_are_one_line_with_all_their_jobs(engine, http):
    links = [{"url": f"{NOWHERE}/{number}.mp3"} for number in range(50)]
    answer = await http.post("/api/v1/jobs/batch", json={"items": links})
    ids = [item["job"]["id"] for item in answer.json()["items"]]
    await http.post("/api/v1/jobs/actions", json={"action": "cancel", "ids": ids})
    cancelled, made = await lines(engine)
    assert made.data == {"jobs": ids}
    assert sorted(cancelled.data["jobs"]) == ids


async def test_what_changes_no_row_is_written_down_as_well(engine, http):
    assert (await http.post("/api/v1/maintenance", json={"on": True})).status_code == 200
    assert (await http.post("/api/v1/stop")).status_code == 202
    assert [line.action for line in await lines(engine)] == ["POST /api/v1/stop", "POST /api/v1/maintenance"]


async def test_what_a_request_leaves_running_acts_for_nobody(engine, http):
    begun: list[asyncio.Task] = []

    async def later(url: str) -> None:
        await released.wait()
        await engine.submit(Request(url=url))

    released, submit = asyncio.Event(), engine.submit

    async def submitting(request):
        begun.append(asyncio.create_task(later(f"{NOWHERE}/later.mp3")))
        return await submit(request)

    engine.submit = submitting
    await http.post("/api/v1/jobs", json={"url": f"{NOWHERE}/now.mp3"})
    engine.submit = submit
    released.set()
    await begun[0]
    (line,) = await lines(engine)
    assert len(line.data["jobs"]) == 1
