from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import httpx
import httpx_sse
import pytest
import websockets

from core.api import stream
from core.api.server import ApiServer
from core.domain.errors import StoreFailure
from core.domain.events import EventType
from core.domain.job import JobStatus
from core.domain.snapshot import Frame
from tests.fakes.api import plain_client, raw, serving
from tests.fakes.engine import FakeEngine


@dataclass
class World:
    engine: FakeEngine
    http: httpx.AsyncClient
    server: ApiServer

    @property
    def path(self) -> str:
        return str(self.server.path)


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    engine = FakeEngine()
    async with serving(engine, tmp_path) as server, plain_client(server.path) as client:
        yield World(engine, client, server)


@asynccontextmanager
async def listening(
    world: World, query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[httpx_sse.ServerSentEvent]]:
    """The messages of a stream of one's own."""
    url = f"/api/v1/events{query}"
    async with (
        httpx_sse.aconnect_sse(world.http, "GET", url, headers=headers) as source,
        aclosing(source.aiter_sse()) as messages,
    ):
        yield messages


async def read(world: World, count: int, **headers: str) -> list[httpx_sse.ServerSentEvent]:
    """The first *count* messages of a stream of one's own, `retry:` and comments left aside."""
    found: list[httpx_sse.ServerSentEvent] = []
    async with listening(world, **headers) as messages:
        async for message in messages:
            if message.data:
                found.append(message)
            if len(found) == count:
                break
    return found


async def test_a_stream_begins_with_the_engines_figures(world):
    world.engine.add_many(2)
    world.engine.speed_bps = 5.5
    async with world.http.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
    async with listening(world) as messages:
        retry = await anext(messages)
        first = await anext(messages)
    assert retry.retry == stream.RETRY_MS
    assert (first.event, first.id) == ("progress", "")
    data = first.json()
    assert data["counts"]["QUEUED"] == 2
    assert (data["speed_bps"], data["jobs"], data["deleted"]) == (5.5, [], [])


async def test_events_carry_their_number_and_progress_none(world):
    job = world.engine.add(title="e\nvent: x\r\n\nid: 5")
    reading = asyncio.create_task(read(world, 3))
    await world.engine.until_listeners(1)
    world.engine.move(job.id, JobStatus.RUNNING)
    _, event, progress = await reading
    assert (event.event, event.id) == ("STATUS_CHANGED", "1")
    assert event.json()["data"] == {"from": "QUEUED", "to": "RUNNING"}
    assert progress.event == "progress"
    (shown,) = progress.json()["jobs"]
    assert (shown["status"], shown["title"], shown["deliveries"]) == ("RUNNING", job.title, [])


async def test_deleted_jobs_are_told(world):
    world.engine.add(status=JobStatus.FAILED)
    reading = asyncio.create_task(read(world, 2))
    await world.engine.until_listeners(1)
    await world.engine.delete(1)
    assert (await reading)[1].json()["deleted"] == [1]


async def test_a_reconnecting_reader_misses_nothing_and_hears_nothing_twice(world):
    job = world.engine.add()
    heard: list[int] = []

    async def hear(until: int) -> None:
        last = str(heard[-1]) if heard else "0"
        async with listening(world, **{"last-event-id": last}) as messages:
            async for message in messages:
                if message.event != "progress" and message.data:
                    heard.append(int(message.id))
                if heard and heard[-1] >= until:
                    return

    for cut in range(100, 1100, 100):
        reading = asyncio.create_task(hear(cut))
        for _ in range(100):
            world.engine.emit(EventType.DISK_LOW, job.id)
            await asyncio.sleep(0)
        await reading
    assert heard == list(range(1, 1001))


async def test_a_new_reader_may_ask_for_a_replay_in_the_address(world):
    for _ in range(5):
        world.engine.emit(EventType.DISK_LOW)
    async with listening(world, "?last_event_id=3") as messages:
        replayed = [await anext(messages) for _ in range(4)]
    assert [(each.event, each.id) for each in replayed if each.event == "DISK_LOW"] == [
        ("DISK_LOW", "4"),
        ("DISK_LOW", "5"),
    ]
    for wrong in ("x", "-1", "1.5", "9" * 19, "٣"):
        answer = await world.http.get("/api/v1/events", params={"last_event_id": wrong})
        assert (answer.status_code, answer.json()["type"]) == (422, "INVALID_REQUEST")


