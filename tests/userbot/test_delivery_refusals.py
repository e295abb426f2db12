"""What Telegram refuses is told in a sentence, or mended; and it holds up nobody."""

from __future__ import annotations

import pytest

from core.domain.delivery import DeliveryState
from tests.userbot.conftest import marked
from tests.userbot.outbox import BIG_PART, PARTS, SEND, SMALL_PART, large, once, outbox, song

__all__ = ["large", "outbox", "song"]
SENT, READY, SENDING, FAILED = (
    DeliveryState.SENT,
    DeliveryState.READY,
    DeliveryState.SENDING,
    DeliveryState.FAILED,
)


@pytest.mark.parametrize("is_in_topic", [True, False])
async def test_when_the_asking_message_is_gone_the_file_goes_where_it_stood(outbox, film, is_in_topic):
    topic = outbox.topic if is_in_topic else 0
    post, reply = outbox.asked(film, topic=topic)
    job_id = await outbox.take(film, reply)
    outbox.telegram.delete(post)
    await once(outbox, job_id)
    (answer,) = outbox.answers()
    assert (answer.reply_to, answer.topic) == (0, topic)


async def test_a_chat_that_forbids_it_fails_with_a_sentence_and_holds_up_nobody(outbox, film, song):
    closed = outbox.telegram.add_channel("Theirs", outbox.friend, outbox.account)
    _, reply = outbox.asked(film, closed)
    await outbox.client.get_dialogs()
    async with outbox.sending():
        refused = await outbox.deliver(film, reply)
        assert (refused.state, refused.error_type) == (FAILED, "FORBIDDEN")
        assert "may not write in that chat" in refused.error_message
        assert (await outbox.deliver(song, outbox.asked(song)[1])).state is SENT
        await outbox.deliver(film, outbox.asked(film, closed)[1])
    assert outbox.telegram.counts[SEND] == 3
    (note,) = outbox.telegram.posts(outbox.account, outbox.account)
    assert note.text == (
        f"ℹ I cannot send files to {marked(closed)}: this account may not write in that chat\n"
        f"To keep them without sending: /watch {marked(closed)} reply=off"
    )


async def test_an_account_that_may_write_nowhere_is_told_of_once_and_not_chat_by_chat(outbox, film):
    outbox.telegram.fail(SEND, "USER_BANNED_IN_CHANNEL", times=2)
    group = outbox.telegram.add_group("Others", outbox.account, outbox.friend)
    await outbox.client.get_dialogs()
    async with outbox.sending():
        for chat in (outbox.group, group):
            assert (await outbox.deliver(film, outbox.asked(film, chat)[1])).state is FAILED
    (note,) = outbox.telegram.posts(outbox.account, outbox.account)
    assert "may not write in groups and channels" in note.text
    assert note.text.endswith("Ask @SpamBot in Telegram what is wrong.")


async def test_an_account_taken_for_a_spammer_stops_sending(outbox, film, song):
    outbox.telegram.fail(SEND, "PEER_FLOOD")
    async with outbox.sending():
        refused = await outbox.deliver(film, outbox.asked(film)[1])
        assert refused.state is FAILED
        assert "spammers" in refused.error_message
        await outbox.until(await outbox.take(song, outbox.asked(song)[1]), READY)
    assert outbox.telegram.counts[SEND] == 1


async def test_the_owner_sees_that_the_account_is_taken_for_a_spammer(telegram, friend, film, run_userbot):
    telegram.fail(SEND, "PEER_FLOOD")
    async with run_userbot() as bot:
        group = telegram.add_group("Films", bot.account, friend)
        await bot.watch(group)
        telegram.post(friend, group, film)
        async for _ in bot.engine.stream():
            if (status := bot.userbot.status())["wait_until"] is not None:
                break
        told = (await bot.engine.status())["telegram"]
        _, failure = await bot.until_posts(group, 2)
        telegram.post(bot.account, group, "/health")
        *_, answer = await bot.until_posts(group, 4)
    assert (status["state"], told) == ("online", status)
    assert "as it does with spammers" in status["detail"]
    assert "as it does with spammers" in failure.text
    assert "as it does with spammers, for another " in answer.text


async def test_an_upload_that_telegram_has_forgotten_is_made_anew(outbox, film):
    outbox.telegram.fail(SEND, "FILE_PARTS_INVALID")
    delivery = await once(outbox, await outbox.take(film, outbox.asked(film)[1]))
    assert delivery.attempt == 1


async def test_a_file_that_telegram_finds_too_large_fails(outbox, film):
    outbox.telegram.fail(SEND, "FILE_PARTS_INVALID", times=3)
    async with outbox.sending():
        refused = await outbox.deliver(film, outbox.asked(film)[1])
    assert (refused.state, refused.error_type) == (FAILED, "SIZE_LIMIT")


async def test_a_part_that_telegram_lost_is_sent_again_with_those_behind_it(outbox, large):
    outbox.telegram.fail(SEND, f"FILE_PART_{PARTS - 4}_MISSING")
    await once(outbox, await outbox.take(large, outbox.asked(large)[1]))
    assert outbox.telegram.counts[BIG_PART] == PARTS + 4


async def test_a_part_that_telegram_garbled_is_sent_again(outbox, film):
    outbox.telegram.fail(SEND, "MD5_CHECKSUM_INVALID")
    delivery = await once(outbox, await outbox.take(film, outbox.asked(film)[1]))
    assert delivery.attempt == 1
    assert outbox.telegram.counts[SMALL_PART] == 4  # The film and its picture, twice.


@pytest.mark.parametrize(("word", "sentence"), [("TOPIC_CLOSED", "closed"), ("TOPIC_DELETED", "deleted")])
async def test_a_topic_that_takes_nothing_any_more_is_told_of_at_once(outbox, film, word, sentence):
    outbox.telegram.fail(SEND, word)
    async with outbox.sending():
        refused = await outbox.deliver(film, outbox.asked(film, topic=outbox.topic)[1])
    assert (refused.state, refused.attempt) == (FAILED, 1)
    assert f"that topic is {sentence}" in refused.error_message.replace("was", "is")
    (note,) = outbox.telegram.posts(outbox.account, outbox.account)
    assert note.text.endswith(f" topic={outbox.topic} reply=off")


async def test_trouble_inside_telegram_is_waited_out(outbox, film):
    outbox.client._request_retries = 0
    outbox.telegram.fail(SEND, "INTERNAL_SERVER_ERROR", times=2)
    delivery = await once(outbox, await outbox.take(film, outbox.asked(film)[1]))
    assert delivery.attempt == 3


async def test_a_delivery_that_failed_can_be_sent_after_all(outbox, film):
    outbox.telegram.fail(SEND, "CHAT_WRITE_FORBIDDEN")
    async with outbox.sending():
        refused = await outbox.deliver(film, outbox.asked(film)[1])
        await outbox.engine.retry_delivery(refused.id)
        await outbox.until(refused.job_id, SENT)
    assert len(outbox.answers()) == 1


async def test_a_job_deleted_on_the_way_leaves_the_outbox_at_work(outbox, film, song):
    outbox.telegram.latency_s = 0.1
    job_id = await outbox.take(film, outbox.asked(film)[1])
    async with outbox.sending():
        await outbox.until(job_id, SENDING)
        await outbox.engine.delete(job_id)
        assert (await outbox.deliver(song, outbox.asked(song)[1])).state is SENT
