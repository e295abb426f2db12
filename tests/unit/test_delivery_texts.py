"""What Telegram is told of a file, what stands below it, and when a failed delivery is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from telethon.tl import types

from core.config.settings import CAPTION_FIELDS, Telegram
from core.domain.errors import (
    FloodWait,
    Forbidden,
    MediaFailure,
    NetworkFailure,
    NotFound,
    SizeLimit,
    Stalled,
    Unknown,
)
from core.domain.media import MediaInfo, StreamInfo
from tests.fakes.engine import FakeEngine
from userbot.delivery.attributes import describe
from userbot.delivery.captions import TITLE_UNITS, caption
from userbot.delivery.verdict import LONGEST_WAIT_S, PATIENCE_S, PATIENCE_TRIES, next_try_s

FILM = StreamInfo(type="video", codec="h264", width=1920, height=1080)
SOUND = StreamInfo(type="audio", codec="aac")
OPUS = StreamInfo(type="audio", codec="opus")
COVER = StreamInfo(type="video", codec="mjpeg", width=600, height=600, is_cover=True)
TEMPLATE = "{title}\n{url}"


def info(*streams: StreamInfo, container: str = "mov") -> MediaInfo:
    return MediaInfo(container=container, size_bytes=1, duration_s=61.4, streams=streams)


def job(**facts):
    return FakeEngine().add("https://example.org/a.mp4", **facts)


def attribute(said, kind):
    return next((each for each in said.attributes if isinstance(each, kind)), None)


# -- attributes ---------------------------------------------------------------------------------------------


def test_a_film_in_mp4_is_streamed_with_its_true_figures():
    said = describe("a film.mp4", info(FILM, SOUND))
    video = attribute(said, types.DocumentAttributeVideo)
    assert (video.duration, video.w, video.h, video.supports_streaming) == (61.4, 1920, 1080, True)
    assert attribute(said, types.DocumentAttributeFilename).file_name == "a film.mp4"
    assert (said.mime_type, said.is_plain, said.is_silent) == ("video/mp4", False, False)


def test_a_film_without_sound_says_so_lest_it_becomes_an_animation():
    assert describe("a.mp4", info(FILM)).is_silent


@pytest.mark.parametrize(("name", "mime"), [("a.mkv", "video/x-matroska"), ("a.webm", "video/webm")])
def test_films_that_apps_do_not_stream_stay_files(name, mime):
    said = describe(name, info(FILM, SOUND, container="matroska"))
    assert (said.mime_type, said.is_plain) == (mime, True)
    assert attribute(said, types.DocumentAttributeVideo) is None


@pytest.mark.parametrize(("name", "mime"), [("a.m4a", "audio/mp4"), ("a.mp3", "audio/mpeg")])
def test_sound_has_title_performer_and_length_whatever_its_cover(name, mime):
    said = describe(name, info(SOUND, COVER), title="Song", performer="Band")
    audio = attribute(said, types.DocumentAttributeAudio)
    assert (audio.title, audio.performer, audio.duration, audio.voice) == ("Song", "Band", 61, None)
    assert (said.mime_type, said.is_plain) == (mime, False)


def test_opus_by_nobody_is_a_voice_message_and_a_performers_is_music():
    voice = attribute(describe("a.ogg", info(OPUS, container="ogg")), types.DocumentAttributeAudio)
    assert (voice.voice, voice.title) == (True, None)
    music = describe("a.opus", info(OPUS, container="ogg"), title="Song", performer="Band")
    assert attribute(music, types.DocumentAttributeAudio).voice is None


@pytest.mark.parametrize(
    ("name", "mime"), [("a.pdf", "application/pdf"), ("a.xyzzy", "application/octet-stream")]
)
def test_anything_else_is_a_file(name, mime):
    said = describe(name, None)
    assert (said.mime_type, said.is_plain) == (mime, True)


# -- captions -----------------------------------------------------------------------------------------------


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def marked(made, kind) -> list[str]:
    raw = made.text.encode("utf-16-le")
    return [
        raw[2 * each.offset : 2 * (each.offset + each.length)].decode("utf-16-le")
        for each in made.entities
        if isinstance(each, kind)
    ]


def test_title_is_bold_and_the_link_is_a_link_counted_in_utf16():
    made = caption(TEMPLATE, job(title="🎉 Party"), None)
    assert made.text == "🎉 Party\nhttps://example.org/a.mp4"
    assert marked(made, types.MessageEntityBold) == ["🎉 Party"]
    assert marked(made, types.MessageEntityUrl) == ["https://example.org/a.mp4"]


def test_a_line_of_which_nothing_is_known_is_left_out():
    made = caption("{title}\n{artist} – {album}\nfrom {source}\n{url}", job(title="T"), None)
    assert made.text == "T\nfrom direct\nhttps://example.org/a.mp4"


def test_parts_are_numbered_on_a_line_of_their_own():
    assert caption(TEMPLATE, job(title="T"), None, part="2/3").text.endswith("\n2/3")


def test_a_title_from_outside_calls_no_person_and_no_bot_and_is_no_markup():
    made = caption("{title}", job(title="**b** @admin /start me@x.org 1/2 \u202egnp.exe\n[x](y)"), None)
    assert "@admin" not in made.text
    assert "/start" not in made.text
    assert "me@x.org" not in made.text
    assert "me@x.org" in made.text.replace("\u2060", "")
    assert "1/2" in made.text
    assert "**b**" in made.text
    assert "\u202e" not in made.text
    assert "\n" not in made.text


def test_braces_in_a_title_are_text():
    assert caption("{title}", job(title="{url} {0}"), None).text == "{url} {0}"


def test_a_title_as_long_as_a_post_is_cut_although_there_would_be_room():
    made = caption("{title}\n{url}", job(title="word " * 150), None)
    title, link = made.text.split("\n")
    assert (units(title) <= TITLE_UNITS, title[-1], link) == (True, "…", job().url)


@given(st.text(max_size=600), st.integers(0, 1100), st.integers(1, 1024))
def test_no_caption_is_too_long_and_every_entity_lies_within(title, length, limit):
    long = job(title=title).evolve(url="https://example.org/" + "a" * length)
    made = caption(TEMPLATE, long, None, part="1/2", limit_units=limit)
    assert units(made.text) <= limit
    assert all(each.offset + each.length <= units(made.text) for each in made.entities)


def test_the_title_gives_way_before_the_link():
    made = caption(TEMPLATE, job(title="word " * 300), None, limit_units=60)
    assert units(made.text) <= 60
    assert made.text.endswith("…\nhttps://example.org/a.mp4")


@pytest.mark.parametrize("template", ["{nothing}", "{title!r}", "{title:>9}", "{title.x}", "{", "{}"])
def test_a_template_with_anything_but_fields_is_refused(template):
    with pytest.raises(ValidationError):
        Telegram(caption_template=template)


def test_every_field_can_be_used():
    template = "\n".join(f"{{{name}}}" for name in CAPTION_FIELDS)
    made = caption(
        Telegram(caption_template=template).caption_template, job(title="T", duration_s=61.0), None
    )
    assert made.text == "T\nhttps://example.org/a.mp4\n1:01\ndirect"


# -- what a failure leads to --------------------------------------------------------------------------------

BACKOFF = (60.0, 300.0, 900.0)


def wait(error, attempt=1, age_s=0.0):
    return next_try_s(error, attempt=attempt, age_s=age_s, backoff_s=BACKOFF)


def test_waits_grow_and_stay_within_an_hour():
    waits = [wait(NetworkFailure(), attempt) for attempt in range(1, 9)]
    assert waits == [60, 300, 900, 1800, 3600, 3600, 3600, 3600]
    assert LONGEST_WAIT_S == 3600


@pytest.mark.parametrize("error", [NetworkFailure(), Stalled()])
def test_an_outage_of_a_day_fails_nothing(error):
    assert wait(error, PATIENCE_TRIES + 5, PATIENCE_S - 1)
    assert wait(error, PATIENCE_TRIES - 1, 9 * PATIENCE_S)
    assert wait(error, PATIENCE_TRIES, PATIENCE_S) is None


def test_telegrams_own_wait_is_obeyed_however_often():
    assert wait(FloodWait(retry_after_s=77_000), 10_000, 9 * PATIENCE_S) == 77_000


@pytest.mark.parametrize("error", [Forbidden(), SizeLimit(), NotFound()])
def test_a_refusal_is_final(error):
    assert wait(error) is None


@pytest.mark.parametrize("error", [Unknown(), MediaFailure()])
def test_what_may_be_a_whim_is_tried_a_few_times(error):
    assert [wait(error, attempt) for attempt in (1, 2, 3)] == [60, 300, None]
