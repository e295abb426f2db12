"""Lecture sites at a loopback origin, by the source alone and by the real engine."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mutagen
import pytest

from core.config.settings import Network, Settings, Timeouts
from core.domain.errors import (
    BlockedAddress,
    FormatNotFound,
    HttpFailure,
    JobError,
    NotFound,
    ParserFailure,
    RateLimited,
    UnsupportedSource,
)
from core.domain.job import JobStatus, Kind, Request
from core.domain.media import Resolution, Role, Transport
from core.domain.snapshot import JobQuery
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.sources.base import NotHandled, SourceContext
from core.sources.lectures.source import MAX_PAGE_BYTES, Lectures
from core.sources.registry import Registry
from core.sources.ytdlp.pool import YtdlpPool
from tests.fakes import lectures as fake
from tests.fakes import media
from tests.fakes.origin import HTML, Fault, Origin
from tests.integration.conftest import finish, until

ITEM, OWN = "/khotab-item-7.htm", "/khotab-download-7.htm"


def mp3() -> bytes:
    return media.made_once(media.audio_mp3, "tone.mp3").read_bytes()


def mp4() -> bytes:
    return media.made_once(media.video_mp4, "film.mp4").read_bytes()


def sites(origin: Origin, layout: str = "way2allah", **selectors: str) -> dict[str, Any]:
    host = f"{origin.host}:{origin.port}"
    return {"tariq_allah": {"sites": [{"name": "Test", "hosts": [host], "layout": layout, **selectors}]}}


@pytest.fixture
async def resolve(origin: Origin, tmp_path: Path) -> AsyncIterator[Any]:
    """`await resolve(path, layout=…, quality=…)` with the lecture source."""
    network, timeouts = Network(allow_addresses=("127.0.0.1/32",)), Timeouts(read_s=5, connect_s=5)
    http = HttpClient(AddressGate(network.allow_addresses), network=network, timeouts=timeouts)
    # Never asked for anything: this source starts no process.
    pool = YtdlpPool(
        size=1, proxy_url="", ffmpeg_path=Path(), tmp_dir=tmp_path, network=network, timeouts=timeouts
    )

    async def run(
        path: str, *, layout: str = "way2allah", limits: dict[str, Any] | None = None, **options: Any
    ) -> Resolution:
        settings = Settings.model_validate({"sources": sites(origin, layout), "limits": limits or {}})
        context = SourceContext(http=http, settings=settings, ytdlp=pool)
        source = Lectures(settings.sources.tariq_allah.sites)
        return await source.resolve(Request(url=origin.url(path), **options), context)

    yield run
    await http.close()


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://way2allah.com/khotab-item-7.htm", "tariq_allah"),
        ("https://www.way2allah.com/khotab-series-7.htm", "tariq_allah"),
        ("https://ar.islamway.net/lesson/7/slug", "tariq_allah"),
        ("http://127.0.0.1:81/lecture", "tariq_allah"),
        ("http://127.0.0.1:82/lecture", "direct"),
        ("https://notway2allah.com/khotab-item-7.htm", "direct"),
        ("https://media.islamway.net/lessons/1/2.mp3", "direct"),
        ("https://way2allah.com/khotab-download-7.htm", "direct"),
        ("https://way2allah.com/khotab-mirror-7-1.htm", "direct"),
    ],
)
def test_pages_of_known_and_configured_hosts_are_taken_and_files_are_left_to_direct(
    url: str, first: str
) -> None:
    own = {"tariq_allah": {"sites": [{"name": "a", "hosts": ["127.0.0.1:81"], "title": "h1"}]}}
    candidates = Registry(Settings.model_validate({"sources": own})).candidates(url)
    assert candidates[0].name == first


def test_a_site_without_hosts_takes_nothing() -> None:
    own = {"tariq_allah": {"sites": [{"name": "a", "hosts": []}]}}
    found = Registry(Settings.model_validate({"sources": own})).candidates("https://a.example/")
    assert "tariq_allah" not in [source.name for source in found]


async def test_a_lecture_is_one_track_with_its_tags(origin: Origin, resolve: Any) -> None:
    origin.put("/files/7.mp3", mp3())
    origin.put_redirect(OWN, origin.url("/files/7.mp3"))
    fake.put_page(origin, ITEM, fake.way2allah_lecture())
    found = await resolve(ITEM)
    [track] = found.tracks
    assert (track.url, track.role, track.transport) == (origin.url(OWN), Role.AUDIO, Transport.HTTP)
    assert (track.container, track.size_bytes, found.kind) == ("mp3", len(mp3()), Kind.AUDIO)
    tags = found.tags
    assert (found.title, tags.title, tags.artist) == (fake.TITLE, fake.TITLE, fake.LECTURER)
    assert (tags.album, tags.track_number, tags.source_url) == (fake.SERIES, 3, origin.url(ITEM))


LABELS = {"/a.mp3": "32 kbps", "/b.mp3": "128 kbps", "/c.mp3": "64 kbps", "/d.mp3": "تحميل"}


@pytest.mark.parametrize(
    ("options", "dead", "path"),
    [
        ({}, [], "/b.mp3"),
        ({"quality": "audio_64"}, [], "/c.mp3"),
        ({"quality": "worst"}, [], "/d.mp3"),
        ({"quality": "worst"}, ["/d.mp3"], "/a.mp3"),
        ({"kind": Kind.AUDIO}, ["/b.mp3"], "/c.mp3"),
        ({}, ["/b.mp3", "/c.mp3", "/a.mp3"], "/d.mp3"),
    ],
)
async def test_the_best_living_mirror_of_the_wanted_quality_is_taken(
    origin: Origin, resolve: Any, options: dict[str, Any], dead: list[str], path: str
) -> None:
    for each in LABELS:
        origin.put(each, mp3()).always = Fault(status=404 if each in dead else None)
    fake.put_page(origin, "/lesson/7", fake.islamway_lecture(LABELS.items()))
    found = await resolve("/lesson/7", layout="islamway", **options)
    assert found.tracks[0].url == origin.url(path)


async def test_film_goes_before_sound_unless_sound_is_wanted(origin: Origin, resolve: Any) -> None:
    origin.put("/a.mp3", mp3())
    for path in ("/480.mp4", "/720.mp4"):
        origin.put(path, mp4())
    files = [("/a.mp3", "64 kbps"), ("/480.mp4", "480p"), ("/720.mp4", "720p")]
    fake.put_page(origin, "/lesson/7", fake.islamway_lecture(files))
    for options, path, role in (
        ({}, "/720.mp4", Role.MUXED),
        ({"quality": "480p"}, "/480.mp4", Role.MUXED),
        ({"kind": Kind.AUDIO}, "/a.mp3", Role.AUDIO),
        ({"quality": "audio_128"}, "/a.mp3", Role.AUDIO),
    ):
        [track] = (await resolve("/lesson/7", layout="islamway", **options)).tracks
        assert (track.url, track.role) == (origin.url(path), role)


@pytest.mark.parametrize(("icon", "kind"), [(fake.SOUND, Kind.VIDEO), (fake.FILM, Kind.AUDIO)])
async def test_a_page_that_offers_only_the_other_kind_says_so(
    origin: Origin, resolve: Any, icon: str, kind: Kind
) -> None:
    fake.put_page(origin, ITEM, fake.way2allah_lecture(icon=icon))
    with pytest.raises(FormatNotFound) as caught:
        await resolve(ITEM, kind=kind)
    assert f"no {kind}" in caught.value.detail


async def test_a_lecture_has_no_format_ids(origin: Origin, resolve: Any) -> None:
    fake.put_page(origin, ITEM, fake.way2allah_lecture())
    with pytest.raises(FormatNotFound):
        await resolve(ITEM, format="137")


@pytest.mark.parametrize(
    ("own", "other", "error"),
    [
        (Fault(status=404), Fault(status=404), NotFound),
        (Fault(status=404), Fault(status=503), HttpFailure),
        (Fault(status=404), Fault(status=429), RateLimited),
        (Fault(html=True), Fault(html=True), UnsupportedSource),
    ],
)
async def test_when_no_mirror_lives_what_may_heal_is_reported_first(
    origin: Origin, resolve: Any, own: Fault, other: Fault, error: type[JobError]
) -> None:
    origin.put(OWN).always = own
    origin.put("/other.htm").always = other
    mirrors = [("/khotab-mirror-7-1.htm", "جودة عالية", fake.SOUND)]
    origin.put_redirect("/khotab-mirror-7-1.htm", origin.url("/other.htm"))
    fake.put_page(origin, ITEM, fake.way2allah_lecture(mirrors=mirrors))
    with pytest.raises(error):
        await resolve(ITEM)


async def test_mirrors_are_asked_for_through_the_gate(origin: Origin, resolve: Any) -> None:
    files = [("http://127.0.0.2/a.mp3", "32 kbps"), ("http://169.254.169.254/b.mp3", "64 kbps")]
    fake.put_page(origin, "/lesson/7", fake.islamway_lecture(files))
    with pytest.raises(BlockedAddress):
        await resolve("/lesson/7", layout="islamway")


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (410, NotFound), (503, HttpFailure)])
async def test_a_page_that_is_not_there_is_an_error_of_its_class(
    origin: Origin, resolve: Any, status: int, error: type[JobError]
) -> None:
    origin.put(ITEM).always = Fault(status=status)
    with pytest.raises(error):
        await resolve(ITEM)


async def test_a_changed_page_names_the_selectors_and_the_host(origin: Origin, resolve: Any) -> None:
    fake.put_page(origin, ITEM, fake.changed_page())
    with pytest.raises(ParserFailure) as caught:
        await resolve(ITEM)
    assert "127.0.0.1 lacks title (" in caught.value.detail


async def test_a_page_that_is_too_large_is_not_read_on(origin: Origin, resolve: Any) -> None:
    origin.put(ITEM, HTML + b" " * MAX_PAGE_BYTES, content_type="text/html")
    with pytest.raises(ParserFailure):
        await resolve(ITEM)


async def test_a_host_that_is_not_known_is_not_handled(origin: Origin, tmp_path: Path, resolve: Any) -> None:
    fake.put_page(origin, ITEM, fake.way2allah_lecture())
    context: Any = None
    with pytest.raises(NotHandled):
        await Lectures().resolve(Request(url=origin.url(ITEM)), context)


@pytest.mark.parametrize("header", [True, False])
async def test_windows_1256_is_decoded_whether_the_header_or_the_page_declares_it(
    origin: Origin, resolve: Any, header: bool
) -> None:
    origin.put("/a.mp3", mp3())
    html = fake.islamway_lecture([("/a.mp3", "تحميل")], title="فضل العلم").replace("utf-8", "windows-1256")
    fake.put_page(origin, "/lesson/7", html, charset="windows-1256", header=header)
    found = await resolve("/lesson/7", layout="islamway")
    assert (found.title, found.tags.artist) == ("فضل العلم", fake.LECTURER)


def links(first: int, last: int) -> list[tuple[str, str]]:
    return [(f"khotab-item-{number}.htm", f"الدرس {number}") for number in range(first, last + 1)]


async def test_a_series_is_read_over_its_pages_in_order(origin: Origin, resolve: Any) -> None:
    paths = fake.put_series(origin, [links(1, 3), links(3, 5), links(6, 6)])
    found = await resolve(paths[0])
    assert [(entry.url, entry.title) for entry in found.entries] == [
        (origin.url(f"/{address}"), title) for address, title in links(1, 6)
    ]
    assert (found.title, found.tags.artist, found.tracks) == (fake.SERIES, fake.LECTURER, ())


async def test_no_more_pages_are_read_than_are_wanted(origin: Origin, resolve: Any) -> None:
    paths = fake.put_series(origin, [links(1, 3), links(4, 6), links(7, 9)])
    found = await resolve(paths[0], limits={"max_playlist_items": 4})
    assert len(found.entries) == 4
    assert [len(origin.asked(path)) for path in paths] == [1, 1, 0]


@pytest.mark.parametrize("following", ["khotab-series-5.htm", "khotab-series-6.htm", "http://127.0.0.2:9/x"])
async def test_no_page_is_read_twice_and_no_other_site(origin: Origin, resolve: Any, following: str) -> None:
    for number in (5, 6):
        html = fake.way2allah_series(links(number, number), following=following)
        fake.put_page(origin, f"/khotab-series-{number}.htm", html)
    await resolve("/khotab-series-5.htm")
    assert len(origin.asked("/khotab-series-5.htm")) == 1
    assert len(origin.asked("/khotab-series-6.htm")) <= 1


async def test_pages_that_show_nothing_new_end_the_series(origin: Origin, resolve: Any) -> None:
    paths = fake.put_series(origin, [links(1, 2), links(1, 2), links(3, 3)])
    assert len((await resolve(paths[0])).entries) == 2
    assert origin.asked(paths[2]) == []


async def test_a_later_page_that_changed_fails_the_series(origin: Origin, resolve: Any) -> None:
    paths = fake.put_series(origin, [links(1, 2), links(3, 4)])
    fake.put_page(origin, paths[1], fake.changed_page())
    with pytest.raises(ParserFailure):
        await resolve(paths[0])


async def test_a_configured_site_is_downloaded_with_its_tags(run_engine: Any, origin: Origin) -> None:
    selectors = {"title": ".t", "lecturer": ".who", "series": ".set", "number": ".no", "audio": "a.file"}
    origin.put("/media/1.aac").always = Fault(status=404)
    origin.put("/media/2.aac", media.made_once(media.audio_only, "tone.aac").read_bytes())
    html = f"""<html><body><h2 class=t> فَضْلُ \n العلم </h2><p class=who>{fake.LECTURER}</p>
        <p class=set>{fake.SERIES}</p><p class=no>الدرس ٤</p>
        <a class=file href="media/1.aac">128 kbps</a>
        <a class=file href="//{origin.host}:{origin.port}/media/2.aac">x</a></body></html>"""
    fake.put_page(origin, "/lecture", html)
    async with run_engine(sources=sites(origin, "custom", **selectors)) as engine:
        job = await finish(engine, origin.url("/lecture"))
        assert job.status is JobStatus.COMPLETED, job.error_message
        assert (job.source_type, job.title) == ("tariq_allah", "فَضْلُ العلم")
        assert fake.LECTURER in Path(job.file_path or "").parts
        tags = mutagen.File(job.file_path, easy=True)
        assert (tags["title"], tags["artist"], tags["album"]) == ([job.title], [fake.LECTURER], [fake.SERIES])
        assert tags["tracknumber"][0].partition("/")[0] == "4"
        assert tags["comment"] == [origin.url("/lecture")]


async def test_a_series_becomes_a_group_of_lectures(run_engine: Any, origin: Origin) -> None:
    paths = fake.put_series(origin, [links(7, 7), links(8, 8)])
    for number in (7, 8):
        origin.put(f"/khotab-download-{number}.htm", mp3())
        fake.put_page(
            origin,
            f"/khotab-item-{number}.htm",
            fake.way2allah_lecture(title=f"الدرس {number}", number=number),
        )
    async with run_engine(sources=sites(origin)) as engine:
        series = await finish(engine, origin.url(paths[0]))
        assert series.status is JobStatus.COMPLETED, series.error_message
        page = await engine.jobs(JobQuery())
        children = [job for job in page.items if job.id != series.id]
        done = [await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED) for job in children]
        assert sorted((job.status, job.title) for job in done) == [
            (JobStatus.COMPLETED, "الدرس 7"),
            (JobStatus.COMPLETED, "الدرس 8"),
        ]
        for job in done:
            tags = mutagen.File(job.file_path, easy=True)
            assert (tags["title"], bool(tags["artist"])) == ([job.title], True)
            assert hashlib.sha256(Path(job.file_path).read_bytes()).hexdigest() == job.sha256


async def test_a_page_made_to_be_slow_holds_nobody_up(origin: Origin, resolve: Any) -> None:
    body = "<div class=jumbotron-icon>" * 250 + "<i class=y></i>" * 5000
    fake.put_page(origin, ITEM, f"<html><body>{body}</body></html>")
    resolving = asyncio.create_task(resolve(ITEM))
    worst_s, last = 0.0, time.perf_counter()
    while not resolving.done():
        await asyncio.wait([resolving], timeout=0.005)
        now = time.perf_counter()
        worst_s, last = max(worst_s, now - last), now
    with pytest.raises(ParserFailure):
        await resolving
    assert worst_s < 2, "parsing held the event loop"


async def test_a_changed_site_fails_the_job_as_a_parser_error(run_engine: Any, origin: Origin) -> None:
    fake.put_page(origin, ITEM, fake.changed_page())
    async with run_engine(sources=sites(origin)) as engine:
        job = await finish(engine, origin.url(ITEM))
        assert (job.status, job.error_type) == (JobStatus.FAILED, "PARSER_ERROR")
        assert "title" in (job.error_message or "")
