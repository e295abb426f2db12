"""Files on their way back to chats: on the page of a chat, beside a job, and sent again."""

from __future__ import annotations

import time

import pytest

from core.domain.delivery import DeliveryState
from core.domain.errors import NetworkFailure
from core.domain.events import EventType
from core.domain.job import JobStatus
from tests.tui.conftest import calls

D = DeliveryState
CHAT = -1001234567890


@pytest.fixture(autouse=True)
def quick(engine, monkeypatch):
    """Telegram is there, and what changes is asked for at once."""
    engine.telegram = {"state": "online", "account": "Ann", "wait_until": None}
    engine.watch(CHAT, "Talks")
    monkeypatch.setattr("tui.outbox.POLL_S", 0.02)


def done(engine, title: str = "A talk", **facts):
    return engine.add(title=title, status=JobStatus.COMPLETED, **facts)


async def test_a_jobs_files_are_told_beside_it(dashboard, engine):
    job = done(engine)
    engine.add_delivery(job.id, CHAT, state=D.SENT)
    engine.add_delivery(job.id, -7, state=D.FAILED, error_type="SIZE_LIMIT", error_message="It has 5 GiB")
    async with dashboard((140, 40)) as shown:
        await shown.shows("SENT TO", "✓ sent    Talks", "! failed  chat -7", "It has 5 GiB")
        await shown.press("enter")
        await shown.shows("q Close", "! failed  chat -7")
        assert len(calls(engine, "deliveries")) == 1


async def test_below_the_list_the_one_that_calls_loudest_is_told(dashboard, engine):
    job = done(engine, size_bytes=2**20)
    engine.add_delivery(job.id, CHAT, state=D.FAILED)
    async with dashboard((80, 24)) as shown:
        await shown.shows("1.00 MiB   ! not sent")


async def test_an_upload_is_followed_live_and_its_end_is_seen(dashboard, engine):
    job = done(engine)
    sending = engine.add_delivery(job.id, CHAT, state=D.SENDING, upload_parts_done=1, upload_parts_total=4)
    async with dashboard((140, 40)) as shown:
        await shown.press("enter")
        await shown.shows("▸ sending Talks", "25%")
        engine.send(sending.id, upload_parts_done=3)
        await shown.shows("75%")
        engine.send(sending.id, state=D.SENT)
        engine.emit(EventType.TELEGRAM_SEND_FINISHED, job.id)
        await shown.shows("✓ sent    Talks")
        await shown.until(lambda: not shown.app.deck.outbox.next_change_s(time.time()))


async def test_a_countdown_ticks_and_the_engine_is_left_in_peace(dashboard, engine):
    job = done(engine)
    engine.add_delivery(job.id, CHAT, not_before=time.time() + 100.9, error_type="FLOOD_WAIT")
    async with dashboard((140, 40)) as shown:
        await shown.press("enter")
        await shown.shows("○ held", "in 1:")
        before, asked = shown.lines[10], len(calls(engine, "deliveries"))
        await shown.until(lambda: shown.lines[10] != before)
        assert "in 1:" in shown.lines[10]
        assert len(calls(engine, "deliveries")) == asked


async def test_what_failed_is_sent_again_from_the_jobs_page(dashboard, engine):
    job = done(engine)
    failed = engine.add_delivery(job.id, CHAT, state=D.FAILED, error_type="FORBIDDEN")
    engine.add_delivery(job.id, -7, state=D.SENT)
    async with dashboard() as shown:
        await shown.press("enter")
        await shown.shows("! failed  Talks")
        await shown.press("R")
        await shown.shows("· ready   Talks", "Sends 1 file again")
        assert calls(engine, "retry_delivery") == [(failed.id,)]
        await shown.press("R")
        await shown.shows("Nothing failed to be sent")


async def test_a_chats_page_lists_its_files_and_sends_all_failed_ones_again(dashboard, engine):
    for number in range(3):
        engine.add_delivery(done(engine, f"Talk {number}").id, CHAT, state=D.FAILED if number else D.SENT)
    engine.add_delivery(done(engine, "Elsewhere").id, -7, state=D.FAILED)
    async with dashboard((140, 40)) as shown:
        await shown.press("4")
        await shown.shows(
            "FILES, NEWEST FIRST", "! failed  Talk 2", "✓ sent    Talk 0", "2 files were not sent"
        )
        assert "Elsewhere" not in shown.text
        await shown.press("r")
        await shown.shows("Sends 2 files again", "· ready   Talk 1", "· ready   Talk 2")


