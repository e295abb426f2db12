"""Links through the yt-dlp source: from the page to tracks and files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from core.config.settings import Settings
from core.domain.errors import BlockedAddress, FormatNotFound, HttpFailure, SizeLimit, UnsupportedSource
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from core.net.http.client import HttpClient
from core.net.progress import Fetched
from core.sources.base import SourceContext
from core.sources.registry import Registry
from core.sources.ytdlp.pool import YtdlpPool
from core.sources.ytdlp.source import Ytdlp, ytdlp_sources
from tests.fakes import media
from tests.fakes.origin import Fault, Origin


@pytest.fixture
async def make_context(make_settings: Callable[..., Settings]) -> AsyncIterator[Callable[..., SourceContext]]:
    gate = AddressGate(("127.0.0.0/8",))
    egress = EgressProxy(gate, connect_timeout_s=5)
    await egress.start()
    opened: list[SourceContext] = []

    def make(**sections: Any) -> SourceContext:
        settings = make_settings(**sections)
        pool = YtdlpPool(
            size=1,
            proxy_url=egress.url,
            ffmpeg_path=Path(imageio_ffmpeg.get_ffmpeg_exe()),
            tmp_dir=settings.paths.tmp,
            network=settings.network,
            timeouts=settings.timeouts,
        )
        http = HttpClient(gate, network=settings.network, timeouts=settings.timeouts)
        opened.append(SourceContext(http=http, settings=settings, ytdlp=pool))
        return opened[-1]

    yield make
    for context in opened:
        await context.ytdlp.close()
        await context.http.close()
    await egress.stop()


@pytest.fixture
def source() -> Ytdlp:
    found = ytdlp_sources()[-1]
    assert isinstance(found, Ytdlp)
    return found


@pytest.fixture
def dash(origin: Origin, tmp_path: Path) -> str:
    folder = tmp_path / "dash"
    folder.mkdir()
    film = media.made_once(media.video_mp4, "film.mp4")
    media.run_ffmpeg("-i", film, "-c", "copy", "-f", "dash", "-seg_duration", "1", folder / "m.mpd")
    origin.put_folder("/dash", folder)
    return origin.url("/dash/m.mpd")


@pytest.fixture
def smooth(origin: Origin, tmp_path: Path) -> str:
    """The address of a Smooth Streaming manifest, which yt-dlp alone can fetch."""
    folder = tmp_path / "smooth"
    film = media.made_once(media.video_mp4, "film.mp4")
    media.run_ffmpeg("-i", film, "-c", "copy", "-f", "smoothstreaming", folder)
    for name, resource in origin.put_folder("/film.ism", folder).items():
        # ffmpeg names a fragment by its first frame, and leaves out of its manifest that this is not at 0.
        origin.put("/film.ism/" + re.sub(r"video=\d+", "video=0", name), resource.body)
    return origin.url("/film.ism/Manifest")


def put_film(origin: Origin, path: str) -> str:
    origin.put(path, media.made_once(media.video_mp4, "film.mp4").read_bytes())
    return origin.url(path)


async def fetch(
    source: Ytdlp, found: Resolution, track: Track, path: Path, context: SourceContext
) -> Fetched:
    return await source.fetch(track, found, path, context, lambda _done, _total: None)


async def test_a_file_in_a_page_is_ours_to_fetch(origin: Origin, make_context: Any, source: Ytdlp) -> None:
    film = put_film(origin, "/media/film.mp4")
    page = f'<html><head><title>A talk</title></head><body><video src="{film}"></video></body></html>'
    origin.put("/watch", page.encode(), content_type="text/html")
    found = await source.resolve(Request(url=origin.url("/watch")), make_context())
    [track] = found.tracks
    assert (track.transport, track.role, track.url) == (Transport.HTTP, Role.MUXED, film)
    assert (found.source, found.private) == ("ytdlp", {})
    assert str(found.title).startswith("A talk")
    assert track.headers["Referer"] == origin.url("/watch")
    assert found.tags.source_url == origin.url("/watch")
    assert Resolution.from_json(found.to_json()) == replace(found, formats=())


async def test_a_page_with_two_files_is_two_entries(origin: Origin, make_context: Any, source: Ytdlp) -> None:
    films = [put_film(origin, f"/{name}.mp4") for name in "ab"]
    videos = "".join(f'<video src="{film}"></video>' for film in films)
    origin.put("/watch", f"<html><title>T</title>{videos}</html>".encode(), content_type="text/html")
    found = await source.resolve(Request(url=origin.url("/watch")), make_context())
    assert [entry.url for entry in found.entries] == films
    assert found.tracks == ()


async def test_a_feed_becomes_entries_up_to_the_limit(
    origin: Origin, make_context: Any, source: Ytdlp
) -> None:
    items = "".join(
        f"<item><title>Part {n}</title><link>{origin.url(f'/part/{n}')}</link></item>" for n in range(4)
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Series</title>{items}</channel></rss>'
    origin.put("/feed", feed.encode(), content_type="text/xml")
    context = make_context(limits={"max_playlist_items": 3})
    found = await source.resolve(Request(url=origin.url("/feed")), context)
    assert found.title == "Series"
    assert [entry.url for entry in found.entries] == [origin.url(f"/part/{n}") for n in range(3)]
    assert not origin.asked("/part/0")


async def test_a_master_playlist_gives_hls_tracks(origin: Origin, make_context: Any, source: Ytdlp) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    request = Request(url=origin.url("/m/master.m3u8"), quality="240p")
    found = await source.resolve(request, make_context())
    assert [(track.role, track.transport, track.url) for track in found.tracks] == [
        (Role.VIDEO, Transport.HLS, origin.url("/m/180/index.m3u8")),
        (Role.AUDIO, Transport.HLS, origin.url("/m/audio/index.m3u8")),
    ]


async def test_what_only_yt_dlp_can_fetch_is_fetched_by_the_worker(
    smooth: str, make_context: Any, source: Ytdlp, tmp_path: Path
) -> None:
    context = make_context()
    found = await source.resolve(Request(url=smooth), context)
    assert [(track.role, track.transport) for track in found.tracks] == [
        (Role.VIDEO, Transport.SOURCE),
        (Role.AUDIO, Transport.SOURCE),
    ]
    found = Resolution.from_json(found.to_json())  # as it comes back from the store
    for index, track in enumerate(found.tracks):
        path = tmp_path / f"{index}-track"
        fetched = await fetch(source, found, track, path, context)
        assert (fetched.path, fetched.size_bytes) == (path, path.stat().st_size)
        assert (fetched.fetched_bytes, fetched.resumed_bytes) == (fetched.size_bytes, 0)
    assert sorted(path.name for path in tmp_path.glob("*-track*")) == ["0-track", "1-track"]


async def test_a_manifest_of_segments_is_fetched_by_our_own_transfer(
    origin: Origin, dash: str, make_context: Any, source: Ytdlp, tmp_path: Path
) -> None:
    context = make_context()
    found = Resolution.from_json((await source.resolve(Request(url=dash), context)).to_json())
    assert [(track.role, track.transport) for track in found.tracks] == [
        (Role.VIDEO, Transport.SOURCE),
        (Role.AUDIO, Transport.SOURCE),
    ]
    for index, track in enumerate(found.tracks):
        path = tmp_path / f"{index}-track"
        fetched = await fetch(source, found, track, path, context)
        is_whole = path.read_bytes() == joined(tmp_path / "dash", index)
        assert is_whole
        assert fetched.container == "mp4"
    assert len(origin.asked("/dash/m.mpd")) == 1


async def test_segments_that_were_fetched_before_a_stop_are_not_fetched_again(
    origin: Origin, dash: str, make_context: Any, source: Ytdlp, tmp_path: Path
) -> None:
    context = make_context(network={"max_connections_per_host": 1, "allow_addresses": ("127.0.0.0/8",)})
    found = await source.resolve(Request(url=dash), context)
    last = "/dash/chunk-stream0-00002.m4s"
    origin.put(last, (tmp_path / "dash" / Path(last).name).read_bytes()).fail(Fault(hold_after=10))
    path = tmp_path / "0-video"
    loading = asyncio.create_task(fetch(source, found, found.tracks[0], path, context))
    await origin.held.wait()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    fetched = await fetch(source, found, found.tracks[0], path, context)
    is_whole = path.read_bytes() == joined(tmp_path / "dash", 0)
    assert is_whole
    assert fetched.resumed_bytes > 0
    assert len(origin.asked("/dash/init-stream0.m4s")) == 1
    assert len(origin.asked("/dash/chunk-stream0-00001.m4s")) == 1
    assert len(origin.asked(last)) == 2


async def test_a_segment_that_is_missing_is_an_error_and_not_a_hole(
    origin: Origin, dash: str, make_context: Any, source: Ytdlp, tmp_path: Path
) -> None:
    context = make_context()
    found = await source.resolve(Request(url=dash), context)
    origin.remove("/dash/chunk-stream0-00002.m4s")
    with pytest.raises(HttpFailure) as caught:
        await fetch(source, found, found.tracks[0], tmp_path / "film", context)
    assert caught.value.remote_status == 404
    assert not (tmp_path / "film").exists()


def joined(folder: Path, stream: int) -> bytes:
    """All of a stream as it should arrive."""
    chunks = sorted(folder.glob(f"chunk-stream{stream}-*"))
    return b"".join(path.read_bytes() for path in [folder / f"init-stream{stream}.m4s", *chunks])


@pytest.mark.parametrize("kind", ["dash", "smooth"])
async def test_a_file_beyond_the_limit_is_stopped(
    kind: str, dash: str, smooth: str, make_context: Any, source: Ytdlp, tmp_path: Path
) -> None:
    context = make_context(limits={"max_file_size_bytes": 1000})
    found = await source.resolve(Request(url={"dash": dash, "smooth": smooth}[kind]), context)
    with pytest.raises(SizeLimit):
        await fetch(source, found, found.tracks[0], tmp_path / "film", context)
    assert not (tmp_path / "film").exists()


async def test_only_the_sound_of_a_manifest_is_chosen_when_asked(
    dash: str, make_context: Any, source: Ytdlp
) -> None:
    found = await source.resolve(Request(url=dash, kind=Kind.AUDIO), make_context())
    assert [(track.role, track.format_id) for track in found.tracks] == [(Role.AUDIO, "1")]
    assert found.kind is Kind.AUDIO


async def test_a_configured_expression_replaces_our_choice(
    origin: Origin, make_context: Any, source: Ytdlp
) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    context = make_context(media={"prefer_format": "wv*+ba"})
    found = await source.resolve(Request(url=origin.url("/m/master.m3u8")), context)
    assert [track.url.rsplit("/", 2)[1] for track in found.tracks] == ["180", "audio"]


@pytest.mark.parametrize("expression", ["b[height=4320]", "((("])
async def test_an_expression_that_chooses_nothing_is_a_format_not_found(
    origin: Origin, make_context: Any, source: Ytdlp, expression: str
) -> None:
    context = make_context(media={"prefer_format": expression})
    with pytest.raises(FormatNotFound):
        await source.resolve(Request(url=put_film(origin, "/film.mp4")), context)


async def test_an_exact_format_goes_before_the_configured_expression(
    origin: Origin, make_context: Any, source: Ytdlp
) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    context = make_context(media={"prefer_format": "wv*+ba"})
    found = await source.resolve(Request(url=origin.url("/m/master.m3u8"), format="900"), context)
    assert found.tracks[0].format_id == "900"


async def test_an_unknown_format_is_answered_with_what_there_is(
    dash: str, make_context: Any, source: Ytdlp
) -> None:
    with pytest.raises(FormatNotFound) as caught:
        await source.resolve(Request(url=dash, format="137"), make_context())
    assert "0 180p picture" in caught.value.hint


async def test_a_private_address_inside_a_page_is_blocked(
    origin: Origin, make_context: Any, source: Ytdlp
) -> None:
    origin.put("/watch", b'<html><iframe src="x"></iframe></html>', content_type="text/html")
    origin.put_redirect("/go", "http://169.254.169.254/latest/meta-data")
    with pytest.raises(BlockedAddress):
        await source.resolve(Request(url=origin.url("/go")), make_context())


async def test_with_direct_switched_off_a_file_goes_through_ytdlp(origin: Origin, make_context: Any) -> None:
    context = make_context(sources={"direct": {"enabled": False}})
    url = put_film(origin, "/film.mp4")
    [chosen] = Registry(context.settings).candidates(url)
    found = await chosen.resolve(Request(url=url), context)
    assert (found.source, found.tracks[0].transport) == ("ytdlp", Transport.HTTP)


async def test_a_page_without_media_is_unsupported(origin: Origin, make_context: Any, source: Ytdlp) -> None:
    origin.put("/page", b"<!DOCTYPE html><html><p>Words</p></html>", content_type="text/html")
    with pytest.raises(UnsupportedSource):
        await source.resolve(Request(url=origin.url("/page")), make_context())
