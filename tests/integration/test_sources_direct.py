"""Links that are media themselves, at a real HTTP origin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from core.config.settings import Network, Settings, Timeouts
from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    HttpFailure,
    JobError,
    MediaFailure,
    NotFound,
    ProtectedContent,
    RateLimited,
    UnsupportedSource,
)
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Transport
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.sources.base import Elsewhere, NotHandled, SourceContext
from core.sources.direct import Direct
from core.sources.ytdlp.pool import YtdlpPool
from tests.fakes import media
from tests.fakes.origin import HTML, Fault, Origin

MPD = b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'


@pytest.fixture
async def resolve(tmp_path: Path) -> AsyncIterator[Any]:
    """`await resolve(url, quality=…)` with the direct source."""
    network, timeouts = Network(allow_addresses=("127.0.0.0/8",)), Timeouts(read_s=5, connect_s=5)
    http = HttpClient(AddressGate(network.allow_addresses), network=network, timeouts=timeouts)
    # Never asked for anything: this source starts no process.
    pool = YtdlpPool(
        size=1, proxy_url="", ffmpeg_path=Path(), tmp_dir=tmp_path, network=network, timeouts=timeouts
    )

    async def run(
        url: str,
        *,
        settings: Settings | None = None,
        is_sites_own: Callable[[str], bool] = lambda _url: False,
        **options: Any,
    ) -> Resolution:
        context = SourceContext(http=http, settings=settings or Settings(), ytdlp=pool)
        return await Direct(is_sites_own).resolve(Request(url=url, **options), context)

    yield run
    assert not pool.pids
    await http.close()


@pytest.mark.parametrize(
    ("make", "name", "container", "kind", "role"),
    [
        (media.video_mp4, "film.mp4", "mp4", Kind.AUTO, Role.MUXED),
        (media.video_mp4, "film.mkv", "mkv", Kind.AUTO, Role.MUXED),
        (media.video_mp4, "film.ts", "ts", Kind.AUTO, Role.MUXED),
        (media.audio_m4a, "tone.m4a", "mp4", Kind.AUDIO, Role.AUDIO),
        (media.audio_mp3, "tone.mp3", "mp3", Kind.AUDIO, Role.AUDIO),
        (media.audio_only, "tone.aac", "aac", Kind.AUDIO, Role.AUDIO),
        (media.audio_opus, "tone.ogg", "ogg", Kind.AUDIO, Role.AUDIO),
        (media.audio_opus, "tone.webm", "webm", Kind.AUTO, Role.MUXED),
    ],
)
async def test_a_file_is_known_by_its_content_whatever_it_is_called(
    origin: Origin, resolve: Any, make: Any, name: str, container: str, kind: Kind, role: Role
) -> None:
    data = media.made_once(make, name).read_bytes()
    origin.put("/wrong.txt", data, content_type="text/plain")
    found = await resolve(origin.url("/wrong.txt"))
    [track] = found.tracks
    assert (track.container, found.kind, track.role) == (container, kind, role)
    assert (track.transport, track.size_bytes, track.url) == (
        Transport.HTTP,
        len(data),
        origin.url("/wrong.txt"),
    )


async def test_only_the_beginning_of_a_file_is_read(origin: Origin, resolve: Any) -> None:
    data = media.made_once(media.video_mp4, "film.mp4").read_bytes()
    origin.put("/film.mp4", data + bytes(8_000_000))
    await resolve(origin.url("/film.mp4"))
    assert origin.bytes_sent("/film.mp4") <= 64 * 1024


@pytest.mark.parametrize(
    ("path", "disposition", "title"),
    [
        ("/talks/Part 1.mp4", None, "Part 1"),
        ("/talks/محاضرة.mp4", None, "محاضرة"),
        ("/download", 'attachment; filename="A talk.mp4"', "A talk"),
        ("/download", "attachment; filename*=UTF-8''%D8%A3.mp4", "أ"),
        ("/v1.2", None, "v1.2"),
        ("/", None, None),
    ],
)
async def test_the_title_is_the_name_of_the_file(
    origin: Origin, resolve: Any, path: str, disposition: str | None, title: str | None
) -> None:
    data = media.made_once(media.video_mp4, "film.mp4").read_bytes()
    origin.put(path, data, headers={"Content-Disposition": disposition} if disposition else {})
    found = await resolve(
        origin.url(path.replace(" ", "%20").replace("محاضرة", "%D9%85%D8%AD%D8%A7%D8%B6%D8%B1%D8%A9"))
    )
    assert found.title == found.tags.title == title


@pytest.mark.parametrize("body", [HTML, MPD, MPD.removeprefix(b'<?xml version="1.0"?>'), b"\n  <rss></rss>"])
@pytest.mark.parametrize("content_type", ["video/mp4", "text/plain", "application/octet-stream"])
async def test_pages_and_manifests_are_left_to_others(
    origin: Origin, resolve: Any, body: bytes, content_type: str
) -> None:
    origin.put("/film.mp4", body, content_type=content_type)
    with pytest.raises(NotHandled):
        await resolve(origin.url("/film.mp4"))


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", MediaFailure, "empty"),
        (b"\x1f\x8b\x08rest", UnsupportedSource, "a gzip archive"),
        (b"PK\x03\x04rest", UnsupportedSource, "a zip archive"),
        (b"%PDF-1.7", UnsupportedSource, "a PDF document"),
        (b"\x89PNG\r\n\x1a\nrest", UnsupportedSource, "a picture (png)"),
        (b"just words", UnsupportedSource, "video/mp4"),
    ],
)
async def test_what_is_no_media_is_refused_by_its_name(
    origin: Origin, resolve: Any, body: bytes, error: type[JobError], words: str
) -> None:
    origin.put("/film.mp4", body, content_type="video/mp4")
    with pytest.raises(error) as caught:
        await resolve(origin.url("/film.mp4"))
    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=404), NotFound),
        (Fault(status=429), RateLimited),
        (Fault(status=503), HttpFailure),
        (Fault(status=401), AuthRequired),
        (Fault(status=403), HttpFailure),
    ],
)
async def test_a_refused_file_is_an_error_of_its_class(
    origin: Origin, resolve: Any, fault: Fault, error: type[JobError]
) -> None:
    origin.put("/film.mp4").always = fault
    with pytest.raises(error):
        await resolve(origin.url("/film.mp4"))


@pytest.mark.parametrize("status", [401, 403, 405])
async def test_a_page_that_is_closed_to_us_may_be_open_to_ytdlp(
    origin: Origin, resolve: Any, status: int
) -> None:
    origin.put("/watch").always = Fault(status=status)
    with pytest.raises(NotHandled):
        await resolve(origin.url("/watch"))


async def test_a_file_has_no_format_ids(origin: Origin, resolve: Any) -> None:
    origin.put("/film.mp4", media.made_once(media.video_mp4, "film.mp4").read_bytes())
    with pytest.raises(FormatNotFound):
        await resolve(origin.url("/film.mp4"), format="137")


async def test_a_page_is_left_to_others_whatever_format_is_wanted(origin: Origin, resolve: Any) -> None:
    origin.put("/watch", HTML)
    with pytest.raises(NotHandled):
        await resolve(origin.url("/watch"), format="137")


async def test_a_media_playlist_is_one_track_with_its_length(origin: Origin, resolve: Any) -> None:
    origin.put_folder("/talk", media.made_once(media.hls_ts, "ts").parent)
    found = await resolve(origin.url("/talk/index.m3u8"))
    [track] = found.tracks
    assert (track.transport, track.role) == (Transport.HLS, Role.MUXED)
    assert track.duration_s == found.duration_s == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(Role.VIDEO, "360/index.m3u8"), (Role.AUDIO, "audio/index.m3u8")]),
        ({"quality": "240p"}, [(Role.VIDEO, "180/index.m3u8"), (Role.AUDIO, "audio/index.m3u8")]),
        ({"kind": Kind.AUDIO}, [(Role.AUDIO, "audio/index.m3u8")]),
        ({"quality": "audio_128"}, [(Role.AUDIO, "audio/index.m3u8")]),
    ],
)
async def test_a_master_playlist_gives_the_picture_and_its_separate_sound(
    origin: Origin, resolve: Any, options: dict[str, Any], expected: list[tuple[Role, str]]
) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    found = await resolve(origin.url("/m/master.m3u8"), **options)
    assert [(track.role, track.url) for track in found.tracks] == [
        (role, origin.url(f"/m/{path}")) for role, path in expected
    ]
    assert found.kind is (Kind.AUDIO if expected[0][0] is Role.AUDIO else Kind.VIDEO)
    assert found.duration_s == pytest.approx(4, abs=0.2)


async def test_the_configured_height_bounds_the_variant(origin: Origin, resolve: Any) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    settings = Settings.model_validate({"media": {"max_height": 200}})
    found = await resolve(origin.url("/m/master.m3u8"), settings=settings)
    assert found.tracks[0].url.endswith("/180/index.m3u8")


async def test_a_variant_with_its_sound_inside_is_one_track(origin: Origin, resolve: Any) -> None:
    origin.put_folder("/m", media.made_once(media.hls_ts, "ts").parent)
    origin.put("/m/master.m3u8", b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=2x2\nindex.m3u8\n")
    found = await resolve(origin.url("/m/master.m3u8"))
    assert [(track.role, track.url) for track in found.tracks] == [(Role.MUXED, origin.url("/m/index.m3u8"))]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("#EXTM3U\n#EXT-X-ENDLIST\n", NotFound),
        (
            '#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n',
            ProtectedContent,
        ),
    ],
)
async def test_a_playlist_that_cannot_be_had_now_says_why(
    origin: Origin, resolve: Any, text: str, error: type[JobError]
) -> None:
    origin.put("/live.m3u8", text.encode())
    with pytest.raises(error):
        await resolve(origin.url("/live.m3u8"))


async def test_a_master_that_leads_to_a_master_is_refused(origin: Origin, resolve: Any) -> None:
    body = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nmaster.m3u8\n"
    origin.put("/master.m3u8", body)
    with pytest.raises(UnsupportedSource):
        await resolve(origin.url("/master.m3u8"))


LIVE = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\na.ts\n"


async def test_a_playlist_that_still_grows_is_a_live_track(origin: Origin, resolve: Any) -> None:
    origin.put("/live.m3u8", LIVE.encode())
    found = await resolve(origin.url("/live.m3u8"))
    [track] = found.tracks
    assert (track.transport, track.is_live, track.duration_s) == (Transport.HLS, True, None)
    assert found.duration_s is None


async def test_a_master_of_playlists_that_grow_is_live(origin: Origin, resolve: Any) -> None:
    origin.put("/a/live.m3u8", LIVE.encode())
    origin.put("/a/sound.m3u8", LIVE.encode())
    master = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="sound.m3u8",DEFAULT=YES\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=2x2,AUDIO="a"\nlive.m3u8\n'
    )
    origin.put("/a/master.m3u8", master.encode())
    found = await resolve(origin.url("/a/master.m3u8"))
    assert [(track.role, track.is_live) for track in found.tracks] == [(Role.VIDEO, True), (Role.AUDIO, True)]
    assert found.duration_s is None


@pytest.mark.parametrize(
    ("name", "content_type", "text"),
    [
        ("/list.m3u", "audio/x-mpegurl", "#EXTM3U\n#EXTINF:2,One\n/1.mp3\n#EXTINF:3,Two\n2.mp3\n"),
        ("/list.m3u8", "video/mp4", "#EXTM3U\n#EXTINF:2,One\n1.mp3\n#EXTINF:3,Two\n2.mp3\n"),
        ("/list", "audio/x-scpls", "[playlist]\nFile1=1.mp3\nTitle1=One\nFile2=2.mp3\nTitle2=Two\n"),
    ],
)
async def test_a_playlist_of_files_is_its_entries(
    origin: Origin, resolve: Any, name: str, content_type: str, text: str
) -> None:
    origin.put(name, text.encode(), content_type=content_type)
    found = await resolve(origin.url(name))
    assert [(entry.url, entry.title) for entry in found.entries] == [
        (origin.url("/1.mp3"), "One"),
        (origin.url("/2.mp3"), "Two"),
    ]
    assert (found.title, found.tracks) == ("list", ())


@pytest.mark.parametrize("content_type", ["text/plain", "text/uri-list", "application/octet-stream"])
async def test_the_links_in_a_text_are_its_entries(origin: Origin, resolve: Any, content_type: str) -> None:
    text = "# today\r\nhttps://a.example/1.mp3\r\nشاهد https://youtu.be/dQw4w9WgXcQ، ثم\r\n"
    origin.put("/list.txt", text.encode(), content_type=content_type)
    found = await resolve(origin.url("/list.txt"))
    assert [entry.url for entry in found.entries] == [
        "https://a.example/1.mp3",
        "https://youtu.be/dQw4w9WgXcQ",
    ]


async def test_a_list_of_one_link_is_that_link(origin: Origin, resolve: Any) -> None:
    origin.put("/radio.pls", b"[playlist]\nFile1=/stream\n", content_type="audio/x-scpls")
    with pytest.raises(Elsewhere) as caught:
        await resolve(origin.url("/radio.pls"))
    assert caught.value.url == origin.url("/stream")


async def test_a_program_that_holds_links_is_no_list(origin: Origin, resolve: Any) -> None:
    origin.put("/a.js", b"let a = 'https://a.example/1'", content_type="text/javascript")
    with pytest.raises(UnsupportedSource):
        await resolve(origin.url("/a.js"))


async def test_a_redirect_to_a_site_with_a_source_of_its_own_is_not_followed(
    origin: Origin, resolve: Any
) -> None:
    site = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    origin.put_redirect("/go", "/on")
    origin.put_redirect("/on", f"{site}&utm_source=x")
    with pytest.raises(Elsewhere) as caught:
        await resolve(origin.url("/go"), is_sites_own=lambda url: "youtube" in url)
    assert caught.value.url == site


async def test_a_sites_own_file_may_redirect_within_it(origin: Origin, resolve: Any) -> None:
    origin.put("/store/film.mp4", media.made_once(media.video_mp4, "film.mp4").read_bytes())
    origin.put_redirect("/film.mp4", "/store/film.mp4")
    found = await resolve(origin.url("/film.mp4"), is_sites_own=lambda _url: True)
    assert found.tracks


async def test_a_page_that_comes_compressed_although_nobody_asked_is_left_to_others(
    origin: Origin, resolve: Any
) -> None:
    origin.put("/watch", HTML, content_type="text/html").always = Fault(gzip=True)
    with pytest.raises(NotHandled):
        await resolve(origin.url("/watch"))
