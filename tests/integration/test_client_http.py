from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from core.api import stream
from core.client import http as client_http
from core.client.http import HttpEngineClient
from core.domain.errors import (
    ERRORS,
    EngineUnreachable,
    InvalidRequest,
    JobError,
    LimitReached,
    NoSuchJob,
    ReeldeckError,
)
from core.domain.events import EventType
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus, Kind, Request
from core.domain.snapshot import Frame, JobQuery, Submitted
from tests.fakes.api import raw, serving

URL = "https://example.org/a.mp4"


@pytest.fixture
async def client(engine, tmp_path) -> AsyncIterator[HttpEngineClient]:
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        yield client
        await client.close()


def assert_same(seen: Job, meant: Job) -> None:
    assert seen.to_json() == meant.to_json()


async def test_it_is_the_engines_interface(client):
    face: EngineInterface = client
    assert face is client


async def test_a_request_arrives_with_all_it_says(client, engine):
    request = Request(
        url=URL, kind=Kind.AUDIO, quality="720p", format="22", priority=4, force=True, profile="main",
        source="direct", out_dir="/media/x", user_id=5, chat_id=-100, idempotency_key="schlüssel",
    )  # fmt: skip
    submitted = await client.submit(request)
    assert engine.calls == [("submit", (request,))]
    assert submitted.joined is False
    assert_same(submitted.job, await engine.job(1))
    assert (await client.submit(request)).joined is True


async def test_many_requests_are_answered_one_by_one_in_order(client, monkeypatch):
    monkeypatch.setattr(client_http, "BATCH_ITEMS", 3)
    urls = [URL, "nonsense", URL, "https://example.org/b", "https://example.org/c", "", "x" * 9_000]
    answers = await client.submit_many([Request(url=url) for url in urls])
    jobs = [answer.job.id if isinstance(answer, Submitted) else answer.code for answer in answers]
    assert jobs == [1, "INVALID_REQUEST", 1, 2, 3, "INVALID_REQUEST", "INVALID_REQUEST"]
    assert await client.submit_many([]) == []


async def test_batches_stay_below_the_bodys_limit(client, engine):
    requests = [Request(url=f"https://example.org/{n}/" + "x" * 8_000) for n in range(1_000)]
    answers = await client.submit_many(requests)
    assert all(isinstance(answer, Submitted) for answer in answers)
    assert len([name for name, _ in engine.calls if name == "submit_many"]) == 2


async def test_jobs_are_read_page_by_page(client, engine):
    engine.add_many(5, chat_id=-7, source_type="youtube")
    engine.add("https://example.org/z", title="Other & more")
    engine.move(2, JobStatus.PAUSED)
    page = await client.jobs(JobQuery(limit=4))
    assert [job.id for job in page.items] == [6, 5, 4, 3]
    rest = await client.jobs(JobQuery(limit=4, after=page.next))
    assert ([job.id for job in rest.items], rest.next) == ([2, 1], None)
    query = JobQuery(
        statuses=frozenset({JobStatus.PAUSED, JobStatus.FAILED}), source="youtube", chat_id=-7, text="title 1"
    )
    assert [job.id for job in (await client.jobs(query)).items] == [2]
    assert [job.id for job in (await client.jobs(JobQuery(text="other & more"))).items] == [6]
    assert engine.calls[-2] == ("jobs", (query,))
    assert_same(await client.job(6), await engine.job(6))


async def test_actions_reach_the_engine_and_bring_back_the_job(client, engine):
    engine.add()
    assert (await client.pause(1)).status is JobStatus.PAUSED
    assert (await client.resume(1)).status is JobStatus.QUEUED
    assert (await client.cancel(1)).status is JobStatus.CANCELLED
    assert (await client.retry(1)).status is JobStatus.QUEUED
    patched = await client.patch(1, priority=3, position=2.5, title="Neu")
    assert (patched.priority, patched.position, patched.title) == (3, 2.5, "Neu")
    assert (await client.patch(1, priority=0)).title == "Neu"
    timeline = await client.events(1)
    assert timeline == [event for event in timeline if event.job_id == 1]
    assert [event.type for event in timeline] == [event.type for event in engine.log]
    await client.cancel(1)
    await client.delete(1)
    with pytest.raises(NoSuchJob):
        await client.job(1)
    with pytest.raises(InvalidRequest):
        await client.patch(1)


async def test_the_rest_of_the_interface(client, engine):
    engine.engine_facts = {"now": "2026-01-02T03:04:05.678Z"}
    assert await client.status() == await engine.status()
    assert await client.sources() == await engine.sources()
    request = Request(url=URL, kind=Kind.VIDEO, quality="720p", profile="p")
    seen = await client.preview(request)
    assert engine.calls[-1] == ("preview", (request,))
    meant = await engine.preview(request)
    assert (seen.title, seen.kind, list(seen.formats)) == (meant.title, Kind.VIDEO, list(meant.formats))
    assert client.engine_version
    await client.stop_engine()
    assert engine.stop_asked.is_set()


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_every_error_arrives_as_itself(client, engine, code):
    engine.fail_next("job", ERRORS[code]("détail", hint="do"))
    with pytest.raises(ReeldeckError) as caught:
        await client.job(1)
    assert type(caught.value) is ERRORS[code]
    assert (caught.value.detail, caught.value.hint) == ("détail", "do")


