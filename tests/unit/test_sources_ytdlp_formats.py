from __future__ import annotations

from typing import Any

import pytest

from core.config.settings import Media
from core.domain.errors import (
    FormatNotFound,
    JobError,
    NotYetAvailable,
    ProtectedContent,
    UnsupportedSource,
)
from core.domain.job import Kind
from core.domain.media import Role, Transport
from core.sources.quality import QUALITIES, parse_quality
from core.sources.ytdlp.formats import choose, describe, lines, track
from tests.fakes.formats import TUBE, film, format_, muxed, sound

MEDIA = Media()


def ids(
    formats: list[dict[str, Any]], quality: str = "best", kind: Kind = Kind.AUTO, **more: Any
) -> list[str]:
    options: dict[str, Any] = {"format_id": None, "media": MEDIA, **more}
    choices = choose({"formats": formats}, parse_quality(quality, kind), **options)
    return [choice.format["format_id"] for choice in choices]


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        ("best", ["401", "140"]),
        ("2160p", ["401", "140"]),
        ("1440p", ["137", "140"]),
        ("1080p", ["137", "140"]),
        ("720p", ["136", "140"]),
        ("480p", ["18"]),
        ("360p", ["18"]),
        ("audio_320", ["140"]),
        ("audio_192", ["140"]),
        ("audio_128", ["140"]),
    ],
)
def test_each_quality_chooses_at_most_its_size(quality: str, expected: list[str]) -> None:
    assert ids(TUBE, quality) == expected


def test_every_quality_that_is_offered_is_understood() -> None:
    for name in QUALITIES:
        assert ids(TUBE, name)


def test_at_the_same_height_what_phones_play_is_preferred() -> None:
    assert ids([film("h264", 720), film("vp9", 720, "vp9"), sound("opus", "opus"), sound("aac")]) == [
        "h264",
        "aac",
    ]


def test_at_the_same_height_and_codec_yt_dlps_order_decides() -> None:
    assert ids([muxed("30fps", 720), muxed("60fps", 720)]) == ["60fps"]


def test_what_we_can_resume_is_preferred_to_what_only_yt_dlp_fetches() -> None:
    hls, dash = muxed("hls", 720, protocol="m3u8_native"), muxed("dash", 720, protocol="http_dash_segments")
    assert ids([muxed("file", 720), hls, dash]) == ["file"]
    assert ids([hls, dash]) == ["hls"]


def test_the_largest_film_wins_over_a_smaller_one_with_sound() -> None:
    assert ids([sound("a"), muxed("small", 360), film("large", 720)]) == ["large", "a"]


def test_a_silent_film_is_not_chosen_where_one_has_sound() -> None:
    assert ids([muxed("small", 360), film("large", 720)]) == ["small"]
    assert ids([film("only", 720)]) == ["only"]


def test_an_upright_film_is_measured_by_its_shorter_side() -> None:
    upright = muxed("short", 1920, width=1080)
    assert lines(upright) == 1080
    assert ids([upright], "1080p") == ["short"]


def test_unknown_codecs_count_as_a_whole_file() -> None:
    [choice] = choose(
        {"formats": [format_("x", vcodec=None, acodec=None)]},
        parse_quality("720p"),
        format_id=None,
        media=MEDIA,
    )
    assert choice.role is Role.MUXED


def test_a_video_without_a_list_is_its_only_format() -> None:
    info = muxed("only", 720)
    assert choose(info, parse_quality("best"), format_id=None, media=MEDIA)[0].format is info


def test_damaged_and_dubbed_formats_come_last() -> None:
    assert ids([muxed("good", 360), muxed("damaged", 1080, preference=-10)]) == ["good"]
    assert ids([muxed("own", 360), muxed("dubbed", 360, language_preference=-10)]) == ["own"]


def test_audio_comes_from_the_smallest_film_when_there_is_nothing_else() -> None:
    choices = choose(
        {"formats": [muxed("small", 180), muxed("large", 720)]},
        parse_quality("best", Kind.AUDIO),
        format_id=None,
        media=MEDIA,
    )
    assert [(c.role, c.format["format_id"]) for c in choices] == [(Role.MUXED, "small")]


def test_sound_that_is_all_too_rich_gives_the_least_rich() -> None:
    assert ids([sound("256", abr=256), sound("320", abr=320)], "audio_128") == ["256"]
    assert ids([sound("64", abr=64), sound("129", abr=129.5), sound("256", abr=256)], "audio_128") == ["129"]


def test_only_sound_is_audio_unless_a_video_is_wanted() -> None:
    assert ids([sound("a")]) == ["a"]
    with pytest.raises(FormatNotFound, match="only sound"):
        ids([sound("a")], kind=Kind.VIDEO)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("18", ["18"]), ("137", ["137", "140"]), ("137+251", ["137", "251"]), ("251", ["251"])],
)
def test_exact_formats_are_taken_and_a_lone_picture_gets_sound(wanted: str, expected: list[str]) -> None:
    assert ids(TUBE, format_id=wanted) == expected


@pytest.mark.parametrize("wanted", ["999", "137+248", "140+251", "18+140", "sb0", ""])
def test_formats_that_do_not_exist_or_do_not_fit_together_are_not_found(wanted: str) -> None:
    with pytest.raises(FormatNotFound):
        ids(TUBE, format_id=wanted)


