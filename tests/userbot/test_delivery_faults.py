"""Whatever happens on the way, each request is answered by one file."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.domain.delivery import DeliveryState
from core.domain.events import EventType
from tests.userbot.outbox import BIG_PART, FINAL, PARTS, SEND, SMALL_PART, large, once, outbox, song

__all__ = ["large", "outbox", "song"]
SENT, READY, SENDING, FAILED = (
    DeliveryState.SENT,
    DeliveryState.READY,
    DeliveryState.SENDING,
    DeliveryState.FAILED,
)


# -- crashes ------------------------------------------------------------------------------------------------


async def test_an_upload_that_a_crash_cut_off_goes_on_where_it_was(outbox, large):
    outbox.telegram.latency_s = 0.05
    job_id = await outbox.take(large, outbox.asked(large)[1])
    async with outbox.sending():
        await outbox.telegram.until(lambda: outbox.telegram.counts[BIG_PART] >= PARTS // 2)
    (cut,) = await outbox.engine.deliveries_of(job_id=job_id)
    assert (cut.state, cut.upload_parts_total) == (SENDING, PARTS)
    assert cut.upload_parts_done > 0
    await outbox.restart()
    await once(outbox, job_id)
    # What was in flight or not yet noted down is sent twice, and no more than that.
    assert outbox.telegram.counts[BIG_PART] <= PARTS + PARTS // 2 + 8 - cut.upload_parts_done


async def test_a_crash_before_the_send_leads_to_one_message(outbox, film):
    job_id = await outbox.take(film, outbox.asked(film)[1])
    async with outbox.sending():
        await outbox.telegram.until(lambda: outbox.telegram.counts[SMALL_PART] == 2)
    await outbox.restart()
    await once(outbox, job_id)


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_a_crash_between_send_and_commit_leads_to_one_message(outbox, film, is_remembered):
    job_id = await outbox.take(film, outbox.asked(film)[1])
    outbox.telegram.ignore(SEND)
    async with outbox.sending():
        await outbox.telegram.until(lambda: len(outbox.answers()) == 1)
    await outbox.restart()
    if not is_remembered:
        outbox.telegram.state.sent.clear()  # A random_id is known again for some time only.
    delivery = await once(outbox, job_id)
    assert delivery.attempt == 2


async def test_a_repeat_that_was_cut_off_between_send_and_commit_is_one_message(outbox, film):
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
    _, reply = outbox.asked(film)
    job_id = await outbox.take(film, reply)
    outbox.telegram.ignore(SEND)
    async with outbox.sending():
        await outbox.telegram.until(lambda: len(outbox.answers()) == 2)
    await outbox.restart()
    outbox.telegram.state.sent.clear()
    async with outbox.sending():
        await outbox.until(job_id, SENT)
    assert len(outbox.answers()) == 2


async def test_deliveries_begun_by_a_run_that_ended_are_taken_up_by_the_next(outbox, film):
    job_id = await outbox.take(film, outbox.asked(film)[1])
    outbox.telegram.ignore(SEND)
    async with outbox.sending():
        await outbox.telegram.until(lambda: len(outbox.answers()) == 1)
    await once(outbox, job_id)


@pytest.mark.parametrize("is_carried_out", [True, False])
async def test_a_connection_that_breaks_at_the_send_leads_to_one_message(outbox, film, is_carried_out):
    outbox.telegram.drop(SEND, after=is_carried_out)
    await once(outbox, await outbox.take(film, outbox.asked(film)[1]))


async def test_when_telegram_says_duplicate_our_message_is_found(outbox, film):
    outbox.client._request_retries = 1
    outbox.telegram.drop(SEND, after=True)
    outbox.telegram.fail(SEND, "RANDOM_ID_DUPLICATE")
    await once(outbox, await outbox.take(film, outbox.asked(film)[1]))


async def test_telegram_restarts_in_the_middle_of_an_upload(outbox, large):
    outbox.telegram.latency_s = 0.02
    job_id = await outbox.take(large, outbox.asked(large)[1])
    async with outbox.sending():
        await outbox.telegram.until(lambda: outbox.telegram.counts[BIG_PART] >= PARTS // 2)
        await outbox.telegram.restart()
        await outbox.until(job_id, SENT)
    assert len(outbox.answers()) == 1


async def test_a_wait_on_the_way_does_not_make_one_forget_that_it_may_be_there(outbox, film, monkeypatch):
    monkeypatch.setattr("userbot.delivery.send._MAKING_S", 0.3)
    outbox.telegram.ignore(SEND)
    job_id = await outbox.take(film, outbox.asked(film)[1])
    outbox.telegram.fail("messages.getHistory", "FLOOD_WAIT_1")
    async with outbox.sending():
        await outbox.telegram.until(lambda: len(outbox.answers()) == 1)
        outbox.telegram.state.sent.clear()
        delivery = (await outbox.until(job_id, *FINAL))[0]
    assert (delivery.state, len(outbox.answers())) == (SENT, 1)


async def test_a_send_that_is_never_answered_holds_up_nobody_for_ever(outbox, film, monkeypatch):
    monkeypatch.setattr("userbot.delivery.send._MAKING_S", 0.3)
    outbox.telegram.ignore(SEND)
    await once(outbox, await outbox.take(film, outbox.asked(film)[1]))


async def test_an_upload_that_was_stopped_in_peace_loses_only_what_was_in_flight(outbox, large):
    outbox.telegram.latency_s = 0.05
    job_id = await outbox.take(large, outbox.asked(large)[1])
    async with outbox.sending():
        await outbox.telegram.until(lambda: outbox.telegram.counts[BIG_PART] >= PARTS // 2)
    await outbox.restart()
    await once(outbox, job_id)
    assert outbox.telegram.counts[BIG_PART] <= PARTS + 8


# -- waits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [BIG_PART, SEND])
async def test_a_wait_parks_the_delivery_and_nothing_is_asked_meanwhile(outbox, large, method):
    outbox.telegram.flood(method, 1.2)
    job_id = await outbox.take(large, outbox.asked(large)[1])
    async with outbox.sending():
        parked = await outbox.parked(job_id)
        assert 0 < parked.not_before - time.time() <= 3
        assert parked.error_type == "FLOOD_WAIT"
        await outbox.until(job_id, SENT)
    # Parts that were in flight together could not know.
    assert outbox.telegram.script.impatient[method] <= (8 if method == BIG_PART else 0)
    events = [event.type for event in await outbox.engine.events(job_id)]
    assert EventType.FLOOD_WAIT in events
    assert len(outbox.answers()) == 1


async def test_a_wait_that_ends_while_the_outbox_rests_between_two_looks_ends(outbox, film, monkeypatch):
    monkeypatch.setattr("userbot.delivery.loop._REST_FACTOR", 1e6)
    monkeypatch.setattr("userbot.delivery.loop.JITTER_S", 0.1)
    outbox.telegram.flood(SMALL_PART, 1)
    await once(outbox, await outbox.take(film, outbox.asked(film)[1]))


@pytest.mark.parametrize("method", [BIG_PART, SEND])
async def test_a_short_wait_is_slept_through_at_the_spot(outbox, make_settings, large, method):
    await outbox.restart(make_settings(telegram={"flood_sleep_s": 5}))
    outbox.client.flood_sleep_threshold = 5
    outbox.telegram.flood(method, 1)
    delivery = await once(outbox, await outbox.take(large, outbox.asked(large)[1]))
    assert delivery.attempt == 1
    # Those that were in flight together are all told to wait; nothing else is sent twice.
    assert outbox.telegram.counts[BIG_PART] <= PARTS + 8


async def test_a_long_wait_for_sends_stops_all_sends_and_no_download(outbox, film, song):
    outbox.telegram.flood(SEND, 300)
    async with outbox.sending():
        first = await outbox.take(film, outbox.asked(film)[1])
        parked = await outbox.parked(first)
        assert 290 < parked.not_before - time.time() <= 301
        second = await outbox.take(song, outbox.asked(song)[1])
        await outbox.until(second, READY)
    assert outbox.telegram.counts[SEND] == 1


async def test_during_a_long_wait_for_uploads_what_telegram_has_goes_out(outbox, film, large):
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
        outbox.telegram.flood(BIG_PART, 300)
        slow = await outbox.take(large, outbox.asked(large)[1])
        parked = await outbox.parked(slow)
        assert parked.not_before > time.time() + 290
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT


async def test_a_chat_in_slow_mode_waits_alone(outbox, film):
    outbox.telegram.fail(SEND, "SLOWMODE_WAIT_300")
    other = outbox.telegram.add_group("Plain", outbox.account, outbox.friend)
    job_id = await outbox.take(film, outbox.asked(film)[1])
    async with outbox.sending():
        await outbox.parked(job_id)
        _, reply = outbox.asked(film, other)
        await outbox.client.get_dialogs()
        await outbox.take(film, reply)
        await outbox.telegram.until(lambda: len(outbox.answers(other)) == 1)
    assert not outbox.answers()


async def test_nothing_is_left_running_when_the_outbox_stops(outbox, large):
    outbox.telegram.latency_s = 0.05
    before = asyncio.all_tasks()
    job_id = await outbox.take(large, outbox.asked(large)[1])
    async with outbox.sending():
        await outbox.until(job_id, SENDING)
        await outbox.telegram.until(lambda: outbox.telegram.counts[BIG_PART] > 3)
    # The site and Telegram live on, and so does the engine's stream, of which the test has heard.
    left = [task.get_coro().cr_code for task in asyncio.all_tasks() - before]
    assert not [
        code for code in left if "/tests/" not in code.co_filename and code.co_qualname != "Queue.get"
    ]
