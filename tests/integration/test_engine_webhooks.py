"""Webhooks from the real engine to a loopback receiver: once, in order, signed, whatever happens."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.client.http import HttpEngineClient
from core.config.settings import Settings
from core.domain.errors import ConfigError, DiskFull, HttpFailure, NoSuchEntry, StoreFailure
from core.domain.job import JobStatus, Request, from_iso
from core.engine import webhooks
from core.engine.engine import Engine
from tests.fakes.api import serving
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Origin
from tests.fakes.receiver import Receiver
from tests.integration.conftest import finish, until

TONE = made_once(audio_mp3, "tone.mp3").read_bytes()
SECRET = bytes(range(32))
START = 1_000_000.0


@pytest.fixture
def secret_file(tmp_path) -> Path:
    file = tmp_path / "signing"
    file.touch(mode=0o600)
    file.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    return file


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
def run(make_settings: Callable[..., Settings], secret_file: Path):
    """A real engine that tells these addresses, with a clock that the test moves."""

    @asynccontextmanager
    async def running(*urls: str, clock: list[float], **sections) -> AsyncIterator[Engine]:
        # Jobs stay in the queue until they are cancelled, unless a test wants something else.
        sections = {"limits": {"quiet_hours": "00:00-23:59"}} | sections
        settings = make_settings(webhooks={"urls": urls, "secret_file": secret_file}, **sections)
        engine = Engine(settings)
        await engine.start()
        engine._webhooks._clock = lambda: clock[0]
        try:
            yield engine
        finally:
            await engine.stop()

    return running


async def cancelled(engine: Engine, count: int) -> list[int]:
    """So many jobs that were cancelled, in that order."""
    answers = await engine.submit_many(
        [Request(url=f"http://127.0.0.1:9/{number}.mp3") for number in range(count)]
    )
    ids = [answer.job.id for answer in answers]
    for job_id in ids:
        await engine.cancel(job_id)
    return ids


async def refused(engine: Engine, before: float | None) -> float:
    """When the only receiver is tried again, once that is not as *before*."""
    while True:
        (row,) = (await engine.status())["webhooks"]
        retry_at = from_iso(row["retry_at"])
        if retry_at is not None and retry_at != before:
            return retry_at
        await asyncio.sleep(0)


async def all_taken(engine: Engine) -> None:
    """Once nothing waits any more."""
    while True:
        if not any(row["waiting"] for row in (await engine.status())["webhooks"]):
            return
        await asyncio.sleep(0)


async def test_a_finished_job_is_told_with_its_file_and_a_signature(run, receiver, origin: Origin):
    origin.put("/tone.mp3", TONE)
    async with run(receiver.url, clock=[1_700_000_000.5], limits={}) as engine:
        job = await finish(engine, origin.url("/tone.mp3?sig=a"))
        await receiver.until_got(1)
        (got,) = receiver.got
        assert got.is_signed_by(SECRET)
        assert not got.is_signed_by(SECRET[:-1])
        assert got.timestamp == 1_700_000_000
        assert got.told["type"] == "job.completed"
        assert got.told["data"] == job.to_json()
        assert got.told["timestamp"].endswith("Z")


async def test_a_receiver_that_was_down_for_an_hour_gets_all_once_it_is_back_in_order(run, receiver):
    clock = [START]
    receiver.status = 503
    async with run(receiver.url, clock=clock) as engine:
        jobs = await cancelled(engine, 30)
        retry_at = await refused(engine, None)
        while retry_at < START + 3600:
            clock[0] = retry_at + 1
            engine._webhooks.wake()
            retry_at = await refused(engine, retry_at)
        (row,) = (await engine.status())["webhooks"]
        assert row["waiting"] == 30
        receiver.status, clock[0] = 204, retry_at + 1
        engine._webhooks.wake()
        await receiver.until_got(30)
        await all_taken(engine)
        assert [got.told["data"]["id"] for got in receiver.got] == jobs
        assert len({got.name for got in receiver.got}) == 30
        assert all(got.is_signed_by(SECRET) and got.timestamp == int(clock[0]) for got in receiver.got)
        (row,) = (await engine.status())["webhooks"]
        assert (row["waiting"], row["failing_since"], row["sent"]) == (0, None, 30)


async def test_what_waits_outlives_the_engine(run, receiver):
    receiver.status = 500
    async with run(receiver.url, clock=[1.0]) as engine:
        (job,) = await cancelled(engine, 1)
        await receiver.until(1)
    receiver.status = 204
    async with run(receiver.url, clock=[2.0]):
        await receiver.until_got(1)
    assert [got.told["data"]["id"] for got in receiver.got] == [job]
    assert receiver.got[0].told["type"] == "job.cancelled"


async def test_one_receivers_trouble_holds_up_nobody_else(run, receiver):
    async with Receiver(status=500) as broken, run(broken.url, receiver.url, clock=[1.0]) as engine:
        jobs = await cancelled(engine, 3)
        await receiver.until_got(3)
        await broken.until(1)
        assert [got.told["data"]["id"] for got in receiver.got] == jobs
        first, _ = (await engine.status())["webhooks"]
        assert first["waiting"] == 3
        assert first["error_type"] == "HTTP_ERROR"


async def test_a_receiver_that_asks_for_time_gets_it(run, receiver):
    clock = [1_000.0]
    receiver.status, receiver.headers = 429, (("retry-after", "600"),)
    async with run(receiver.url, clock=clock) as engine:
        await cancelled(engine, 1)
        await receiver.until(1)
        await refused(engine, None)
        (row,) = (await engine.status())["webhooks"]
        assert row["error_type"] == "RATE_LIMIT"
        assert row["retry_at"] == "1970-01-01T00:26:40.000Z"


async def test_a_redirect_is_not_followed(run, receiver):
    async with Receiver() as elsewhere:
        receiver.status, receiver.headers = 302, (("location", elsewhere.url),)
        async with run(receiver.url, clock=[1.0]) as engine:
            await cancelled(engine, 1)
            await receiver.until(1)
            await refused(engine, None)
        assert elsewhere.asked == 0


async def test_what_nobody_took_for_days_is_given_up_and_told(run, receiver):
    clock = [1_000.0]
    receiver.status = 500
    async with run(receiver.url, clock=clock) as engine:
        await cancelled(engine, 2)
        await receiver.until(1)
        # The messages bear the engine's own time.
        clock[0] = 4e9
        engine._webhooks.wake()
        await receiver.until(2)
        await all_taken(engine)
        (row,) = (await engine.status())["webhooks"]
        assert row["given_up"] == 2


async def test_a_receiver_that_was_taken_out_is_forgotten_and_its_address_is_nowhere(
    run, receiver, make_settings, caplog
):
    receiver.status = 500
    async with run(receiver.url, clock=[1.0]) as engine:
        await cancelled(engine, 1)
        await receiver.until(1)
    for path in make_settings().paths.data_dir.glob("reeldeck.db*"):
        assert b"canary-of-the-path" not in path.read_bytes()
    assert "canary-of-the-path" not in caplog.text
    async with run(clock=[1.0]) as engine:
        assert (await engine.status())["webhooks"] == []
        assert await engine._store.webhooks.receivers() == []


async def test_a_receiver_in_backoff_is_tried_at_once_when_somebody_asks(run, receiver, tmp_path):
    receiver.status = 503
    async with run(receiver.url, clock=[START]) as engine, serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        try:
            await cancelled(engine, 2)
            await refused(engine, None)
            receiver.status = 204
            (row,) = await client.webhooks()
            assert (row["waiting"], row["host"], row["error_type"]) == (2, "127.0.0.1", "HTTP_ERROR")
            assert (await client.send_webhooks(row["id"]))["waiting"] == 2
            await receiver.until_got(2)
            await all_taken(engine)
            (row,) = await client.webhooks()
            assert (row["waiting"], row["failing_since"], row["sent"]) == (0, None, 2)
            with pytest.raises(NoSuchEntry):
                await client.send_webhooks("0" * 16)
        finally:
            await client.close()


async def test_a_test_goes_past_what_waits_is_signed_and_says_why_it_was_not_taken(run, receiver):
    receiver.status = 503
    async with run(receiver.url, clock=[START]) as engine:
        await cancelled(engine, 1)
        await refused(engine, None)
        (row,) = await engine.webhooks()
        with pytest.raises(HttpFailure):
            await engine.test_webhook(row["id"])
        receiver.status = 204
        await engine.test_webhook(row["id"])
        (got,) = receiver.got
        assert got.is_signed_by(SECRET)
        assert got.told == {"type": "test", "timestamp": got.told["timestamp"], "data": {}}
        assert (await engine.webhooks())[0]["waiting"] == 1


async def test_an_engine_with_no_way_to_tell_says_so_before_it_begins(make_settings, secret_file, tmp_path):
    public = "https://hooks.example/x"
    short, absent, open_ = tmp_path / "short", tmp_path / "absent", tmp_path / "open"
    short.write_text("tiny")
    short.chmod(0o600)
    open_.write_text("x" * 40)
    open_.chmod(0o644)
    for section, allow in [
        ({"urls": [public]}, ()),
        ({"urls": [public], "secret_file": absent}, ()),
        ({"urls": [public], "secret_file": short}, ()),
        ({"urls": [public], "secret_file": open_}, ()),
        ({"urls": ["ftp://hooks.example/x"], "secret_file": secret_file}, ()),
        ({"urls": ["http://127.0.0.1/x"], "secret_file": secret_file}, ()),
    ]:
        settings = make_settings(webhooks=section, network={"allow_addresses": allow})
        with pytest.raises(ConfigError, match="webhooks"):
            await Engine(settings).start()


async def test_a_private_address_behind_a_name_gets_nothing(run, receiver):
    named = receiver.url.replace("127.0.0.1", "localhost")
    async with run(named, clock=[1.0], network={"allow_addresses": ()}) as engine:
        job = (await engine.submit(Request(url="https://media.example/a.mp3"))).job
        await engine.cancel(job.id)
        await until(engine, job.id, JobStatus.CANCELLED)
        await refused(engine, None)
        (row,) = (await engine.status())["webhooks"]
        assert row["error_type"] == "BLOCKED_ADDRESS"
    assert receiver.asked == 0


async def test_a_database_that_cannot_be_written_delays_and_ends_nothing(run, receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "BACKOFF_S", (0.01, 0.01))
    async with run(receiver.url, clock=[1.0]) as engine:
        outbox = engine._store.webhooks
        taken, refusals = outbox.taken, iter([DiskFull("no room"), StoreFailure("disk I/O error")])

        async def taken_at_last(key: str, message_id: int) -> None:
            if (refusal := next(refusals, None)) is not None:
                raise refusal
            await taken(key, message_id)

        monkeypatch.setattr(outbox, "taken", taken_at_last)
        await cancelled(engine, 2)
        await receiver.until_got(4)
        await all_taken(engine)
        assert engine.fault is None
    first, *again, second = [got.name for got in receiver.got]
    assert again == [first, first]
    assert second != first
