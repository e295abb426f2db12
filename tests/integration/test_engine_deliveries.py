"""Files on their way to chats, through the real engine: asked for once, whatever happens between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import FloodWait, Forbidden, LimitReached, StaleClaim
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, ReplyTo, Request
from core.domain.snapshot import Submitted
from core.engine.engine import Engine
from core.sources import registry
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.fakes.playlists import Playlists
from tests.integration.conftest import until

WAITING, READY, SENDING = DeliveryState.WAITING, DeliveryState.READY, DeliveryState.SENDING
SENT, SKIPPED, FAILED = DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.FAILED
TONE = made_once(audio_mp3, "tone.mp3").read_bytes()
CHAT = -1001


@pytest.fixture
def tone(origin) -> str:
    """A file that is there at once."""
    origin.put("/tone.mp3", TONE)
    return origin.url("/tone.mp3")


async def asked(engine: Engine, url: str, message: int = 7, *, chat: int = CHAT, **options) -> Job:
    """What a message with this link leads to."""
    request = Request(
        url=url,
        chat_id=chat,
        reply=ReplyTo(chat, message),
        idempotency_key=f"tg:{chat}:{message}:{url}",
        **options,
    )
    (answer,) = await engine.take_links([request])
    assert isinstance(answer, Submitted), answer
    return answer.job


async def due(engine: Engine, count: int = 1) -> Sequence[Delivery]:
    """What can be sent, once it is so many."""
    while len(found := await engine.due_deliveries()) < count:
        await engine.wait_for_due()
    return found


def states(deliveries: Sequence[Delivery]) -> list[DeliveryState]:
    return [delivery.state for delivery in deliveries]


async def test_a_file_is_due_as_soon_as_its_job_is_done(run_engine, origin):
    held = origin.put("/tone.mp3", TONE)
    held.always = Fault(hold_after=1000)
    async with run_engine() as engine:
        job = await asked(engine, origin.url("/tone.mp3"))
        assert states(await engine.deliveries_of(job_id=job.id)) == [WAITING]
        assert await engine.due_deliveries() == []
        held.always = Fault()
        origin.release.set()
        (delivery,) = await due(engine)
        assert (delivery.job_id, delivery.chat_id, delivery.reply_to) == (job.id, CHAT, 7)
        assert (await engine.job(job.id)).status is JobStatus.COMPLETED


async def test_sending_is_told_of_in_the_jobs_timeline(run_engine, tone):
    async with run_engine() as engine:
        job = await asked(engine, tone)
        (delivery,) = await due(engine)
        begun = await engine.begin_delivery(delivery.id)
        assert (begun.state, begun.attempt, begun.random_id) == (SENDING, 1, delivery.random_id)
        with pytest.raises(StaleClaim):
            await engine.begin_delivery(delivery.id)
        sent = await engine.end_delivery(delivery.id, message_id=11, document_id=12)
        assert (sent.state, sent.message_id, sent.document_id) == (SENT, 11, 12)
        told = [event.type for event in await engine.events(job.id)]
        assert told[-2:] == [EventType.TELEGRAM_SEND_STARTED, EventType.TELEGRAM_SEND_FINISHED]
        with pytest.raises(StaleClaim):
            await engine.end_delivery(delivery.id, message_id=11)


async def test_a_message_that_is_read_again_asks_for_nothing_new(run_engine, tone):
    async with run_engine() as engine:
        job = await asked(engine, tone)
        (delivery,) = await due(engine)
        again = await asked(engine, tone)
        assert again.id == job.id
        assert [each.id for each in await engine.deliveries_of(job_id=job.id)] == [delivery.id]


async def test_a_later_message_gets_what_is_there_already_at_once(run_engine, tone):
    async with run_engine() as engine:
        job = await asked(engine, tone, 7)
        await due(engine)
        later = await asked(engine, tone, 8)
        assert later.id == job.id
        assert [each.reply_to for each in await engine.due_deliveries()] == [7, 8]


async def test_a_file_that_is_gone_is_fetched_again_for_whoever_asks_next(run_engine, tone):
    async with run_engine() as engine:
        first = await asked(engine, tone, 7)
        await due(engine)
        done = await engine.job(first.id)
        assert done.file_path is not None
        Path(done.file_path).unlink()
        assert (await asked(engine, tone, 7)).id == first.id  # the same message, heard again
        second = await asked(engine, tone, 8)
        assert second.id != first.id
        assert [each.reply_to for each in await engine.deliveries_of(job_id=first.id)] == [7]
        assert [each.reply_to for each in await engine.deliveries_of(job_id=second.id)] == [8]


async def test_what_cannot_be_fetched_is_told_and_waits_again_when_it_is_retried(run_engine, origin):
    origin.put("/tone.mp3", TONE).always = Fault(status=404)
    async with run_engine() as engine:
        job = await asked(engine, origin.url("/tone.mp3"))
        failed = await until(engine, job.id, JobStatus.FAILED)
        (delivery,) = await engine.deliveries_of(job_id=job.id)
        assert (delivery.state, delivery.error_type) == (FAILED, failed.error_type)
        assert delivery.error_message == failed.error_message
        origin.put("/tone.mp3", TONE)
        await engine.retry(job.id)
        (again,) = await due(engine)
        assert (again.id, again.error_type, again.random_id) == (delivery.id, None, delivery.random_id)


async def test_a_cancelled_job_sends_nothing(run_engine, origin):
    origin.put("/tone.mp3", TONE).always = Fault(hold_after=1000)
    async with run_engine() as engine:
        job = await asked(engine, origin.url("/tone.mp3"))
        await engine.cancel(job.id)
        (delivery,) = await engine.deliveries_of(job_id=job.id)
        assert (delivery.state, delivery.error_message) == (FAILED, "The job was cancelled")


async def test_a_wait_that_telegram_asks_for_is_waited_out(run_engine, tone):
    async with run_engine() as engine:
        job = await asked(engine, tone)
        (delivery,) = await due(engine)
        await engine.begin_delivery(delivery.id)
        error = FloodWait(retry_after_s=0.2)
        waiting = await engine.fail_delivery(delivery.id, error, retry_at=delivery.updated + 0.5)
        assert (waiting.state, waiting.error_type) == (READY, "FLOOD_WAIT")
        assert await engine.due_deliveries() == []
        last = (await engine.events(job.id))[-1]
        assert (last.type, last.data["wait_s"]) == (EventType.FLOOD_WAIT, 0.2)
        async with asyncio.timeout(5):
            while not (found := await engine.due_deliveries()):
                await engine.wait_for_due()
        (again,) = found
        assert (again.id, again.random_id) == (delivery.id, delivery.random_id)


async def test_a_time_that_comes_between_a_look_and_the_wait_ends_the_wait(run_engine, tone, monkeypatch):
    async with run_engine() as engine:
        await asked(engine, tone)
        (delivery,) = await due(engine)
        await engine.begin_delivery(delivery.id)
        await engine.fail_delivery(delivery.id, FloodWait(), retry_at=time.time() + 3600)
        async with asyncio.timeout(5):
            await engine.wait_for_due()  # It is ready, for later.
            assert await engine.due_deliveries() == []
            monkeypatch.setattr(engine._outbox, "_clock", lambda: time.time() + 3601)
            await engine.wait_for_due()
            assert [each.id for each in await engine.due_deliveries()] == [delivery.id]


async def test_what_was_refused_for_good_is_sent_when_somebody_asks_again(run_engine, tone):
    async with run_engine() as engine:
        job = await asked(engine, tone)
        (delivery,) = await due(engine)
        await engine.begin_delivery(delivery.id)
        refused = await engine.fail_delivery(delivery.id, Forbidden("may not write there"), retry_at=None)
        assert refused.state is FAILED
        assert (await engine.events(job.id))[-1].type is EventType.TELEGRAM_SEND_FAILED
        again = await engine.retry_delivery(delivery.id)
        assert (again.state, again.error_type, again.random_id) == (READY, None, delivery.random_id)
        assert [each.id for each in await due(engine)] == [delivery.id]


async def test_an_interrupted_send_goes_on_with_its_upload_after_a_restart(run_engine, tone):
    async with run_engine() as engine:
        await asked(engine, tone)
        (delivery,) = await due(engine)
        await engine.begin_delivery(delivery.id)
        await engine.note_upload(delivery.id, upload_id=99, parts_done=3, parts_total=8)
    async with run_engine() as engine:
        (again,) = await due(engine)
        assert (again.id, again.state, again.random_id) == (delivery.id, READY, delivery.random_id)
        assert (again.upload_id, again.upload_parts_done, again.upload_parts_total) == (99, 3, 8)
        assert (await engine.begin_delivery(again.id)).attempt == 2


async def test_a_list_is_sent_as_its_items_to_all_who_asked_for_it(run_engine, origin, monkeypatch):
    origin.put("/list", b"page", content_type="text/html")
    origin.put("/tone.mp3", TONE)
    origin.put("/held.mp3", TONE)
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), Playlists(origin, 3)])
    async with run_engine() as engine:
        job = await asked(engine, origin.url("/list"), 7)
        found = await due(engine, 3)
        assert {each.reply_to for each in found} == {7}
        assert job.id not in {each.job_id for each in found}
        (own,) = await engine.deliveries_of(job_id=job.id)
        assert own.state is SKIPPED
        await asked(engine, origin.url("/list"), 8)
        late = await engine.deliveries_of(reply_to=ReplyTo(CHAT, 8))
        assert sorted(states(late)) == [READY, READY, READY, SKIPPED]
        assert {each.job_id for each in late} == {each.job_id for each in found} | {job.id}


async def test_nothing_new_is_taken_in_maintenance(run_engine, tone):
    async with run_engine() as engine:
        await engine.set_maintenance(is_on=True)
        assert (await engine.status())["limits"]["maintenance"] is True
        (refused,) = await engine.submit_many([Request(url=tone)])
        assert isinstance(refused, LimitReached)
    async with run_engine(only_submitted=True) as engine:
        # Somebody's own command is no request to the engine that is maintained.
        assert isinstance((await engine.submit_many([Request(url=tone)]))[0], Submitted)
    async with run_engine() as engine:
        assert await engine.is_in_maintenance()
        await engine.set_maintenance(is_on=False)
        assert isinstance((await engine.submit_many([Request(url=tone)]))[0], Submitted)


async def test_links_that_lead_to_one_file_are_answered_each_where_it_was_asked(run_engine, origin):
    async with Origin() as short:
        for name in ("a", "b"):
            short.put_redirect(f"/{name}", origin.url("/tone.mp3"))
        held = origin.put("/tone.mp3", TONE)
        held.always = Fault(hold_after=1000)
        hosts = {"short_links": {"hosts": [f"{short.host}:{short.port}"]}}
        async with run_engine(sources=hosts) as engine:
            first = await asked(engine, short.url("/a"), 7)
            second = await asked(engine, short.url("/b"), 8)
            await until(engine, second.id, JobStatus.PENDING)
            held.always = Fault()
            origin.release.set()
            found = await due(engine, 2)
            assert {each.reply_to for each in found} == {7, 8}
            files = {(await engine.job(each.job_id)).file_path for each in found}
            assert (len(files), {each.job_id for each in found}) == (1, {first.id, second.id})


async def test_a_retried_item_of_a_list_goes_to_whoever_asked_for_the_list(run_engine, origin, monkeypatch):
    origin.put("/list", b"page", content_type="text/html")
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), Playlists(origin, 1)])
    async with run_engine() as engine:
        job = await asked(engine, origin.url("/list"), 7)
        await until(engine, job.id, JobStatus.COMPLETED)
        _own, item = await engine.deliveries_of(reply_to=ReplyTo(CHAT, 7))
        await until(engine, item.job_id, JobStatus.FAILED)
        assert (await engine.deliveries_of(job_id=item.job_id))[0].state is FAILED
        origin.put("/held.mp3", TONE)
        await engine.retry(item.job_id)
        (found,) = await due(engine)
        assert (found.id, found.reply_to) == (item.id, 7)