def test_what_is_offered_is_listed_when_nothing_fits() -> None:
    with pytest.raises(FormatNotFound) as caught:
        ids([muxed("hd", 720), sound("a", abr=96)], format_id="9")
    assert "'9'" in caught.value.detail
    assert "a 96k sound; hd 720p" in caught.value.hint or "hd 720p; a 96k sound" in caught.value.hint
    assert describe(film("v", 1080)) == "v 1080p picture"


@pytest.mark.parametrize("quality", ["480p", "worst"])
def test_the_least_is_taken_where_everything_is_more_than_wanted(quality: str) -> None:
    assert ids([muxed("hd", 720), muxed("full", 1080), sound("a", abr=96)], quality) == ["hd"]


def test_the_worst_sound_is_the_least_rich() -> None:
    assert ids([sound("64", abr=64), sound("128", abr=128)], "worst", Kind.AUDIO) == ["64"]


def test_the_configured_largest_height_bounds_every_quality() -> None:
    assert parse_quality("best", max_height=720).max_lines == 720
    assert parse_quality("480p", max_height=720).max_lines == 480


@pytest.mark.parametrize("name", ["4k", "", "best2", "p", "audio_x", "720"])
def test_an_unknown_quality_is_not_found_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(FormatNotFound) as caught:
        parse_quality(name)
    assert "1080p" in caught.value.hint


def test_a_quality_of_sound_makes_audio_but_not_of_a_video() -> None:
    assert parse_quality("audio_192").kind is Kind.AUDIO
    with pytest.raises(FormatNotFound):
        parse_quality("audio_192", Kind.VIDEO)


def test_hls_and_dash_can_be_left_out() -> None:
    formats = [muxed("hls", 720, protocol="m3u8"), muxed("dash", 1080, protocol="http_dash_segments")]
    assert ids(formats, media=Media(skip_dash=True)) == ["hls"]
    assert ids(formats, media=Media(skip_hls=True)) == ["dash"]
    with pytest.raises(FormatNotFound, match="skip_hls"):
        ids(formats, media=Media(skip_hls=True, skip_dash=True))


@pytest.mark.parametrize(
    ("formats", "error"),
    [
        ([muxed("x", 720, has_drm=True)], ProtectedContent),
        ([muxed("x", 720, protocol="rtmp")], UnsupportedSource),
        ([muxed("x", 720, protocol="websocket_frag")], UnsupportedSource),
        ([format_("sb", protocol="mhtml")], UnsupportedSource),
        ([], UnsupportedSource),
    ],
)
def test_what_cannot_be_had_at_all_says_so(formats: list[dict[str, Any]], error: type[JobError]) -> None:
    with pytest.raises(error):
        ids(formats)


def test_formats_under_drm_are_left_aside() -> None:
    assert ids(
        [
            muxed("clear", 360, has_drm=False),
            muxed("maybe", 480, has_drm="maybe"),
            muxed("x", 720, has_drm=True),
        ]
    ) == ["maybe"]


def test_a_track_carries_what_its_request_needs() -> None:
    info = muxed(
        "18",
        360,
        filesize=1000,
        http_headers={
            "User-Agent": "UA",
            "Referer": "https://a.example/",
            "Accept-Encoding": "gzip",
            "Cookie": "all",
        },
        cookie_header="own=1",
        downloader_options={"http_chunk_size": 10_485_760},
    )
    [choice] = choose(info, parse_quality("best"), format_id=None, media=MEDIA)
    made = track(choice, duration_s=3.5)
    assert made.transport is Transport.HTTP
    assert made.headers == {"User-Agent": "UA", "Referer": "https://a.example/", "Cookie": "own=1"}
    assert (made.size_bytes, made.max_range_bytes, made.duration_s, made.container) == (
        1000,
        10_485_760,
        3.5,
        "mp4",
    )


@pytest.mark.parametrize(
    ("protocol", "transport"),
    [
        ("http", Transport.HTTP),
        ("m3u8", Transport.HLS),
        ("m3u8_native", Transport.HLS),
        ("http_dash_segments", Transport.SOURCE),
        ("ism", Transport.SOURCE),
    ],
)
def test_the_protocol_decides_who_fetches(protocol: str, transport: Transport) -> None:
    [choice] = choose(
        {"formats": [muxed("x", 360, protocol=protocol)]}, parse_quality("best"), format_id=None, media=MEDIA
    )
    assert track(choice, duration_s=None).transport is transport


@pytest.mark.parametrize(
    "peculiarity",
    [
        {"hls_aes": {"key": "00" * 16}},
        {"hls_media_playlist_data": "#EXTM3U"},
        {"extra_param_to_segment_url": "token=1"},
        {"extra_param_to_key_url": "token=1"},
        {"impersonate": "chrome"},
        {"request_data": "id=1"},
    ],
)
def test_what_only_yt_dlp_knows_how_to_ask_for_stays_with_it(peculiarity: dict[str, Any]) -> None:
    found = muxed("hls", 720, protocol="m3u8_native", **peculiarity)
    [choice] = choose({"formats": [found]}, parse_quality("best"), format_id=None, media=MEDIA)
    assert choice.transport is Transport.SOURCE
    with pytest.raises(NotYetAvailable):
        choose({"formats": [found], "is_live": True}, parse_quality("best"), format_id=None, media=MEDIA)
