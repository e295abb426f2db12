"""Commands that find, send and fetch media, and those that switch the engine."""

from __future__ import annotations

import logging

import pytest
from telethon.tl import types

from core.domain.delivery import DeliveryState
from core.domain.job import ReplyTo
from core.domain.snapshot import JobQuery
from tests.userbot.commanding import desk, make_desk
from tests.userbot.conftest import film, finish, origin
from userbot.commands import fetching

__all__ = ["desk", "film", "make_desk", "origin"]


async def deliveries(desk, post):
    return await desk.engine.deliveries_of(reply_to=ReplyTo(desk.account.id, desk.number(post)))


async def test_a_stored_film_is_found_and_sent_again(desk, engine, film):
    job = await finish(engine, film)
    await engine.patch(job.id, title="A lecture @x")
    answer = await desk.say("/search film")
    assert answer.splitlines()[0] == "ℹ Found"
    assert answer.splitlines()[1].startswith(f"{job.id} 0:0")
    assert answer.splitlines()[-1] == "Send one here: /send ID"
    asked = desk.telegram.post(desk.account, desk.account, f"/send {job.id}")
    assert await desk.dealt_with(asked) is True
    (delivery,) = await deliveries(desk, asked)
    assert (delivery.job_id, delivery.state) == (job.id, DeliveryState.READY)


async def test_a_file_without_a_job_has_a_number_of_its_own(desk, engine, film):
    job = await finish(engine, film)
    item = await engine.item_of(job)
    await engine.delete(job.id)
    answer = await desk.say("/search film")
    assert answer.splitlines()[1].startswith(f"L{item.id} 0:0")
    asked = desk.telegram.post(desk.account, desk.account, f"/send l{item.id}")
    assert await desk.dealt_with(asked) is True
    (delivery,) = (await engine.deliveries()).items
    assert (delivery.chat_id, delivery.reply_to, delivery.state) == (
        desk.account.id,
        None,
        DeliveryState.READY,
    )
    assert "There is no such entry" in await desk.say("/send L99")


async def test_a_search_without_success_says_so(desk):
    assert await desk.say("/search nothing like this") == "ℹ Nothing found."
    assert (await desk.say("/search")).splitlines()[-1] == "/search WORDS"
    assert (await desk.say("/search size<x")).startswith("❌")


async def test_what_has_no_file_is_not_sent(desk, engine, origin):
    job = await finish(engine, origin.url("/gone"))
    assert f"Job {job.id} is failed: it has no file" in await desk.say(f"/send {job.id}")
    assert "There is no such job" in await desk.say("/send 999")


async def test_a_link_behind_get_is_fetched_whatever_the_rule(desk, film):
    asked = desk.telegram.post(desk.account, desk.account, f"/get {film}")
    assert await desk.dealt_with(asked) is True
    (job,) = (await desk.engine.jobs(JobQuery())).items
    assert (job.url, job.user_id) == (film, desk.account.id)
    assert [each.job_id for each in await deliveries(desk, asked)] == [job.id]


async def test_get_fetches_the_links_of_the_message_that_it_answers(desk, film):
    shown = desk.telegram.post(desk.account, desk.account, f"look: {film}")
    assert await desk.say("/get", reply_to=shown) == ""
    (delivery,) = await deliveries(desk, shown)
    assert (await desk.engine.job(delivery.job_id)).url == film


async def test_get_without_a_link_says_so(desk):
    assert "There is no link" in await desk.say("/get")
    shown = desk.telegram.post(desk.account, desk.account, "no link")
    assert "There is no link" in await desk.say("/get this", reply_to=shown)


async def test_a_collection_that_cannot_be_made_leaves_only_the_reason(desk):
    (answer,) = await desk.type("/collect @nobody_here")
    assert answer.text.startswith("❌ This account knows no chat")


async def test_get_records_who_but_no_link(desk, film):
    await desk.say(f"/get {film}")
    (row,) = await desk.audit()
    assert (row.action, row.data["arguments"]) == ("command.get", "")


async def test_maintenance_refuses_what_is_new_until_it_ends(desk, film):
    assert "Maintenance is off" in await desk.say("/maintenance")
    assert "Maintenance is on" in await desk.say("/maintenance on")
    assert "A limit is reached" in await desk.say(f"/get {film}")
    assert (await desk.engine.jobs(JobQuery())).items == []
    assert "Maintenance is off" in await desk.say("/maintenance off")
    assert (await desk.say("/maintenance perhaps")).startswith("❌")


async def test_debug_is_switched_on_and_off(desk):
    level = logging.getLogger().level
    try:
        assert "Everything is logged" in await desk.say("/debug_on")
        assert logging.getLogger().isEnabledFor(logging.DEBUG)
        assert "as configured" in await desk.say("/debug_off")
        assert not logging.getLogger().isEnabledFor(logging.DEBUG)
    finally:
        logging.getLogger().setLevel(level)


@pytest.fixture
def music(telegram, account, friend):
    """A group with three songs and a text."""
    group = telegram.add_supergroup("Music", account, friend, username="music_x")
    sound = [types.DocumentAttributeAudio(60, title="Song", performer="Band")]
    for number in range(3):
        named = [*sound, types.DocumentAttributeFilename(f"song{number}.mp3")]
        telegram.post(friend, group, file=bytes([number]) * 999, mime_type="audio/mpeg", attributes=named)
    telegram.post(friend, group, "only words")
    return group


async def test_a_dry_collection_counts_and_fetches_nothing(desk, music, monkeypatch):
    monkeypatch.setattr(fetching, "EDIT_INTERVAL_S", 0.0)
    (answer,) = await desk.type("/collect @music_x type=audio dry")
    assert answer.text.splitlines()[0] == "ℹ Would fetch 3 files, 2.93 KiB"
    assert answer.edited
    assert (await desk.engine.jobs(JobQuery())).items == []


async def test_a_collection_becomes_jobs_and_tells_in_one_message(desk, music, monkeypatch):
    monkeypatch.setattr(fetching, "EDIT_INTERVAL_S", 0.0)
    (answer,) = await desk.type("/collect @music_x type=audio limit=2")
    assert answer.text.splitlines()[0].startswith("✅ Collected 2 files")
    assert "New jobs 2, known 0" in answer.text
    assert len((await desk.engine.jobs(JobQuery())).items) == 2


async def test_a_collection_goes_on_while_telegram_refuses_to_show_it(desk, music, monkeypatch):
    monkeypatch.setattr(fetching, "EDIT_INTERVAL_S", 0.0)
    desk.telegram.fail("messages.sendMessage", "FLOOD_WAIT_300")
    asked = desk.telegram.post(desk.account, desk.account, "/collect @music_x type=audio")
    assert await desk.dealt_with(asked) is True
    assert len((await desk.engine.jobs(JobQuery())).items) == 3


WRONG = {
    "@music_x type=films": "type= is of audio, document",
    "@music_x limit=many": "'many' is no number",
    "@music_x since=yesterday": "no date such as",
    "@a @b": "2 chats are named",
    "@nobody_here": "nobody_here",
}


async def test_a_wrong_collection_is_refused(desk, music):
    for arguments, words in WRONG.items():
        answer = await desk.say(f"/collect {arguments}")
        assert "❌" in answer
        assert words in answer
