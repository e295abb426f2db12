"""Items of a loopback archive.org: what is found, what is refused, and files through the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
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
    ParserFailure,
    ProtectedContent,
    RateLimited,
    UnsupportedSource,
)
from core.domain.job import Job, JobStatus, Kind, Request
from core.domain.media import Resolution, Role, Tags, Transport
from core.domain.snapshot import JobQuery
from core.links.normalise import normalise
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.net.transfer.file import fetch_file
from core.sources.archive_org.source import ArchiveOrg as Source
from core.sources.base import NotHandled, SourceContext
from core.sources.ytdlp.pool import YtdlpPool
from tests.fakes.archive_org import ArchiveOrg, Stored, derived, upload
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED
#: Everything that a name may hold and an address may not.
ODD_NAME = 'disc 1/مقطع #1? 50%20+ "a" & b;c\'s.mp3'


@pytest.fixture
async def archive() -> AsyncIterator[ArchiveOrg]:
    async with ArchiveOrg() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    network, timeouts = Network(allow_addresses=("127.0.0.0/8",)), Timeouts(read_s=5, connect_s=5)
    client = HttpClient(AddressGate(network.allow_addresses), network=network, timeouts=timeouts)
    yield client
    await client.close()


@pytest.fixture
def resolve(archive: ArchiveOrg, http: HttpClient, tmp_path: Path) -> Any:
    """`await resolve("/details/x", quality=…)` against the replica."""
    network, timeouts = Network(), Timeouts()
    # Never asked for anything: this source starts no process.
    pool = YtdlpPool(
        size=1, proxy_url="", ffmpeg_path=Path(), tmp_dir=tmp_path, network=network, timeouts=timeouts
    )

    async def run(path: str, *, settings: Settings | None = None, **options: Any) -> Resolution:
        url = normalise(path if "://" in path else archive.base + path)
        context = SourceContext(http=http, settings=settings or Settings(), ytdlp=pool)
        return await Source(archive.base).resolve(Request(url=url, **options), context)

    return run


def tone() -> bytes:
    return made_once(audio_mp3, "tone.mp3").read_bytes()


def film() -> bytes:
    return made_once(video_mp4, "clip.mp4").read_bytes()


def placed(job: Job) -> Path:
    """Where a finished job's file is."""
    assert job.file_path is not None
    return Path(job.file_path)


def album() -> list[Stored]:
    """Three tracks with two forms each, out of order."""
    return [
        file
        for number, title in ((10, "Last"), (1, "First"), (2, "Second"))
        for file in (
            upload(
                f"t{number}.flac", format="Flac", bitrate="900", track=str(number), title=title, length="1:05"
            ),
            derived(f"t{number}.mp3", f"t{number}.flac", tone(), format="VBR MP3", track=str(number)),
        )
    ]


async def test_a_film_is_known_whole_before_anything_of_it_is_fetched(archive: Any, resolve: Any) -> None:
    avi = upload("Cops.avi", b"avi", format="AVI", title="Cops.avi")
    mp4 = derived(
        "Cops.mp4",
        "Cops.avi",
        film(),
        format="h.264",
        length="2.00",
        width="320",
        height="180",
        title="Cops.avi",
    )
    archive.add("Cops1922", [avi, mp4], title="Cops (1922)", creator="Buster Keaton", date="1922-03-11")
    found = await resolve("/details/Cops1922?start=3")
    assert (found.media_id, found.title, found.kind) == ("Cops1922", "Cops (1922)", Kind.VIDEO)
    assert (found.size_bytes, found.duration_s, found.entries) == (len(film()), 2.0, ())
    assert found.thumbnail_url == f"{archive.base}/services/img/Cops1922"
    assert found.tags == Tags(
        title="Cops (1922)",
        artist="Buster Keaton",
        date="1922-03-11",
        source_url=f"{archive.base}/details/Cops1922",
    )
    [track] = found.tracks
    assert (track.role, track.transport, track.container) == (Role.MUXED, Transport.HTTP, "mp4")
    assert track.url == f"{archive.base}/download/Cops1922/Cops.mp4"
    assert track.checksum == f"sha1:{hashlib.sha1(film(), usedforsecurity=False).hexdigest()}"
    assert not archive.node.requests


