"""Finished files reach the chat that asked, as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from telethon.tl import types

from core.domain.chat import ChatRules
from core.domain.delivery import DeliveryState
from core.domain.events import EventType
from tests.fakes.archive_org import ArchiveOrg, upload
from tests.fakes.media import (
    audio_mp3,
    made_once,
    picture_jpeg,
    run_ffmpeg,
    video_only,
)
from tests.userbot.outbox import SEND, outbox

__all__ = ["outbox"]
SENT = DeliveryState.SENT


def sung(path: Path) -> Path:
    """MP3 with a cover."""
    sound, cover = made_once(audio_mp3, "tone.mp3"), made_once(picture_jpeg, "cover.jpg")
    run_ffmpeg("-i", sound, "-i", cover, "-map", "0", "-map", "1", "-c", "copy", path)
    return path


def attribute(telegram, post, kind):
    stored = telegram.state.files[telegram.file_id(post)]
    return next((one for one in stored.attributes if isinstance(one, kind)), None)


async def test_a_film_answers_in_its_topic_and_can_be_streamed(outbox, film):
    telegram = outbox.telegram
    post, reply = outbox.asked(film, topic=outbox.topic)
    async with outbox.sending():
        delivery = await outbox.deliver(film, reply)
    assert delivery.state is SENT, delivery.error_message
    (answer,) = outbox.answers()
    assert (answer.reply_to, answer.topic) == (post.uid, outbox.topic)
    job = await outbox.engine.job(delivery.job_id)
    assert telegram.bytes_of(answer) == Path(job.file_path).read_bytes()
    assert answer.text == f"film\n{film}"
    video = attribute(telegram, answer, types.DocumentAttributeVideo)
    assert (round(video.duration), video.w, video.h, video.supports_streaming) == (2, 320, 180, True)
    stored = telegram.state.files[telegram.file_id(answer)]
    assert stored.mime_type == "video/mp4"
    thumb = telegram.state.files[stored.thumb]
    assert (thumb.width, thumb.height) == (320, 180)
    assert thumb.size_bytes <= 200 * 1024
    assert (delivery.message_id, delivery.document_id) == (answer.numbers[0], stored.id)


async def test_the_timeline_of_the_job_tells_of_the_sending(outbox, film):
    async with outbox.sending():
        delivery = await outbox.deliver(film, outbox.asked(film)[1])
    events = [event.type for event in await outbox.engine.events(delivery.job_id)]
    assert events[-2:] == [EventType.TELEGRAM_SEND_STARTED, EventType.TELEGRAM_SEND_FINISHED]


async def test_sound_comes_with_its_length_and_cover(outbox, origin):
    origin.put("/song.mp3", made_once(sung, "sung.mp3").read_bytes())
    link = origin.url("/song.mp3")
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    (answer,) = outbox.answers()
    audio = attribute(outbox.telegram, answer, types.DocumentAttributeAudio)
    assert (audio.duration, audio.title, audio.voice) == (2, "song", False)
    thumb = outbox.telegram.state.files[outbox.telegram.file_id(answer)].thumb
    assert outbox.telegram.state.files[thumb].width == 320


@pytest.fixture
async def archive():
    async with ArchiveOrg() as running:
        yield running


async def test_sound_names_its_performer_and_the_caption_too(outbox, archive, make_settings):
    archive.add(
        "talk",
        [upload("1.mp3", made_once(audio_mp3, "tone.mp3").read_bytes(), title="On Tones")],
        creator="A. Lecturer",
        title="Talks",
    )
    link = f"{archive.base}/details/talk"
    await outbox.restart(
        make_settings(
            sources={"archive_org": {"base": archive.base}},
            telegram={"caption_template": "{artist}: {title}"},
        )
    )
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    (answer,) = outbox.answers()
    audio = attribute(outbox.telegram, answer, types.DocumentAttributeAudio)
    assert audio.performer == "A. Lecturer"
    assert answer.text == f"A. Lecturer: {audio.title}"


async def test_a_film_that_apps_cannot_stream_is_sent_as_a_file_with_a_picture(outbox, film, make_settings):
    await outbox.restart(make_settings(media={"video_container": "mkv"}))
    async with outbox.sending():
        await outbox.deliver(film, outbox.asked(film)[1])
    (answer,) = outbox.answers()
    stored = outbox.telegram.state.files[outbox.telegram.file_id(answer)]
    assert stored.mime_type == "video/x-matroska"
    assert attribute(outbox.telegram, answer, types.DocumentAttributeFilename).file_name == "film.mkv"
    assert attribute(outbox.telegram, answer, types.DocumentAttributeVideo) is None
    assert stored.thumb


async def test_a_silent_clip_stays_a_film(outbox, origin):
    origin.put("/clip.mp4", made_once(video_only, "silent.mp4").read_bytes())
    link = origin.url("/clip.mp4")
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    assert attribute(outbox.telegram, outbox.answers()[0], types.DocumentAttributeVideo)


@pytest.mark.parametrize("kind", ["private", "group", "channel", "saved"])
async def test_every_kind_of_chat_is_answered(outbox, film, kind):
    telegram, account, friend = outbox.telegram, outbox.account, outbox.friend
    where = {
        "private": account,
        "group": telegram.add_group("Plain", account, friend),
        "channel": telegram.add_channel("News", account, friend),
        "saved": account,
    }[kind]
    if kind in {"channel", "saved"}:
        outbox.friend = account
    post, reply = outbox.asked(film, where)
    await outbox.client.get_dialogs()
    async with outbox.sending():
        delivery = await outbox.deliver(film, reply)
    assert delivery.state is SENT, delivery.error_message
    answer = outbox.answers(outbox.friend if kind in {"private", "saved"} else where)[-1]
    assert answer.reply_to == post.uid
    assert answer.media is not None


async def test_a_chat_that_wants_no_files_gets_none(outbox, film):
    _, reply = outbox.asked(film)
    await outbox.engine.set_chat(ChatRules(chat_id=reply.chat_id, reply=False))
    async with outbox.sending():
        delivery = await outbox.deliver(film, reply)
    assert delivery.state is DeliveryState.SKIPPED
    assert outbox.telegram.counts[SEND] == 0


async def test_a_topic_has_rules_of_its_own(outbox, film):
    _, reply = outbox.asked(film, topic=outbox.topic)
    await outbox.engine.set_chat(ChatRules(chat_id=reply.chat_id, reply=False))
    await outbox.engine.set_chat(ChatRules(chat_id=reply.chat_id, topic_id=outbox.topic))
    async with outbox.sending():
        assert (await outbox.deliver(film, reply)).state is SENT


async def test_many_are_sent_each_to_its_own_message(outbox, origin):
    asked = {}
    for number in range(12):
        origin.put(f"/{number}.mp3", made_once(audio_mp3, "tone.mp3").read_bytes() + bytes(number))
        link = origin.url(f"/{number}.mp3")
        post, reply = outbox.asked(link)
        asked[post.uid] = link
        await outbox.take(link, reply)
    async with outbox.sending():
        await outbox.telegram.until(lambda: len(outbox.answers()) == 12)
    assert {answer.reply_to: answer.text.rpartition("\n")[2] for answer in outbox.answers()} == asked