async def test_times_to_wait_arrive_too(client, engine):
    engine.fail_next("submit", LimitReached("queue", retry_after_s=30))
    with pytest.raises(LimitReached) as caught:
        await client.submit(Request(url=URL))
    assert caught.value.retry_after_s == 30
    engine.fail_next("preview", ERRORS["HTTP_ERROR"]("x", remote_status=418))  # type: ignore[call-arg]
    with pytest.raises(JobError) as refused:
        await client.preview(Request(url=URL))
    assert refused.value.remote_status == 418


# Nobody there


async def assert_unreachable(client: HttpEngineClient) -> None:
    with pytest.raises(EngineUnreachable):
        await client.status()
    with pytest.raises(EngineUnreachable):
        async for _ in client.stream():
            pass
    await client.close()


async def test_without_a_socket_no_engine_is_running(tmp_path):
    await assert_unreachable(HttpEngineClient(tmp_path / "none.sock"))


async def test_a_socket_that_nobody_serves_is_no_engine(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    await assert_unreachable(HttpEngineClient(tmp_path / "dead.sock"))


async def test_an_engine_that_hangs_up_is_unreachable(tmp_path):
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(hang_up, tmp_path / "e.sock"):
        await assert_unreachable(HttpEngineClient(tmp_path / "e.sock"))


async def test_an_engine_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    done = asyncio.Event()

    async def say_nothing(reader, writer):
        await done.wait()
        writer.close()

    monkeypatch.setattr(client_http, "SILENCE_S", 0.02)
    monkeypatch.setattr(
        HttpEngineClient._ask, "__kwdefaults__", {**HttpEngineClient._ask.__kwdefaults__, "timeout_s": 0.02}
    )
    async with await asyncio.start_unix_server(say_nothing, tmp_path / "e.sock"):
        await assert_unreachable(HttpEngineClient(tmp_path / "e.sock"))
        done.set()


async def test_something_else_on_the_socket_is_not_taken_for_an_engine(tmp_path):
    async def web_server(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops")
        writer.close()

    async with await asyncio.start_unix_server(web_server, tmp_path / "e.sock"):
        client = HttpEngineClient(tmp_path / "e.sock")
        with pytest.raises(ReeldeckError) as caught:
            await client.status()
        assert caught.value.code == "UNKNOWN"
        await client.close()


async def test_an_engine_that_comes_back_is_spoken_to_again(engine, tmp_path):
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        await client.status()
    with pytest.raises(EngineUnreachable):
        await client.status()
    async with serving(engine, tmp_path):
        await client.status()
    await client.close()


# The stream


async def take(frames: AsyncIterator[Frame]) -> Frame:
    return await anext(frames)


async def test_frames_arrive_as_the_engine_made_them(client, engine):
    job = engine.add(title="عنوان")
    async with aclosing(client.stream()) as frames:
        first = await take(frames)
        assert (first.counts[JobStatus.QUEUED], list(first.jobs)) == (1, [])
        moved = engine.move(job.id, JobStatus.RUNNING)
        frame = await take(frames)
        assert [event.seq for event in frame.events] == [1]
        assert_same(frame.jobs[0], moved)
        engine.speed_bps = 7.5
        engine.progress(job.id, 5, 10, 7.5)
        live = await take(frames)
        assert (live.jobs[0].bytes_done, live.speed_bps, list(live.events)) == (5, 7.5, [])
        engine.move(job.id, JobStatus.FAILED)
        await take(frames)
        await engine.delete(job.id)
        assert list((await take(frames)).deleted) == [job.id]
    await engine.until_listeners(0)


async def test_a_reconnecting_client_misses_nothing_and_hears_nothing_twice(client, engine):
    heard: list[int] = []

    async def listen() -> None:
        cut = False
        async for frame in client.stream(last_seq=heard[-1] if heard else 0):
            heard.extend(event.seq for event in frame.events)
            if frame.events and not cut:
                engine.emit(EventType.FLOOD_WAIT)
                engine.cut_streams()
                cut = True

    for _ in range(10):
        for _ in range(20):
            engine.emit(EventType.DISK_LOW)
        with pytest.raises(EngineUnreachable):
            await listen()
    async with aclosing(client.stream(last_seq=heard[-1])) as frames:
        while heard[-1] < engine.log[-1].seq:
            heard += [event.seq for event in (await anext(frames)).events]
    assert heard == [event.seq for event in engine.log]


async def test_a_stream_that_is_refused_raises_the_reason(client, engine, monkeypatch):
    monkeypatch.setattr(stream, "MAX_STREAMS", 0)
    with pytest.raises(LimitReached):
        async for _ in client.stream():
            pass


async def test_heartbeats_are_not_frames(client, engine, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)
    engine.emit(EventType.DISK_LOW)
    async with aclosing(client.stream(last_seq=0)) as frames:
        await anext(frames)
        await anext(frames)
        waiting = asyncio.create_task(take(frames))
        reader, writer = await raw(client._socket, b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(3):
            await reader.readuntil(b": still here\n\n")
        writer.close()
        assert not waiting.done()
        engine.emit(EventType.FLOOD_WAIT)
        assert [event.type for event in (await waiting).events] == [EventType.FLOOD_WAIT]


async def test_leaving_a_stream_or_cancelling_it_lets_go_of_it(client, engine):
    async with aclosing(client.stream()) as frames:
        await anext(frames)
    await engine.until_listeners(0)

    async def listen() -> None:
        async for _ in client.stream():
            pass

    task = asyncio.create_task(listen())
    await engine.until_listeners(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await engine.until_listeners(0)
    await client.status()