async def test_an_album_becomes_an_entry_for_each_track_in_playing_order(archive: Any, resolve: Any) -> None:
    archive.add("album", album(), title="The album", creator="Band")
    found = await resolve("/details/album")
    assert [entry.title for entry in found.entries] == ["First", "Second", "Last"]
    assert found.entries[0].url == f"{archive.base}/details/album/t1.flac"
    assert (found.entries[0].media_id, found.entries[0].duration_s) == ("album/t1.flac", 65.0)
    assert (found.title, found.tracks, found.media_id) == ("The album", (), "album")


async def test_a_long_item_is_capped(archive: Any, resolve: Any) -> None:
    archive.add("album", [upload(f"{number}.mp3") for number in range(40)])
    settings = Settings.model_validate({"limits": {"max_playlist_items": 7}})
    found = await resolve("/download/album", settings=settings)
    assert [entry.title for entry in found.entries] == list("0123456")


async def test_an_entry_is_one_track_with_the_tags_of_its_album(archive: Any, resolve: Any) -> None:
    archive.add("album", album(), title="The album", creator=["Band", "Guest"], year="1977")
    found = await resolve("/details/album/t2.flac", quality="audio_320")
    assert found.tags == Tags(
        title="Second",
        artist="Band, Guest",
        album="The album",
        track_number=2,
        date="1977",
        source_url=f"{archive.base}/details/album/t2.flac",
    )
    assert (found.kind, found.tracks[0].role, found.media_id) == (Kind.AUDIO, Role.AUDIO, "album/t2.flac")
    assert found.tracks[0].url.endswith("/t2.mp3")


@pytest.mark.parametrize("path", ["/download/album/t1.mp3", "/details/album/t1.mp3", "/9/items/album/t1.mp3"])
async def test_a_link_to_a_file_means_this_file(archive: Any, resolve: Any, path: str) -> None:
    archive.add("album", album(), title="The album")
    found = await resolve(path)
    assert found.tracks[0].url == f"{archive.base}/download/album/t1.mp3"
    assert (found.title, found.tags.album) == ("First", "The album")


async def test_a_link_to_the_real_site_is_asked_of_the_configured_one(archive: Any, resolve: Any) -> None:
    archive.add("album", album())
    found = await resolve("https://archive.org/details/album/t1.flac")
    assert found.tracks[0].url.startswith(archive.base)


async def test_a_folder_is_the_tracks_in_it(archive: Any, resolve: Any) -> None:
    archive.add("set", [upload("a/1.mp3"), upload("a/2.mp3"), upload("b/1.mp3")])
    found = await resolve("/download/set/a/")
    assert [entry.media_id for entry in found.entries] == ["set/a/1.mp3", "set/a/2.mp3"]


async def test_any_name_comes_back_through_its_link_and_is_fetched(
    archive: Any, resolve: Any, http: HttpClient, tmp_path: Path
) -> None:
    archive.add("odd", [upload(ODD_NAME, tone()), upload("plain.mp3")])
    entries = (await resolve("/details/odd")).entries
    [odd] = [entry for entry in entries if entry.media_id == f"odd/{ODD_NAME}"]
    found = await resolve(odd.url)
    await fetch_file(
        http, found.tracks[0], tmp_path / "f", progress=lambda *_: None, connections=2, stall_s=5
    )
    assert (tmp_path / "f").read_bytes() == tone()
    assert archive.front.asked(f"/download/odd/{ODD_NAME}")
    assert archive.node.asked(f"/12/items/odd/{ODD_NAME}")


