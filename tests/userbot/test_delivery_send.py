"""Finished files reach the chat that asked, as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from telethon.tl import types

from core.domain.chat import ChatRules
from core.domain.delivery import DeliveryState
from core.domain.events import EventType
from core.media.faststart import read_layout
from tests.fakes.archive_org import ArchiveOrg, upload
from tests.fakes.media import (
    audio_mp3,
    made_once,
    packets,
    picture_jpeg,
    run_ffmpeg,
    video_mp4,
    video_only,
)
from tests.userbot.outbox import SEND, clip, outbox, song

__all__ = ["outbox", "song"]
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
    assert answer.text == f"film\n{film}"
    video = attribute(telegram, answer, types.DocumentAttributeVideo)
    assert (round(video.duration), video.w, video.h, video.supports_streaming) == (2, 320, 180, True)
    stored = telegram.state.files[telegram.file_id(answer)]
    assert stored.mime_type == "video/mp4"
    thumb = telegram.state.files[stored.thumb]
    assert (thumb.width, thumb.height) == (320, 180)
    assert thumb.size_bytes <= 200 * 1024
    assert (delivery.message_id, delivery.document_id) == (answer.numbers[0], stored.id)


async def test_a_film_whose_index_is_behind_is_sent_with_it_in_front(outbox, film, tmp_path):
    async with outbox.sending():
        delivery = await outbox.deliver(film, outbox.asked(film)[1])
        (answer,) = outbox.answers()
        archived = Path((await outbox.engine.job(delivery.job_id)).file_path)
        assert not read_layout(archived).is_faststart  # It is kept as its site has it.
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(outbox.telegram.bytes_of(answer))
        assert read_layout(copy).is_faststart
        assert packets(copy) == packets(archived)
        # And is known again.
        uploads = outbox.uploads()
        assert (await outbox.deliver(film, outbox.asked(film)[1])).document_id == delivery.document_id
        assert outbox.uploads() == uploads


async def test_a_film_whose_index_is_in_front_is_sent_byte_for_byte(outbox, origin):
    origin.put("/ready.mp4", clip(11 * 1024**2))
    link = origin.url("/ready.mp4")
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    (answer,) = outbox.answers()
    assert outbox.telegram.bytes_of(answer) == clip(11 * 1024**2)


async def test_a_film_that_cannot_be_played_while_it_comes_does_not_say_so(outbox, origin):
    # Its index tells of other tables with places, which nobody here moves.
    film = made_once(video_mp4, "clip.mp4").read_bytes().replace(b"udta", b"saio")
    origin.put("/strange.mp4", film)
    link = origin.url("/strange.mp4")
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    (answer,) = outbox.answers()
    assert not attribute(outbox.telegram, answer, types.DocumentAttributeVideo).supports_streaming
    assert outbox.telegram.bytes_of(answer) == film


async def test_a_film_that_lies_on_its_side_stands_upright_in_the_chat(outbox, origin, tmp_path):
    film = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", made_once(video_mp4, "clip.mp4"), "-c", "copy", film)
    origin.put("/turned.mp4", film.read_bytes())
    link = origin.url("/turned.mp4")
    async with outbox.sending():
        await outbox.deliver(link, outbox.asked(link)[1])
    (answer,) = outbox.answers()
    video = attribute(outbox.telegram, answer, types.DocumentAttributeVideo)
    assert (video.w, video.h) == (180, 320)
    thumb = outbox.telegram.state.files[outbox.telegram.state.files[outbox.telegram.file_id(answer)].thumb]
    assert (thumb.width, thumb.height) == (180, 320)


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


async def test_phones_ring_once_for_what_answers_one_message(outbox, film, song):
    _, reply = outbox.asked(f"{film} {song}")
    async with outbox.sending():
        for link, asked in ((film, reply), (song, reply), (film, outbox.asked(film)[1])):
            await outbox.deliver(link, asked)
    assert [answer.silent for answer in outbox.answers()] == [False, True, False]


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


async def test_a_file_of_the_library_goes_to_any_chat_and_again_without_an_upload(outbox, film):
    async with outbox.sending():
        first = await outbox.deliver(film, outbox.asked(film)[1])
        item = await outbox.engine.item_of(await outbox.engine.job(first.job_id))
        uploads = outbox.uploads()
        # Whatever is the rule for answers there: somebody chose the chat.
        await outbox.engine.set_chat(ChatRules(chat_id=first.chat_id, reply=False))
        for count in (2, 3):
            await outbox.engine.send_item(item.id, str(first.chat_id), topic_id=outbox.topic)
            await outbox.until(first.job_id, SENT)
            assert len(outbox.answers()) == count
    assert outbox.uploads() == uploads
    assert outbox.answers()[-1].topic == outbox.topic
