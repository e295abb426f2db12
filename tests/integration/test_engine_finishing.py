"""What a finished file holds and what it must stand up to, through the real engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import mutagen
import pytest
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from core.domain.events import EventType
from core.domain.job import JobStatus, Kind, Request, Stage
from core.domain.media import Chapter, Resolution, Role, Tags, Track, Transport
from core.sources import registry
from core.sources.base import Matcher, Source, SourceContext
from tests.fakes import media
from tests.fakes.media import made_once
from tests.fakes.origin import Fault, Origin
from tests.integration.conftest import finish

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED
CHAPTERS = (Chapter(start_s=0, title="أول"), Chapter(start_s=0.8, title="Q; \\A = #1"))
TAGS = Tags(title="A talk", artist="Amal", date="2024-03-01", chapters=CHAPTERS)


class Shelf(Source):
    """Knows what is behind `/shelf` and who made it."""

    name = "shelf"
    label = "Shelf"
    matchers = (Matcher(path=re.compile("^/shelf")),)
    found: Resolution

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        del request, context
        return self.found


@pytest.fixture
def shelf(monkeypatch, origin: Origin) -> Callable[..., str]:
    """Puts files on the shelf and returns the link to them."""
    source = Shelf()
    monkeypatch.setattr(registry, "known_sources", lambda *_: [source])

    def put(*tracks: tuple[Role, Path], **facts: object) -> str:
        made = []
        for role, path in tracks:
            origin.put(f"/{path.name}", path.read_bytes())
            made.append(Track(role=role, transport=Transport.HTTP, url=origin.url(f"/{path.name}")))
        usual = {"title": "A talk", "tags": TAGS, "kind": Kind.VIDEO}
        source.found = Resolution(source="shelf", tracks=tuple(made), **(usual | facts))
        return origin.url("/shelf")

    return put


def picture(origin: Origin, extension: str = "webp") -> str:
    """A picture of 1600 by 900, served as sites do: with a name that tells nothing."""
    path = made_once(_picture, f"cover.{extension}")
    origin.put("/vi/1", path.read_bytes(), content_type="application/octet-stream")
    return origin.url("/vi/1")


def _picture(path: Path) -> Path:
    media.run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=1600x900:duration=1", "-frames:v", "1", path)
    return path


def chapters_of(path: Path) -> list[tuple[float, str]]:
    with av.open(str(path)) as container:
        return [
            (round(float(c["start"] * c["time_base"]), 2), c["metadata"]["title"])
            for c in container.chapters()
        ]


def size_of(jpeg: bytes, folder: Path) -> tuple[int, int]:
    (folder / "seen.jpg").write_bytes(jpeg)
    with av.open(str(folder / "seen.jpg")) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def two_tracks() -> tuple[tuple[Role, Path], tuple[Role, Path]]:
    return (
        (Role.VIDEO, made_once(media.video_only, "picture.mp4")),
        (Role.AUDIO, made_once(media.audio_m4a, "a.m4a")),
    )


@pytest.mark.parametrize("extension", ["webp", "png", "avif", "jpg", "gif"])
async def test_a_merged_film_has_cover_chapters_and_tags(run_engine, origin, shelf, tmp_path, extension):
    url = shelf(*two_tracks(), thumbnail_url=picture(origin, extension))
    async with run_engine() as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
        events = await engine.events(job.id)
        assert [e.data["has_cover"] for e in events if e.type is EventType.POSTPROCESS_FINISHED] == [True]
    path = Path(job.file_path)
    tags = MP4(path).tags
    assert tags["\xa9ART"] == ["Amal"]
    assert size_of(bytes(tags["covr"][0]), tmp_path) == (1280, 720)
    assert chapters_of(path) == [(0.0, "أول"), (0.8, "Q; \\A = #1")]
    assert job.duration_s == pytest.approx(2.0, abs=0.1)
    media.run_ffmpeg("-xerror", "-i", path, "-f", "null", "-")


@pytest.mark.parametrize("audio_format", ["m4a", "mp3"])
@pytest.mark.parametrize(("make", "name"), [(media.audio_m4a, "a.m4a"), (media.audio_opus, "a.webm")])
async def test_sound_has_cover_chapters_and_tags(run_engine, origin, shelf, make, name, audio_format):
    url = shelf((Role.AUDIO, made_once(make, name)), kind=Kind.AUDIO, thumbnail_url=picture(origin))
    async with run_engine(media={"audio_format": audio_format}) as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
    path = Path(job.file_path)
    assert path.suffix == f".{audio_format}"
    assert [title for _, title in chapters_of(path)] == ["أول", "Q; \\A = #1"]
    if audio_format == "m4a":
        assert MP4(path).tags["covr"]
    else:
        tags = ID3(path)
        assert tags["APIC:"].data.startswith(b"\xff\xd8\xff")
        assert tags["CTOC:toc"].child_element_ids == ["chp0", "chp1"]
    assert mutagen.File(path, easy=True)["title"] == ["A talk"]


async def test_a_film_kept_as_it_came_gets_the_cover_too(run_engine, origin, shelf):
    tags = replace(TAGS, chapters=())
    film = (Role.MUXED, made_once(media.video_mp4, "film.mp4"))
    url = shelf(film, tags=tags, thumbnail_url=picture(origin))
    async with run_engine() as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
    assert MP4(Path(job.file_path)).tags["covr"]


async def test_the_setting_leaves_the_cover_out(run_engine, origin, shelf):
    url = shelf(*two_tracks(), thumbnail_url=picture(origin))
    async with run_engine(media={"embed_cover": False}) as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
    assert "covr" not in MP4(Path(job.file_path)).tags
    assert origin.bytes_sent("/vi/1") == 0


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", None),
        (b"<html>gone</html>", None),
        (b"\xff\xd8\xff" + b"x" * 5000, None),
        # 60,000 points by 60,000 in a file of no size.
        (
            b"GIF89a" + b"\x60\xea\x60\xea\x80\0\0" + b"\0" * 6 + b",\0\0\0\0\x60\xea\x60\xea\0\2\2D\1\0;",
            None,
        ),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"x", Fault(status=404)),
        (b"x", Fault(infinite=True)),
    ],
)
async def test_a_cover_that_cannot_be_used_stops_nothing(run_engine, origin, shelf, body, fault):
    thumbnail = origin.put("/vi/1", body, content_type="image/jpeg")
    if fault:
        thumbnail.always = fault
    url = shelf(*two_tracks(), thumbnail_url=origin.url("/vi/1"))
    async with run_engine() as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
        events = await engine.events(job.id)
        assert [e.data["has_cover"] for e in events if e.type is EventType.POSTPROCESS_FINISHED] == [False]
    assert "covr" not in MP4(Path(job.file_path)).tags


async def test_the_cover_is_fetched_through_the_gate(run_engine, origin, shelf):
    url = shelf(*two_tracks(), thumbnail_url="http://169.254.169.254/latest/meta-data")
    async with run_engine() as engine:
        job = await finish(engine, url)
        assert job.status is DONE, job.error_message
    assert "covr" not in MP4(Path(job.file_path)).tags


async def test_a_film_without_an_end_is_never_done(run_engine, shelf, tmp_path):
    whole = media.video_mp4(tmp_path / "long.mkv", 12.0)
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    url = shelf((Role.MUXED, whole), tags=Tags())
    async with run_engine(retries={"max_retries": 0}, media={"video_container": "mkv"}) as engine:
        job = await finish(engine, url)
    assert (job.status, job.error_type) == (FAILED, "MEDIA_ERROR")


async def test_sound_where_a_film_was_asked_for_is_refused(run_engine, shelf):
    url = shelf((Role.MUXED, made_once(media.audio_m4a, "a.m4a")))
    async with run_engine(retries={"max_retries": 0}) as engine:
        job = await finish(engine, url, kind=Kind.VIDEO)
    assert (job.status, job.error_type) == (FAILED, "FORMAT_NOT_FOUND")


async def test_a_film_whose_sound_stops_early_is_never_done(run_engine, shelf, tmp_path):
    video = media.video_only(tmp_path / "v.mp4", 30.0)
    audio = media.audio_only(tmp_path / "a.m4a", 12.0)
    url = shelf((Role.VIDEO, video), (Role.AUDIO, audio), tags=Tags())
    async with run_engine(retries={"max_retries": 0}) as engine:
        job = await finish(engine, url)
    assert (job.status, job.error_type) == (FAILED, "MEDIA_ERROR")


async def test_a_quality_of_sound_is_what_comes_out(run_engine, shelf, tmp_path):
    rich = tmp_path / "rich.m4a"
    noise = "anoisesrc=color=pink:sample_rate=48000:duration=10:amplitude=0.5"
    media.run_ffmpeg("-f", "lavfi", "-i", noise, "-ac", "2", "-b:a", "320k", rich)
    url = shelf((Role.MUXED, rich), kind=Kind.AUDIO)
    async with run_engine() as engine:
        job = await finish(engine, url, quality="audio_128")
        assert job.status is DONE, job.error_message
    assert job.size_bytes * 8 / job.duration_s == pytest.approx(128_000, rel=0.1)


async def test_conversion_shows_how_far_it_is(run_engine, shelf):
    url = shelf((Role.MUXED, made_once(media.long_avi, "long.avi")))
    seen: list[float] = []
    async with run_engine() as engine:
        submitted = await engine.submit(Request(url=url))
        async for frame in engine.stream():
            processed = [job for job in frame.jobs if job.stage is Stage.POSTPROCESS]
            seen += [job.progress for job in processed if job.progress is not None]
            if any(job.status.is_final for job in frame.jobs):
                break
        job = await engine.job(submitted.job.id)
    assert job.status is DONE, job.error_message
    assert any(0.0 < share < 1.0 for share in seen), seen