async def test_a_file_that_is_not_the_published_one_is_a_media_failure(
    archive: Any, resolve: Any, http: HttpClient, tmp_path: Path
) -> None:
    archive.add("bad", [upload("a.mp3", tone(), sha1="0" * 40)])
    found = await resolve("/details/bad")
    with pytest.raises(MediaFailure, match="sha1"):
        await fetch_file(
            http, found.tracks[0], tmp_path / "f", progress=lambda *_: None, connections=1, stall_s=5
        )
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/details/unknown", NotFound, "no item unknown"),
        ("/details/dark", NotFound, "taken the item down"),
        ("/details/lent", AuthRequired, "borrow"),
        ("/download/lent/sample.mp3", AuthRequired, "borrow"),
        ("/details/hidden", AuthRequired, "lets in"),
        ("/details/hidden/a.mp3", AuthRequired, "lets in"),
        ("/details/streamed", ProtectedContent, "only plays it"),
        ("/details/book", UnsupportedSource, "nothing to see or hear.*'texts'"),
        ("/details/many", UnsupportedSource, "nothing to see or hear in the collection many"),
        ("/details/odd", ParserFailure, "`files`"),
        ("/details/page", ParserFailure, "no JSON"),
        ("/details/good/other.mp3", NotFound, "of this name"),
    ],
)
async def test_what_cannot_be_had_has_its_class_and_says_why(
    archive: Any, resolve: Any, path: str, error: type[JobError], words: str
) -> None:
    hidden = [upload("a.mp3", b"x", private="true")]
    archive.publish("dark", {"is_dark": True, "dir": "/1/items/dark", "metadata": {}})
    archive.add("lent", [upload("sample.mp3", b"x"), *hidden], **{"access-restricted-item": "true"})
    archive.add("hidden", hidden)
    archive.add("streamed", hidden, collection=["etree", "stream_only"])
    archive.add("book", [upload("book.pdf", b"%PDF")], mediatype="texts")
    archive.add("many", [], mediatype="collection")
    archive.add("odd", [], top={"files": None})
    archive.publish("page", "<html>We are sorry</html>")
    archive.add("good", [upload("a.mp3"), upload("b.mp3")])
    with pytest.raises(error, match=words):
        await resolve(path)


@pytest.mark.parametrize("path", ["/details/album", "/details/album/t1.flac", "/download/album/t1.mp3"])
async def test_a_video_is_not_made_of_sound(archive: Any, resolve: Any, path: str) -> None:
    archive.add("album", album())
    with pytest.raises(FormatNotFound, match="only sound"):
        await resolve(path, kind=Kind.VIDEO)


async def test_of_a_mixed_item_a_video_is_its_films(archive: Any, resolve: Any) -> None:
    archive.add("mixed", [upload("x/a.mp4"), upload("b.mp4"), upload("x/c.mp3")])
    assert len((await resolve("/details/mixed")).entries) == 3
    assert len((await resolve("/details/mixed", kind=Kind.VIDEO)).entries) == 2
    [only] = (await resolve("/download/mixed/x", kind=Kind.VIDEO)).tracks
    assert only.container == "mp4"


@pytest.mark.parametrize("path", ["/download/book/book.pdf", "/download/book/all.zip/1.mp3", "/search"])
async def test_what_is_not_listed_as_media_is_left_to_who_looks_at_the_content(
    archive: Any, resolve: Any, path: str
) -> None:
    archive.add("book", [upload("book.pdf", b"%PDF"), upload("all.zip", b"PK")], mediatype="texts")
    with pytest.raises(NotHandled):
        await resolve(path)


async def test_a_request_to_slow_down_is_obeyed_with_its_wait(archive: Any, resolve: Any) -> None:
    archive.add("album", album()).fail(Fault(status=429, retry_after="7"))
    with pytest.raises(RateLimited) as caught:
        await resolve("/details/album")
    assert caught.value.retry_after_s == 7


async def test_an_outage_may_heal(archive: Any, resolve: Any) -> None:
    archive.add("album", album()).fail(Fault(status=503))
    with pytest.raises(HttpFailure) as caught:
        await resolve("/details/album")
    assert caught.value.remote_status == 503
    assert len((await resolve("/details/album")).entries) == 3


# Through the engine.


