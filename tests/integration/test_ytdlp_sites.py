"""What sites do, through the real yt-dlp and an extractor of our own that speaks to loopback."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.domain.errors import (
    AuthRequired,
    ExtractorFailure,
    GeoBlocked,
    JobError,
    NotFound,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    RateLimited,
    UnsupportedSource,
)
from core.domain.job import JobStatus, Request
from core.domain.media import Role, Transport
from tests.fakes import media
from tests.fakes.origin import Origin
from tests.fakes.ytdlp import put_answer, use_local_site
from tests.integration.conftest import finish, until


@pytest.fixture(autouse=True)
def _local_site(monkeypatch: pytest.MonkeyPatch) -> None:
    use_local_site(monkeypatch)


async def preview(run_engine: Any, link: str, **sections: Any) -> Any:
    async with run_engine(**sections) as engine:
        return await engine.preview(Request(url=link, source="ytdlp"))


async def test_a_preview_lists_what_can_be_chosen_and_what_would_be(origin: Origin, run_engine: Any) -> None:
    formats = [
        {"format_id": "a", "url": origin.url("/a.m4a"), "vcodec": "none", "acodec": "mp4a.40.2", "tbr": 128},
        {"format_id": "v", "url": origin.url("/v.mp4"), "vcodec": "avc1", "acodec": "none", "height": 720,
         "width": 1280, "filesize": 9000},
    ]  # fmt: skip
    link = put_answer(origin, "talk", {"video": {"title": "A talk", "duration": 80, "formats": formats}})
    seen = await preview(run_engine, link)
    assert (seen.title, seen.duration_s, seen.source) == ("A talk", 80, "ytdlp")
    assert [(each.id, each.role, each.codecs, each.size_bytes, each.is_size_estimated, each.is_chosen)
            for each in seen.formats] == [
        ("v", Role.VIDEO, "h264", 9000, False, True),
        ("a", Role.AUDIO, "aac", 1_280_000, True, True),
    ]  # fmt: skip


async def test_of_a_long_list_only_the_pages_up_to_the_limit_are_asked_for(
    origin: Origin, run_engine: Any
) -> None:
    answer = {"playlist": {"playlist_title": "Series", "playlist_count": 5000}, "page_size": 100}
    link = put_answer(origin, "series", answer)
    seen = await preview(run_engine, link, limits={"max_playlist_items": 150})
    assert (seen.entries, seen.taken, seen.sample[0], seen.title) == (5000, 150, "Item 0", "Series")
    asked = [request.query for request in origin.asked("/local/series")]
    assert asked == ["", "page=0", "page=1"]
    assert not [path for path in origin.paths if "item-" in path]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({"raise": "login", "text": "Members only"}, AuthRequired, "Members only"),
        ({"raise": "geo", "text": "Not for you"}, GeoBlocked, "Not for you"),
        ({"raise": "drm"}, ProtectedContent, "DRM"),
        ({"raise": "expected", "text": "Private video. Sign in"}, NotFound, "Private video"),
        ({"raise": "expected", "text": "rate-limited: has been rate-limited"}, RateLimited, "rate-limited"),
        ({"raise": "bug", "text": "Unable to extract title"}, ExtractorFailure, "Unable to extract title"),
        ({"raise": "not_live"}, NotYetAvailable, "not currently live"),
        (
            {"video": {"url": "http://127.0.0.1/x", "live_status": "is_upcoming"}},
            NotYetAvailable,
            "has not begun",
        ),
    ],
)
async def test_what_an_extractor_raises_has_its_class(
    origin: Origin, run_engine: Any, answer: dict[str, Any], error: type[JobError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await preview(run_engine, put_answer(origin, "x", answer))
    assert type(caught.value) is error
    assert words in caught.value.detail


async def test_what_is_announced_is_waited_for_until_the_moment_that_its_page_tells(
    origin: Origin, run_engine: Any
) -> None:
    begins = time.time() + 200_000
    video = {"live_status": "is_upcoming", "release_timestamp": begins}
    answer = {"video": video, "without_formats": "Premieres in 2 days"}
    with pytest.raises(NotYetAvailable) as caught:
        await preview(run_engine, put_answer(origin, "soon", answer))
    assert caught.value.retry_after_s == pytest.approx(begins - time.time(), abs=60)


async def test_where_no_moment_is_told_the_words_are_believed(origin: Origin, run_engine: Any) -> None:
    answer = {"video": {}, "without_formats": "Premieres in 2 days"}
    with pytest.raises(NotYetAvailable, match="Premieres") as caught:
        await preview(run_engine, put_answer(origin, "soon", answer))
    assert caught.value.retry_after_s == 172_800


async def test_a_broadcast_becomes_a_recording(origin: Origin, run_engine: Any) -> None:
    hls = {"url": origin.url("/live.m3u8"), "protocol": "m3u8_native", "ext": "mp4"}
    formats = [{**hls, "format_id": "720", "height": 720, "width": 1280}]
    video = {"is_live": True, "title": "Now", "duration": 5, "formats": formats}
    link = put_answer(origin, "live", {"video": video})
    async with run_engine() as engine:
        tools = engine._tools
        [source] = tools.registry.candidates(link, forced="ytdlp")
        found = await source.resolve(Request(url=link), tools.context(source.name, None))
    [track] = found.tracks
    assert (track.is_live, track.transport, track.duration_s) == (True, Transport.HLS, None)
    assert found.media_id == "localsite:live"


async def test_a_site_that_is_not_allowed_is_refused_and_the_setting_named(
    origin: Origin, run_engine: Any
) -> None:
    origin.put("/page", b"<html><title>T</title></html>", content_type="text/html")
    with pytest.raises(UnsupportedSource) as caught:
        await preview(run_engine, origin.url("/page"), sources={"ytdlp": {"allow": ["local:*"]}})
    assert "[sources.ytdlp] allow" in caught.value.hint
    assert not origin.asked("/page")


async def test_a_site_that_is_allowed_by_name_is_taken_all_the_same(origin: Origin, run_engine: Any) -> None:
    origin.put("/film.mp4", media.made_once(media.video_mp4, "film.mp4").read_bytes())
    link = put_answer(origin, "talk", {"video": {"url": origin.url("/film.mp4"), "title": "A talk"}})
    async with run_engine(sources={"ytdlp": {"allow": ["local:*"]}}) as engine:
        job = await finish(engine, link, source="ytdlp")
    assert (job.status, job.title) == (JobStatus.COMPLETED, "A talk")


async def test_a_source_has_a_user_agent_and_a_pace_of_its_own(origin: Origin, run_engine: Any) -> None:
    link = put_answer(origin, "talk", {"video": {"url": origin.url("/film.mp4")}})
    await preview(run_engine, link, sources={"ytdlp": {"user_agent": "Ours/1", "rate_per_s": 50}})
    assert origin.asked("/local/talk")[0].headers["user-agent"] == "Ours/1"


async def test_a_broadcast_is_recorded_to_its_end(origin: Origin, run_engine: Any) -> None:
    origin.put_folder("/hls", media.made_once(media.hls_ts, "broadcast").parent)
    playlist = origin.resource("/hls/index.m3u8")
    whole = playlist.body
    lines = whole.decode().replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "").split("#EXTINF")
    playlist.body = "#EXTINF".join(lines[:3]).encode()
    formats = [
        {"format_id": "1", "url": origin.url("/hls/index.m3u8"), "protocol": "m3u8_native", "ext": "mp4"}
    ]
    link = put_answer(origin, "live", {"video": {"is_live": True, "title": "Now", "formats": formats}})
    async with run_engine() as engine:
        running = await engine.submit(Request(url=link, source="ytdlp"))
        await origin.wait_for_requests("/hls/index.m3u8", 2)
        playlist.body = whole
        job = await until(engine, running.job.id, JobStatus.COMPLETED, JobStatus.FAILED)
    assert (job.status, job.error_message) == (JobStatus.COMPLETED, None)
    assert job.duration_s == pytest.approx(4, abs=0.2)


async def test_a_manifest_of_a_thousand_million_segments_costs_one_answer_and_not_the_machine(
    origin: Origin, run_engine: Any
) -> None:
    bomb = (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet mimeType="video/mp4">'
        '<SegmentTemplate media="$Number$.m4s" timescale="1"><SegmentTimeline><S d="1" r="999999999"/>'
        '</SegmentTimeline></SegmentTemplate><Representation id="v" bandwidth="1" codecs="avc1"/>'
        "</AdaptationSet></Period></MPD>"
    )
    origin.put("/bomb.mpd", bomb.encode(), content_type="application/dash+xml")
    async with run_engine() as engine:
        # Whether Python can still say that its memory is full, or ends, is its luck.
        with pytest.raises((ParserFailure, ExtractorFailure)):
            await engine.preview(Request(url=origin.url("/bomb.mpd"), source="ytdlp"))
        link = put_answer(origin, "talk", {"video": {"url": origin.url("/film.mp4"), "title": "A talk"}})
        seen = await engine.preview(Request(url=link, source="ytdlp"))
    assert seen.title == "A talk"
