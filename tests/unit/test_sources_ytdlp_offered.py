from __future__ import annotations

from typing import Any

import pytest

from core.config.settings import Media
from core.domain.media import FormatInfo, Role
from core.sources.quality import parse_quality
from core.sources.ytdlp.formats import choose
from core.sources.ytdlp.offered import MAX_FORMATS, offered
from tests.fakes.formats import film, format_, muxed, sound

MEDIA = Media()


def shown(
    formats: list[dict[str, Any]], quality: str = "best", *, duration_s: float | None = 100, **media: Any
) -> tuple[FormatInfo, ...]:
    info, settings = {"formats": formats}, Media(**media)
    choices = choose(info, parse_quality(quality), format_id=None, media=settings)
    return offered(info, choices, media=settings, duration_s=duration_s)


def test_films_come_before_sounds_and_the_best_first() -> None:
    worst_first = [
        format_("sb0", protocol="mhtml"), sound("a1", abr=64), sound("a2", abr=128),
        muxed("18", 360), film("136", 720), film("137", 1080),
    ]  # fmt: skip
    found = shown(worst_first, "720p")
    assert [each.id for each in found] == ["137", "136", "18", "a2", "a1"]
    assert [each.id for each in found if each.is_chosen] == ["136", "a2"]
    assert [each.role for each in found] == [Role.VIDEO, Role.VIDEO, Role.MUXED, Role.AUDIO, Role.AUDIO]
    assert [each.height for each in found] == [1080, 720, 360, None, None]


@pytest.mark.parametrize(
    ("told", "size_bytes", "is_estimated"),
    [
        ({"filesize": 5000, "tbr": 1}, 5000, False),
        ({"filesize_approx": 4000.6, "tbr": 1}, 4001, True),
        ({"tbr": 800}, 10_000_000, True),
        ({"vbr": 80}, 1_000_000, True),
        ({}, None, False),
        ({"filesize": 0}, 0, False),
    ],
)
def test_a_size_that_is_not_told_is_estimated(
    told: dict[str, Any], size_bytes: int | None, is_estimated: bool
) -> None:
    [found] = shown([film("x", 720, **told)])
    assert (found.size_bytes, found.is_size_estimated) == (size_bytes, is_estimated)


def test_without_a_duration_a_bit_rate_says_nothing_of_the_size() -> None:
    [found] = shown([film("x", 720, tbr=800)], duration_s=None)
    assert (found.size_bytes, found.bitrate_bps) == (None, 800_000)


def test_segments_tell_how_long_it_is_where_the_site_does_not() -> None:
    fragments = [{"path": "init"}, {"path": "1", "duration": 6.0}, {"path": "2", "duration": 4.0}]
    dash = film("x", 720, protocol="http_dash_segments", tbr=800, fragments=fragments)
    [found] = shown([dash], duration_s=None)
    assert (found.size_bytes, found.is_size_estimated) == (1_000_000, True)


@pytest.mark.parametrize(
    ("vcodec", "acodec", "words"),
    [
        ("avc1.64001F", "mp4a.40.2", "h264 + aac"),
        ("hev1.1.6", "none", "h265"),
        ("av01.0.08M", "opus", "av1 + opus"),
        ("vp09.00.50", "none", "vp9"),
        ("avc1", "mp4a.40.34", "h264 + mp3"),
        ("none", "ec-3", "eac3"),
        (None, "mp4a.40.5", "aac"),
        ("xyz1.2", None, "xyz1"),
        (None, None, None),
    ],
)
def test_codecs_are_named_as_people_name_them(
    vcodec: str | None, acodec: str | None, words: str | None
) -> None:
    assert shown([film("x", 720, vcodec=vcodec, acodec=acodec)])[0].codecs == words


def test_the_sites_own_words_and_the_language_are_kept_within_bounds() -> None:
    assert shown([sound("a", format_note="original (default)", language="ar")])[0].note == (
        "original (default), ar"
    )
    assert shown([sound("a", format_note="en", language="en")])[0].note == "en"
    assert len(shown([sound("a", format_note="x" * 500)])[0].note or "") == 60


def test_of_very_many_the_chosen_and_the_best_of_each_kind_are_shown() -> None:
    formats = [*(film(f"v{n}", 100 + n) for n in range(300)), *(sound(f"a{n}", abr=n) for n in range(200))]
    found = shown(formats, "144p")
    assert len(found) == MAX_FORMATS
    assert found[0].id == "v299"
    assert {each.id for each in found if each.is_chosen} == {"v44", "a199"}
    assert any(each.role is Role.AUDIO and not each.is_chosen for each in found)


def test_what_cannot_be_fetched_or_is_left_out_is_not_offered() -> None:
    formats = [
        film("drm", 720, has_drm=True), film("rtmp", 720, protocol="rtmp"),
        film("hls", 720, protocol="m3u8_native"), film("file", 720),
    ]  # fmt: skip
    assert [each.id for each in shown(formats)] == ["file", "hls"]
    assert [each.id for each in shown(formats, skip_hls=True)] == ["file"]