async def test_a_film_is_downloaded_and_checked_by_the_engine(archive: Any, run_engine: Any) -> None:
    mp4 = derived("Cops.mp4", "Cops.avi", film(), format="h.264", length="2.0", width="320", height="180")
    archive.add("Cops1922", [upload("Cops.avi", b"avi"), mp4], title="Cops / 1922").fail(Fault(status=503))
    async with run_engine(sources={"archive_org": {"base": archive.base}}) as engine:
        job = await finish(engine, f"{archive.base}/details/Cops1922")
        assert job.status is DONE, job.error_message
        assert (job.source_type, job.size_bytes, job.title) == ("archive_org", len(film()), "Cops / 1922")
        assert placed(job).read_bytes() == film()
        assert placed(job).is_relative_to(engine.settings.paths.archive)


async def test_an_album_becomes_a_group_whose_jobs_are_fetched(archive: Any, run_engine: Any) -> None:
    archive.add("album", [upload("b.mp3", tone(), track="1"), upload(ODD_NAME, tone())], title="The album")
    async with run_engine(sources={"archive_org": {"base": archive.base}}) as engine:
        parent = await finish(engine, f"{archive.base}/details/album")
        assert parent.status is DONE, parent.error_message
        page = await engine.jobs(JobQuery())
        children = [job for job in page.items if job.id != parent.id]
        assert {job.group_id for job in children} == {parent.group_id}
        done = [await until(engine, job.id, DONE, FAILED) for job in children]
        assert [job.status for job in done] == [DONE, DONE], [job.error_message for job in done]
        assert all(placed(job).is_relative_to(engine.settings.paths.archive) for job in done)


async def test_a_wrong_checksum_fails_the_job_and_files_nothing(archive: Any, run_engine: Any) -> None:
    archive.add("bad", [upload("a.mp3", tone(), sha1="0" * 40)])
    async with run_engine(sources={"archive_org": {"base": archive.base}}) as engine:
        job = await finish(engine, f"{archive.base}/download/bad/a.mp3")
        assert (job.status, job.error_type, job.file_path) == (FAILED, "MEDIA_ERROR", None)
        assert job.retry_count == 1


async def test_a_download_goes_on_from_where_it_was_paused(archive: Any, run_engine: Any) -> None:
    data = film() + bytes(4_000_000)
    archive.add("long", [upload("long.mp4", data)])
    archive.node.resource("/12/items/long/long.mp4").always = Fault(hold_after=1_500_000)
    sections = {
        "sources": {"archive_org": {"base": archive.base}},
        "network": {"max_connections_per_file": 1},
    }
    async with run_engine(**sections) as engine:
        job = (await engine.submit(Request(url=f"{archive.base}/download/long/long.mp4"))).job
        await archive.node.held.wait()
        await engine.pause(job.id)
        archive.node.release.set()
        await engine.resume(job.id)
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert placed(done).read_bytes() == data
        assert archive.node.bytes_sent("/12/items/long/long.mp4") <= len(data) + 1_500_000


async def test_cancelling_leaves_nothing_behind(archive: Any, run_engine: Any) -> None:
    archive.add("long", [upload("long.mp4", film())])
    archive.node.resource("/12/items/long/long.mp4").always = Fault(hold_after=1000)
    async with run_engine(sources={"archive_org": {"base": archive.base}}) as engine:
        job = (await engine.submit(Request(url=f"{archive.base}/details/long"))).job
        await archive.node.held.wait()
        assert (await engine.cancel(job.id)).status is JobStatus.CANCELLED
        assert not (engine.settings.paths.tmp / str(job.id)).exists()
        archive.node.release.set()


async def test_a_file_with_the_right_checksum_is_right_whatever_length_the_page_tells(
    archive: Any, run_engine: Any
) -> None:
    archive.add("odd", [upload("a.mp3", tone(), length="1:00:00")])
    async with run_engine(sources={"archive_org": {"base": archive.base}}) as engine:
        job = await finish(engine, f"{archive.base}/download/odd/a.mp3")
        assert job.status is DONE, job.error_message
