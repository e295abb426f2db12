from __future__ import annotations

from typing import Any

import pytest

from core.config.settings import Media
from core.domain.errors import FormatNotFound, JobError, NotYetAvailable, ProtectedContent, UnsupportedSource
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Transport
from core.sources.quality import QUALITIES, parse_quality
from core.sources.ytdlp.formats import choose, describe, lines, track
from core.sources.ytdlp.resolution import available_at, resolution_of

MEDIA = Media()
NOW = 1_800_000_000.0


def format_(
    format_id: str,
    *,
    vcodec: str | None = "none",
    acodec: str | None = "none",
    height: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    size = {"height": height, "width": height * 16 // 9 if height else None}
    url = f"https://cdn.example/{format_id}"
    defaults = {"protocol": "https", "ext": "mp4", "url": url}
    return {"format_id": format_id, "vcodec": vcodec, "acodec": acodec, **size, **defaults, **more}


def film(format_id: str, height: int, vcodec: str = "avc1.4d", **more: Any) -> dict[str, Any]:
    return format_(format_id, vcodec=vcodec, height=height, **more)


def sound(format_id: str, acodec: str = "mp4a.40.2", abr: float = 128, **more: Any) -> dict[str, Any]:
    return format_(format_id, acodec=acodec, abr=abr, **{"ext": "m4a", **more})


def muxed(format_id: str, height: int, **more: Any) -> dict[str, Any]:
    return format_(format_id, **{"vcodec": "avc1.4d", "acodec": "mp4a.40.2", "height": height, **more})


#: As YouTube offers them, worst first.
TUBE = [
    format_("sb0", protocol="mhtml", ext="mhtml"),
    sound("249", "opus", 50, ext="webm"),
    sound("140", abr=129.5),
    sound("251", "opus", 140, ext="webm"),
    muxed("18", 360),
    film("136", 720),
    film("247", 720, "vp9", ext="webm"),
    film("137", 1080),
    film("248", 1080, "vp9", ext="webm"),
    film("401", 2160, "av01.0", ext="mp4"),
]


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


def resolved(info: dict[str, Any], url: str = "https://site.example/page", **more: Any) -> Resolution:
    request = Request(url=url, **more)
    quality = parse_quality(request.quality, request.kind)
    return resolution_of("ytdlp", info, request, quality, media=MEDIA, now=NOW)


VIDEO: dict[str, Any] = {
    "_type": "video",
    "id": "abc",
    "title": "A talk",
    "uploader": "Lecturer",
    "playlist_title": "Series",
    "upload_date": "20240229",
    "duration": 61.5,
    "webpage_url": "https://site.example/page",
    "thumbnail": "https://site.example/t.jpg",
    "formats": TUBE,
}


def test_a_video_becomes_tracks_and_tags() -> None:
    found = resolved(VIDEO)
    assert [(t.role, t.format_id) for t in found.tracks] == [(Role.VIDEO, "401"), (Role.AUDIO, "140")]
    assert (found.kind, found.media_id, found.duration_s) == (Kind.VIDEO, "abc", 61.5)
    tags = found.tags
    assert (tags.title, tags.artist, tags.album, tags.date) == ("A talk", "Lecturer", "Series", "2024-02-29")
    assert tags.source_url == "https://site.example/page"
    assert found.private == {}
    assert Resolution.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("only", "kind"),
    [
        (muxed("v", 720), Kind.VIDEO),
        (sound("a"), Kind.AUDIO),
        (format_("x", vcodec=None, acodec=None), Kind.AUTO),
    ],
)
def test_the_kind_is_told_only_where_it_is_known(only: dict[str, Any], kind: Kind) -> None:
    assert resolved(VIDEO | {"formats": [only]}).kind is kind


def test_only_a_track_that_the_worker_fetches_keeps_its_information() -> None:
    dash = muxed("dash", 720, protocol="http_dash_segments", fragments=[{"path": "1"}])
    found = resolved(VIDEO | {"formats": [muxed("file", 360), dash], "description": "long"})
    assert found.private["info"]["formats"] == [dash]
    assert found.private["info"]["id"] == "abc"
    assert "description" not in found.private["info"]


@pytest.mark.parametrize(
    ("state", "wait_s"),
    [
        ({"live_status": "is_upcoming", "release_timestamp": NOW + 7200}, 7200),
        ({"live_status": "is_upcoming", "release_timestamp": NOW - 5}, 60),
        ({"live_status": "is_upcoming"}, None),
        ({"live_status": "is_live"}, None),
        ({"is_live": True}, None),
        ({"live_status": "post_live"}, None),
    ],
)
def test_what_is_not_over_yet_is_waited_for(state: dict[str, Any], wait_s: float | None) -> None:
    with pytest.raises(NotYetAvailable) as caught:
        resolved(VIDEO | state)
    assert caught.value.retry_after_s == wait_s


def test_a_recording_of_a_livestream_is_a_video() -> None:
    assert resolved(VIDEO | {"live_status": "was_live"}).tracks


def test_the_earliest_end_of_an_address_is_kept() -> None:
    formats = [
        film("v", 720, url="https://cdn.example/v?expire=1800003600"),
        sound("a", url="https://cdn.example/a?expires=1800000100&exp=abc"),
    ]
    assert resolved(VIDEO | {"formats": formats}).expires == 1_800_000_100
    assert resolved(VIDEO).expires is None


def test_the_moment_from_which_the_chosen_formats_work_is_known() -> None:
    formats = [muxed("a", 360, available_at=NOW + 9), muxed("b", 720, available_at=NOW + 4)]
    info = VIDEO | {"formats": formats}
    assert available_at(info, resolved(info).tracks) == NOW + 4
    assert available_at(VIDEO, resolved(VIDEO).tracks) == 0


def playlist(*entries: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    about = {"id": "PL1", "title": "List", "webpage_url": "https://site.example/page"}
    return {"_type": "playlist", "entries": list(entries), **about, **more}


def test_links_of_a_playlist_become_entries() -> None:
    found = resolved(
        playlist(
            {
                "_type": "url",
                "url": "https://Site.example/v/1?utm_source=x",
                "title": "One",
                "id": "1",
                "duration": 5,
            },
            {"_type": "url", "url": "ytsearch:nothing"},
            {"_type": "url", "url": "https://site.example/page"},
            None,
            {"_type": "url", "url": "https://site.example/v/2"},
        )
    )
    assert [entry.url for entry in found.entries] == ["https://site.example/v/1", "https://site.example/v/2"]
    assert (found.entries[0].title, found.entries[0].media_id, found.entries[0].duration_s) == ("One", "1", 5)
    assert (found.title, found.tracks) == ("List", ())


def embedded(format_id: str, **more: Any) -> dict[str, Any]:
    return {"id": format_id, "title": format_id, "formats": [muxed(format_id, 360)], **more}


def test_one_video_in_a_page_is_the_page() -> None:
    found = resolved(playlist(embedded("only", webpage_url="https://site.example/page")))
    assert [t.format_id for t in found.tracks] == ["only"]
    assert found.entries == ()


def test_several_videos_without_pages_are_entries_by_their_files() -> None:
    own_page = {"webpage_url": "https://site.example/page"}
    silent = {"id": "s", "formats": [film("s", 720)], **own_page}
    found = resolved(playlist(embedded("a", **own_page), silent, embedded("b", **own_page)))
    assert [(entry.url, entry.title) for entry in found.entries] == [
        ("https://cdn.example/a", "a"),
        ("https://cdn.example/b", "b"),
    ]


def test_an_empty_playlist_is_nothing() -> None:
    with pytest.raises(UnsupportedSource):
        resolved(playlist())