async def test_where_the_job_failed_it_is_started_again_and_its_file_sent_then(dashboard, engine):
    job = engine.add(title="A talk", status=JobStatus.FAILED, error_type="TIMEOUT")
    for part in range(2):
        engine.add_delivery(job.id, CHAT, state=D.FAILED, part_index=part)
    async with dashboard((140, 40)) as shown:
        await shown.press("4")
        await shown.shows("! failed  A talk")
        await shown.press("r")
        await shown.shows("Sends 2 files again")
        assert calls(engine, "retry") == [(job.id,)]
        assert calls(engine, "retry_delivery") == []


async def test_a_refusal_to_send_again_is_told(dashboard, engine):
    engine.add_delivery(done(engine).id, CHAT, state=D.FAILED)
    engine.fail_next("retry_delivery", NetworkFailure("no route", hint="Look at the cable."))
    async with dashboard((140, 40)) as shown:
        await shown.press("4")
        await shown.shows("! failed")
        await shown.press("r")
        await shown.shows("no route. Look at the cable.")


async def test_the_list_of_files_acts_on_the_one_under_the_cursor(dashboard, engine):
    older, newer = done(engine, "Older"), done(engine, "Newer")
    engine.add_delivery(
        older.id, CHAT, state=D.FAILED, error_type="TIMEOUT", error_message="It took 9 minutes"
    )
    engine.add_delivery(newer.id, CHAT, state=D.FAILED)
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("d")
        await shown.shows("Files of Talks  2  ·  2 not sent", "! failed  Newer", "! failed  Older")
        await shown.press("j")
        await shown.shows("It took 9 minutes", "answers message 7")
        await shown.press("r")
        await shown.shows("· ready   Older", "1 not sent")
        await shown.press("r")
        await shown.shows("Nothing failed to be sent")
        await shown.press("enter")
        await shown.shows(f"job {older.id}", "STAGES")
        await shown.press("escape", "q")
        await shown.shows("4 Chats", "MODE")


async def test_a_topics_files_are_those_of_the_topic(dashboard, engine):
    engine.watch(CHAT, "Piano", topic_id=5)
    engine.add_delivery(done(engine, "In it").id, CHAT, topic_id=5)
    engine.add_delivery(done(engine, "Beside it").id, CHAT)
    async with dashboard((100, 30)) as shown:
        await shown.press("4")
        await shown.shows("Beside it")
        await shown.press("j")
        await shown.until(lambda: "Beside it" not in shown.text)
        await shown.press("d")
        await shown.shows("Files of Talks → Piano  1", "In it")


async def test_a_chat_without_files_says_so(dashboard):
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("d")
        await shown.shows("No files yet")
        await shown.press("enter")
        await shown.shows("There is no file yet")


async def test_a_file_of_a_job_that_is_no_more_goes_by_its_number(dashboard, engine):
    engine.add_delivery(999, CHAT, state=D.SENT)
    async with dashboard() as shown:
        await shown.press("4", "d")
        await shown.shows("✓ sent    job 999")
        await shown.press("enter")
        await shown.shows("Job 999 is no more")


async def test_jobs_that_are_not_loaded_are_fetched_for_their_titles(dashboard, engine, monkeypatch):
    monkeypatch.setattr("tui.sync.HEAD_JOBS", 200)
    ancient = done(engine, "Ancient")
    engine.add_many(600, status=JobStatus.COMPLETED)
    engine.add_delivery(ancient.id, CHAT, state=D.SENT)
    async with dashboard() as shown:
        assert ancient.id not in shown.index.known
        await shown.press("4", "d")
        await shown.shows("✓ sent    Ancient")


async def test_without_telegram_or_chats_nobody_is_asked_for_deliveries(dashboard, engine):
    engine.telegram = {"state": "off"}
    engine.rules.clear()
    job = done(engine)
    async with dashboard() as shown:
        await shown.until(lambda: shown.app.deck.has_timeline(job.id))
        await shown.press("enter")
        await shown.shows("STAGES")
        assert calls(engine, "deliveries") == []
