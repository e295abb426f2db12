"""What the dashboard knows of deliveries, and when it asks again."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.delivery import DeliveryState
from core.domain.errors import NetworkFailure
from core.domain.events import Event, EventType
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import NOW
from tui.outbox import KEPT, POLL_S, About, Outbox

D = DeliveryState
JOB, CHAT = About(job_id=1), About(chat_id=-100)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def outbox(engine) -> Outbox:
    return Outbox(engine)


def news(kind: EventType = EventType.TELEGRAM_SEND_FINISHED, job_id: int | None = 1) -> Event:
    return Event(1, job_id, kind, {}, NOW)


async def test_what_was_asked_for_once_is_known_and_not_asked_for_again(engine, outbox):
    sent = engine.add_delivery(1, state=D.SENT)
    assert outbox.wants(JOB, NOW)
    assert outbox.look(JOB, NOW) == ()
    await outbox.load(JOB, NOW)
    assert outbox.look(JOB, NOW) == [sent]
    assert outbox.is_loaded(JOB)
    assert not outbox.wants(JOB, NOW + 1000)
    assert outbox.next_change_s(NOW) is None


async def test_an_upload_is_asked_for_as_long_as_somebody_looks(engine, outbox):
    engine.add_delivery(1, state=D.SENDING)
    await outbox.load(JOB, NOW)
    assert not outbox.wants(JOB, NOW + POLL_S / 2)
    assert outbox.wants(JOB, NOW + POLL_S)
    outbox.look(JOB, NOW)
    assert outbox.next_change_s(NOW + 0.5) == POLL_S
    assert outbox.next_change_s(NOW + 2 * POLL_S) is None


async def test_a_countdown_moves_the_screen_without_asking_the_engine(engine, outbox):
    engine.add_delivery(1, not_before=NOW + 60)
    await outbox.load(JOB, NOW)
    outbox.look(JOB, NOW + 30)
    assert outbox.next_change_s(NOW + 30) == POLL_S
    assert not outbox.wants(JOB, NOW + 30)


async def test_news_make_the_job_and_every_chat_be_asked_for_again(engine, outbox):
    for about in (JOB, CHAT, About(job_id=2)):
        await outbox.load(about, NOW)
    outbox.hear(news())
    later = NOW + POLL_S
    assert [outbox.wants(about, later) for about in (JOB, CHAT, About(job_id=2))] == [True, True, False]
    assert not outbox.wants(JOB, NOW)
    await outbox.load(JOB, later)
    assert not outbox.wants(JOB, later + 1000)


async def test_events_that_say_nothing_of_deliveries_change_nothing(outbox):
    await outbox.load(JOB, NOW)
    outbox.hear(news(EventType.DOWNLOAD_STARTED))
    assert not outbox.wants(JOB, NOW + POLL_S)


async def test_one_question_at_a_time(engine, outbox, monkeypatch):
    answered = asyncio.Event()
    plain = engine.deliveries

    async def slow(**wanted):
        await answered.wait()
        return await plain(**wanted)

    monkeypatch.setattr(engine, "deliveries", slow)
    asking = asyncio.ensure_future(outbox.load(JOB, NOW))
    await asyncio.sleep(0)
    assert not outbox.wants(JOB, NOW + 1000)
    answered.set()
    await asking


async def test_after_a_refusal_what_was_known_stays(engine, outbox):
    sent = engine.add_delivery(1)
    await outbox.load(JOB, NOW)
    engine.fail_next("deliveries", NetworkFailure("no route"))
    with pytest.raises(NetworkFailure):
        await outbox.load(JOB, NOW)
    assert outbox.look(JOB, NOW) == [sent]


async def test_the_answer_to_a_command_is_seen_wherever_the_delivery_is(engine, outbox):
    failed = engine.add_delivery(1, state=D.FAILED)
    await outbox.load(JOB, NOW)
    await outbox.load(CHAT, NOW)
    again = failed.evolve(state=D.READY)
    outbox.adopt(again)
    assert outbox.look(JOB, NOW) == outbox.look(CHAT, NOW) == [again]


async def test_only_the_last_few_are_kept_and_none_beyond_a_loss(engine, outbox):
    for number in range(KEPT + 1):
        await outbox.load(About(job_id=number), NOW)
    assert not outbox.is_loaded(About(job_id=0))
    assert outbox.is_loaded(About(job_id=KEPT))
    outbox.forget()
    assert not outbox.is_loaded(About(job_id=KEPT))