async def test_a_large_frame_arrives_in_pieces_and_whole(world):
    jobs = world.engine.add_many(450)
    reading = asyncio.create_task(read(world, 1 + 450 + 3))
    await world.engine.until_listeners(1)
    events = tuple(world.engine._record(job.id, EventType.JOB_CREATED, {}) for job in jobs)
    world.engine.push(Frame(events=events, jobs=jobs, deleted=(999,)))
    _, *created, first, second, third = await reading
    assert [int(message.id) for message in created] == [event.seq for event in events]
    assert [len(message.json()["jobs"]) for message in (first, second, third)] == [200, 200, 50]
    assert [message.json()["deleted"] for message in (first, second, third)] == [[999], [], []]


async def test_silence_is_broken_by_comments(world, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.02)
    reader, writer = await raw(world.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    await reader.readuntil(b": still here\n\n")
    await reader.readuntil(b": still here\n\n")
    world.engine.emit(EventType.DISK_LOW)
    await reader.readuntil(b"event: DISK_LOW\n")
    writer.close()
    await world.engine.until_listeners(0)


async def test_a_reader_that_leaves_is_forgotten(world):
    for _ in range(5):
        await read(world, 1)
    await world.engine.until_listeners(0)


async def stopped_reader(world: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose reader takes nothing, with more waiting for it than the connection holds."""
    reader, writer = await raw(world.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.transport.pause_reading()
    await world.engine.until_listeners(1)
    job = world.engine.add(title="x" * 200_000)
    while not any(each.flow.write_paused for each in world.server._state.connections):
        world.engine.progress(job.id, 1, 100, 1.0)
        await asyncio.sleep(0)
    world.engine.progress(job.id, 2, 100, 1.0)
    return reader, writer


async def test_a_reader_that_stops_reading_costs_the_others_nothing(world):
    _, writer = await stopped_reader(world)
    for number in range(20):
        reading = asyncio.create_task(read(world, 2))
        await world.engine.until_listeners(2)
        world.engine.progress(1, number, 100, 1.0)
        assert (await reading)[1].json()["jobs"][0]["bytes_done"] == number
        await world.engine.until_listeners(1)  # the stopped one holds on the whole time
    writer.transport.abort()


async def test_a_reader_that_stops_reading_for_long_is_cut(world, monkeypatch):
    monkeypatch.setattr(stream, "PATIENCE_S", 0.1)
    monkeypatch.setattr(stream, "LAST_WORD_S", 0.1)
    reader, writer = await stopped_reader(world)
    await world.engine.until_listeners(0)
    writer.transport.resume_reading()
    taken = await reader.read()
    assert not taken.endswith(b"0\r\n\r\n")  # no orderly end: what had not been taken is dropped
    writer.close()


async def test_the_stopped_readers_backlog_is_merged_not_queued(world, monkeypatch):
    reader, writer = await raw(world.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.transport.pause_reading()
    await world.engine.until_listeners(1)
    jobs = world.engine.add_many(20, title="y" * 5_000)
    for number in range(1, 101):
        for job in jobs:
            world.engine.progress(job.id, number, 100, None)
        await asyncio.sleep(0)
    writer.transport.resume_reading()
    newest: dict[int, int] = {}
    received = 0
    while set(newest.values()) != {100}:
        line = await reader.readline()
        received += len(line)
        if line.startswith(b"data: "):
            newest |= {each["id"]: each["bytes_done"] for each in json.loads(line[6:])["jobs"]}
    assert len(newest) == 20
    assert received < 100 * 20 * 5_000 / 4
    writer.close()


async def test_there_is_room_for_so_many_streams_and_no_more(world, monkeypatch):
    monkeypatch.setattr(stream, "MAX_STREAMS", 2)
    writers = [
        (await raw(world.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"))[1] for _ in range(2)
    ]
    await world.engine.until_listeners(2)
    refused = await world.http.get("/api/v1/events")
    assert (refused.status_code, refused.json()["type"]) == (429, "LIMIT_REACHED")
    assert refused.headers["retry-after"] == "5"
    writers[0].close()
    await world.engine.until_listeners(1)
    assert len(await read(world, 1)) == 1
    writers[1].close()


async def test_the_engines_end_ends_the_stream_in_order(world):
    reader, writer = await raw(
        world.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    await world.engine.until_listeners(1)
    world.engine.cut_streams()
    assert (await reader.read()).endswith(b"0\r\n\r\n")
    world.engine.fail_next("stream", StoreFailure("x"))
    assert (await world.http.get("/api/v1/events")).status_code == 200
    writer.close()


async def test_the_servers_end_ends_the_stream_at_once(tmp_path):
    engine = FakeEngine()
    async with serving(engine, tmp_path) as server:
        reader, writer = await raw(server.path, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        await engine.until_listeners(1)
    assert (await reader.read()).endswith(b"0\r\n\r\n")
    assert engine.listeners == 0
    writer.close()


# WebSocket


def connect(world: World, query: str = "", **options) -> websockets.unix_connect:
    return websockets.unix_connect(
        world.path, f"ws://localhost/api/v1/ws{query}", compression=None, **options
    )


async def test_a_websocket_carries_the_same_objects(world):
    job = world.engine.add()
    world.engine.emit(EventType.DISK_LOW)
    world.engine.emit(EventType.FLOOD_WAIT, job.id, wait_s=3)
    async with connect(world, "?last_event_id=1") as ws:
        first = json.loads(await ws.recv())
        replayed = json.loads(await ws.recv())
        await ws.recv()
        await ws.send("left aside")
        world.engine.move(job.id, JobStatus.RUNNING)
        event = json.loads(await ws.recv())
        progress = json.loads(await ws.recv())
        assert ws.response.headers["x-reeldeck-version"]
    assert first["type"] == "progress"
    assert (replayed["seq"], replayed["type"], replayed["data"]) == (2, "FLOOD_WAIT", {"wait_s": 3})
    assert event["type"] == "STATUS_CHANGED"
    assert [each["status"] for each in progress["jobs"]] == ["RUNNING"]
    await world.engine.until_listeners(0)


async def test_a_websocket_is_refused_with_a_problem(world, monkeypatch):
    async def refused(query: str = "", **options) -> tuple[int, str]:
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with connect(world, query, **options):
                pass
        response = caught.value.response
        return response.status_code, json.loads(response.body)["type"]

    assert await refused("?last_event_id=x") == (422, "INVALID_REQUEST")
    assert await refused(origin="http://evil.example") == (403, "FORBIDDEN")
    monkeypatch.setattr(stream, "MAX_STREAMS", 0)
    assert await refused() == (429, "LIMIT_REACHED")


async def test_a_websocket_is_closed_when_the_server_goes(tmp_path):
    engine = FakeEngine()
    async with serving(engine, tmp_path) as server:
        ws = await websockets.unix_connect(str(server.path), "ws://localhost/api/v1/ws")
        await ws.recv()
    with pytest.raises(websockets.ConnectionClosed):
        await ws.recv()
    assert ws.close_code in {1001, 1012}
    assert engine.listeners == 0


async def test_a_websocket_reader_that_stops_reading_is_cut(world, monkeypatch):
    monkeypatch.setattr(stream, "PATIENCE_S", 0.2)
    ws = await connect(world, max_queue=1)
    ws.transport.pause_reading()
    await world.engine.until_listeners(1)
    job = world.engine.add(title="x" * 200_000)
    async with asyncio.timeout(10):
        while world.engine.listeners:
            world.engine.progress(job.id, 1, 2, None)
            await asyncio.sleep(0)
    ws.transport.abort()
    await ws.wait_closed()
