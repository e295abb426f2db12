"""What Telegram has already is not uploaded again; what is too large goes out in parts that play."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from telethon.tl import types

from core.domain.delivery import DeliveryState
from core.domain.errors import LimitReached
from core.domain.job import Request
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.userbot.outbox import SEND, clip, outbox, song
from userbot.transfer.limits import limits_of
from userbot.transfer.upload import PART_BYTES

__all__ = ["outbox", "song"]
SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED


async def test_the_same_link_again_is_answered_within_a_second_without_an_upload(outbox, film):
    async with outbox.sending():
        first = await outbox.deliver(film, outbox.asked(film)[1])
        uploads = outbox.uploads()
        began = time.monotonic()
        post, reply = outbox.asked(film, topic=outbox.topic)
        again = await outbox.deliver(film, reply)
        assert time.monotonic() - began < 1
    assert outbox.uploads() == uploads
    assert again.document_id == first.document_id
    answer = outbox.answers()[-1]
    assert (answer.reply_to, answer.topic) == (post.uid, outbox.topic)


async def test_a_repeat_is_answered_also_where_a_limit_lets_nothing_new_in(outbox, film, song):
    limits = outbox.engine.settings.limits.model_copy(update={"max_jobs_per_chat_per_hour": 1})
    outbox.engine._intake.limits = limits
    async with outbox.sending():
        for _ in range(2):
            _, reply = outbox.asked(film)
            request = Request(url=film, reply=reply, chat_id=reply.chat_id)
            (taken,) = await outbox.engine.take_links([request])
            await outbox.until(taken.job.id, SENT)
        (refused,) = await outbox.engine.take_links([replace(request, url=song)])
    assert isinstance(refused, LimitReached)
    assert len(outbox.answers()) == 2


async def test_the_same_content_behind_another_link_has_its_own_caption(outbox, origin):
    links = {}
    for name in ("song", "twin"):
        origin.put(f"/{name}.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
        links[name] = origin.url(f"/{name}.mp3")
    async with outbox.sending():
        for link in links.values():
            await outbox.deliver(link, outbox.asked(link)[1])
    assert outbox.uploads() == 1
    assert [answer.text for answer in outbox.answers()] == [f"{name}\n{link}" for name, link in links.items()]


async def test_two_who_ask_at_the_same_time_cost_one_upload(outbox, film):
    replies = [outbox.asked(film)[1] for _ in range(3)]
    (job_id,) = {await outbox.take(film, reply) for reply in replies}
    async with outbox.sending():
        await outbox.until(job_id, SENT)
    assert len(outbox.answers()) == 3
    assert outbox.uploads() == 2  # The film and its picture.


async def test_references_that_have_expired_are_read_anew(outbox, film):
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
        uploads = outbox.uploads()
        outbox.telegram.expire_references()
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
    assert outbox.uploads() == uploads


@pytest.mark.parametrize("word", ["FILE_REFERENCE_EXPIRED", "MEDIA_EMPTY", "CHAT_FORWARDS_RESTRICTED"])
async def test_a_stored_file_that_telegram_refuses_is_uploaded(outbox, film, word):
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
        uploads = outbox.uploads()
        outbox.telegram.fail(SEND, word)
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
    assert outbox.uploads() > uploads
    assert len(outbox.answers()) == 2


async def test_when_the_first_message_is_gone_the_next_one_serves(outbox, film):
    async with outbox.sending():
        for _ in range(2):
            await outbox.deliver(film, outbox.asked(film)[1])
        uploads = outbox.uploads()
        outbox.telegram.delete(outbox.answers()[1])
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
        assert outbox.uploads() == uploads
        outbox.telegram.delete(*outbox.answers())
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
    assert outbox.uploads() == 2 * uploads


async def test_repeats_go_past_uploads(outbox, origin, film):
    origin.put("/large.mp4", clip(3_000_000))
    large = origin.url("/large.mp4")
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
        outbox.telegram.ignore("upload.saveFilePart")
        slow = await outbox.take(large, outbox.asked(large)[1])
        await outbox.until(slow, DeliveryState.SENDING)
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
        (waiting,) = await outbox.engine.deliveries_of(job_id=slow)
        assert waiting.state is DeliveryState.SENDING


async def test_what_must_be_uploaded_again_does_not_hold_up_repeats(outbox, origin, film):
    links = [film]
    for number in range(2):
        origin.put(f"/{number}.mp4", clip(3000 + number))
        links.append(origin.url(f"/{number}.mp4"))
    async with outbox.sending():
        for link in links:
            await outbox.deliver(link, outbox.asked(link)[1])
        outbox.telegram.delete(*outbox.answers()[1:])
        uploads = outbox.uploads()
        outbox.telegram.ignore("upload.saveFilePart")
        for link in links[1:]:
            await outbox.take(link, outbox.asked(link)[1])
        await outbox.telegram.until(lambda: outbox.uploads() > uploads)
        assert (await outbox.deliver(film, outbox.asked(film)[1])).state is SENT
    assert len(outbox.answers()) == 2


async def test_when_premium_ends_what_was_one_file_comes_in_parts(outbox, long_film):
    outbox.account.premium = True
    outbox.telegram.files.max_parts = 1  # And two with Premium.
    async with outbox.sending():
        assert (await limits_of(outbox.client)).file_bytes == 2 * PART_BYTES
        outbox.account.premium = False
        job_id = await outbox.take(long_film, outbox.asked(long_film)[1])
        deliveries = await outbox.until(job_id, SENT, FAILED)
    assert {each.state for each in deliveries} == {SENT}, deliveries
    assert len(deliveries) == len(outbox.answers()) >= 2


@pytest.fixture
def long_film(origin):
    """More than Telegram is told to take at once."""
    made = made_once(lambda path: video_mp4(path, 12.0, size="1280x720"), "long.mp4")
    origin.put("/long.mp4", made.read_bytes())
    assert made.stat().st_size > PART_BYTES
    return origin.url("/long.mp4")


async def test_what_is_too_large_comes_in_parts_that_play(outbox, long_film, tmp_path):
    link = long_film
    outbox.telegram.files.max_parts = 1
    async with outbox.sending():
        job_id = await outbox.take(link, outbox.asked(link)[1])
        deliveries = await outbox.until(job_id, SENT)
    answers = outbox.answers()
    total = len(answers)
    assert total >= 2
    assert len(deliveries) == total
    assert [answer.text.splitlines()[-1] for answer in answers] == [f"{n + 1}/{total}" for n in range(total)]
    assert len({answer.reply_to for answer in answers}) == 1
    length_s = 0.0
    for number, answer in enumerate(answers):
        stored = outbox.telegram.state.files[outbox.telegram.file_id(answer)]
        assert stored.size_bytes <= PART_BYTES
        copy = tmp_path / f"{number}.mp4"
        copy.write_bytes(outbox.telegram.bytes_of(answer))
        length_s += (await outbox.engine.probe(str(copy))).duration_s
        named = next(one for one in stored.attributes if isinstance(one, types.DocumentAttributeFilename))
        assert named.file_name == f"long ({number + 1} of {total}).mp4"
    assert length_s == pytest.approx(12.0, rel=0.02)


async def test_parts_are_repeated_without_an_upload_too(outbox, long_film):
    link = long_film
    outbox.telegram.files.max_parts = 1
    async with outbox.sending():
        job_id = await outbox.take(link, outbox.asked(link)[1])
        await outbox.until(job_id, SENT)
        uploads, total = outbox.uploads(), len(outbox.answers())
        await outbox.take(link, outbox.asked(link)[1])
        await outbox.telegram.until(lambda: len(outbox.answers()) == 2 * total)
        await outbox.until(job_id, SENT)
    assert outbox.uploads() == uploads
    assert len({answer.reply_to for answer in outbox.answers()}) == 2


async def test_a_file_that_is_gone_is_told_with_the_cure(outbox, film):
    async with outbox.sending():
        first = await outbox.deliver(film, outbox.asked(film)[1])
    job = await outbox.engine.job(first.job_id)
    outbox.telegram.delete(*outbox.answers())
    _, reply = outbox.asked(film)
    await outbox.take(film, reply)
    Path(job.file_path).unlink()
    async with outbox.sending():
        deliveries = await outbox.until(first.job_id, SENT, FAILED)
    assert deliveries[-1].state is FAILED
    assert "reeldeck add --force" in deliveries[-1].error_message


async def test_a_file_that_is_gone_is_still_repeated_while_telegram_has_it(outbox, film):
    async with outbox.sending():
        first = await outbox.deliver(film, outbox.asked(film)[1])
    job = await outbox.engine.job(first.job_id)
    _, reply = outbox.asked(film)
    await outbox.take(film, reply)
    Path(job.file_path).unlink()
    async with outbox.sending():
        await outbox.until(first.job_id, SENT)
    assert len(outbox.answers()) == 2
