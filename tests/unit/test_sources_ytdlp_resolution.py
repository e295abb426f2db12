from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.config.settings import Media
from core.domain.errors import (
    AuthRequired,
    NotYetAvailable,
    ParserFailure,
    UnsupportedSource,
)
from core.domain.job import Kind, Request
from core.domain.media import Chapter, Resolution, Role, Transport
from core.sources.quality import parse_quality
from core.sources.ytdlp.resolution import available_at, media_id_of, resolution_of
from tests.fakes.formats import TUBE, film, format_, muxed, sound

MEDIA = Media()
NOW = 1_800_000_000.0


def resolved(info: dict[str, Any], url: str = "https://site.example/page", **more: Any) -> Resolution:
    request = Request(url=url, **more)
    quality = parse_quality(request.quality, request.kind)
    return resolution_of("ytdlp", info, request, quality, media=MEDIA, now=NOW)


VIDEO: dict[str, Any] = {
    "_type": "video",
    "id": "abc",
    "extractor_key": "Tube",
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
    assert (found.kind, found.media_id, found.duration_s) == (Kind.VIDEO, "tube:abc", 61.5)
    tags = found.tags
    assert (tags.title, tags.artist, tags.album, tags.date) == ("A talk", "Lecturer", "Series", "2024-02-29")
    assert tags.source_url == "https://site.example/page"
    assert found.private == {}
    assert Resolution.from_json(found.to_json()) == replace(found, formats=())


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


def test_a_list_of_segments_without_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sources.ytdlp.resolution.MAX_SEGMENTS", 2)
    dash = muxed("dash", 720, protocol="http_dash_segments", fragments=[{"path": str(n)} for n in range(3)])
    with pytest.raises(ParserFailure):
        resolved(VIDEO | {"formats": [dash]})


@pytest.mark.parametrize(
    ("state", "wait_s"),
    [
        ({"live_status": "is_upcoming", "release_timestamp": NOW + 7200}, 7200),
        ({"live_status": "is_upcoming", "release_timestamp": NOW - 5}, 60),
        ({"live_status": "is_upcoming"}, None),
        ({"live_status": "post_live"}, None),
    ],
)
def test_what_has_not_begun_or_is_not_ready_is_waited_for(
    state: dict[str, Any], wait_s: float | None
) -> None:
    with pytest.raises(NotYetAvailable) as caught:
        resolved(VIDEO | state)
    assert caught.value.retry_after_s == wait_s


def test_a_recording_of_a_livestream_is_a_video() -> None:
    assert resolved(VIDEO | {"live_status": "was_live"}).tracks


@pytest.mark.parametrize("state", [{"live_status": "is_live"}, {"is_live": True}])
def test_a_broadcast_is_recorded_from_hls_with_picture_and_sound_together(state: dict[str, Any]) -> None:
    hls = {"protocol": "m3u8_native"}
    formats = [
        sound("sound", **hls), muxed("low", 360, **hls), muxed("hd", 720, **hls), film("alone", 1080, **hls),
        muxed("file", 1080), muxed("dash", 2160, protocol="http_dash_segments"),
    ]  # fmt: skip
    found = resolved(VIDEO | state | {"formats": formats})
    [only] = found.tracks
    assert (only.format_id, only.transport, only.is_live) == ("hd", Transport.HLS, True)
    assert found.duration_s is only.duration_s is None
    [heard] = resolved(VIDEO | state | {"formats": formats}, kind=Kind.AUDIO).tracks
    assert (heard.format_id, heard.is_live) == ("sound", True)


def test_a_broadcast_that_cannot_be_recorded_is_waited_for() -> None:
    with pytest.raises(NotYetAvailable, match="live now"):
        resolved(VIDEO | {"is_live": True, "formats": [muxed("flv", 720), muxed("x", 720, protocol="f4m")]})


def test_what_is_over_is_no_recording() -> None:
    assert [track.is_live for track in resolved(VIDEO | {"live_status": "was_live"}).tracks] == [False, False]


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
    assert (found.entries[0].title, found.entries[0].media_id, found.entries[0].duration_s) == (
        "One",
        None,
        5,
    )
    assert (found.title, found.tracks) == ("List", ())


@pytest.mark.parametrize(
    ("info", "media_id"),
    [
        ({"webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}, "youtube:dQw4w9WgXcQ"),
        ({"url": "https://youtu.be/dQw4w9WgXcQ", "ie_key": "Youtube"}, "youtube:dQw4w9WgXcQ"),
        ({"webpage_url": "https://m.soundcloud.com/Artist/track"}, "soundcloud:artist/track"),
        ({"webpage_url": "https://f.example/p", "id": "7", "extractor_key": "Facebook"}, "facebook:7"),
        ({"webpage_url": "https://a.example/p", "id": "7", "ie_key": "ARD"}, "ard:7"),
        ({"webpage_url": "https://a.example/film.mp4", "id": "film", "extractor_key": "Generic"}, None),
        ({"webpage_url": "https://a.example/p", "extractor_key": "ARD"}, None),
        ({"webpage_url": "https://a.example/p", "extractor_key": "ARD", "id": "x" * 151}, None),
    ],
)
def test_a_thing_has_one_name_however_it_was_linked(info: dict[str, Any], media_id: str | None) -> None:
    assert media_id_of(info) == media_id


def test_the_length_of_a_list_is_told_although_fewer_are_taken() -> None:
    item = {"_type": "url", "url": "https://site.example/v/1"}
    assert resolved(playlist(item, playlist_count=5000)).total_entries == 5000
    assert resolved(playlist(item, playlist_count=0)).total_entries is None
    assert resolved(playlist(item)).total_entries is None


def test_chapters_are_kept_where_they_have_a_name_and_a_start() -> None:
    chapters = [{"start_time": 0, "title": "One"}, {"start_time": 9.5, "title": ""}, {"title": "No start"}]
    assert resolved(VIDEO | {"chapters": chapters}).tags.chapters == (Chapter(start_s=0, title="One"),)


@pytest.mark.parametrize("format_id", ["http_mp3_preview", "hls-preview"])
def test_a_sample_is_not_taken_for_the_whole(format_id: str) -> None:
    sample = VIDEO | {"formats": [sound(format_id)]}
    with pytest.raises(AuthRequired, match="sample"):
        resolved(sample)
    assert resolved(sample, format=format_id).tracks
    assert resolved(VIDEO | {"formats": [sound(format_id), sound("whole")]}).tracks[0].format_id == "whole"


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
