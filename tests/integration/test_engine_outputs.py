"""Finished jobs play, however their media came: wholly, in sync, from the first byte, with tags and cover."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import mutagen
import pytest
from mutagen.mp4 import MP4

from core.domain.job import JobStatus, Kind
from core.domain.media import Resolution, Role, Tags, Track, Transport
from core.media.faststart import read_layout
from core.sources import registry
from tests.fakes.media import run_ffmpeg
from tests.fakes.origin import Origin
from tests.fakes.sync import PICTURE, SOUND, beeps, flash_and_beep, flashes, largest_offset_s
from tests.integration.conftest import finish
from tests.integration.test_engine_finishing import Shelf, picture

LENGTH_S = 8.0
_VOD = ("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod")
_FMP4 = (*_VOD, "-hls_segment_type", "fmp4")

Made = tuple[tuple[Role, str], ...]


def _file(name: str, *options: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        flash_and_beep(folder / name, LENGTH_S, *options)
        return ((Role.MUXED, name),)

    return make


def _apart(folder: Path) -> Made:
    run_ffmpeg(*flashes(LENGTH_S), *PICTURE, folder / "picture.mp4")
    run_ffmpeg(*beeps(LENGTH_S), *SOUND, folder / "sound.m4a")
    return ((Role.VIDEO, "picture.mp4"), (Role.AUDIO, "sound.m4a"))


def _segments(*options: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        both = (*flashes(LENGTH_S), *beeps(LENGTH_S), *PICTURE, *SOUND)
        run_ffmpeg(*both, *options, "index.m3u8", cwd=folder)
        return ((Role.MUXED, "index.m3u8"),)

    return make


def _segments_apart(folder: Path) -> Made:
    for name, what in (("v", (*flashes(LENGTH_S), *PICTURE)), ("a", (*beeps(LENGTH_S), *SOUND))):
        (folder / name).mkdir()
        run_ffmpeg(*what, *_FMP4, "index.m3u8", cwd=folder / name)
    return ((Role.VIDEO, "v/index.m3u8"), (Role.AUDIO, "a/index.m3u8"))


def _sound(folder: Path) -> Made:
    run_ffmpeg(*beeps(LENGTH_S), *SOUND, *_VOD, "index.m3u8", cwd=folder)
    return ((Role.AUDIO, "index.m3u8"),)


WAYS: dict[str, Callable[[Path], Made]] = {
    "mp4": _file("film.mp4", "-movflags", "+faststart"),
    "mkv": _file("film.mkv"),
    "old codecs": _file("film.avi", "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "apart": _apart,
    "ts segments": _segments(*_VOD),
    "fmp4 segments": _segments(*_FMP4),
    "segments apart": _segments_apart,
    "sound": _sound,
}


@pytest.fixture
def put(monkeypatch, origin: Origin, tmp_path):
    """Serve what a way makes, with a cover; the link to it."""
    source = Shelf()
    monkeypatch.setattr(registry, "known_sources", lambda *_: [source])

    def served(way: str) -> str:
        folder = tmp_path / "made"
        folder.mkdir()
        made = WAYS[way](folder)
        origin.put_folder("/made", folder)
        source.found = Resolution(
            source="shelf",
            title="A talk",
            kind=Kind.AUDIO if way == "sound" else Kind.VIDEO,
            tags=Tags(title="A talk", artist="Amal", date="2024-03-01"),
            thumbnail_url=picture(origin, "jpg"),
            tracks=tuple(
                Track(
                    role=role,
                    transport=Transport.HLS if name.endswith("m3u8") else Transport.HTTP,
                    url=origin.url(f"/made/{name}"),
                )
                for role, name in made
            ),
        )
        return origin.url("/shelf")

    return served


@pytest.mark.parametrize("way", WAYS)
async def test_a_finished_job_plays(run_engine, put, way):
    url = put(way)
    async with run_engine() as engine:
        job = await finish(engine, url)
    assert job.status is JobStatus.COMPLETED, job.error_message
    path = Path(job.file_path)
    run_ffmpeg("-xerror", "-i", path, "-f", "null", "-")
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(LENGTH_S, rel=0.01)
    assert job.duration_s == pytest.approx(LENGTH_S, rel=0.01)
    assert read_layout(path).is_faststart
    tags = mutagen.File(path, easy=True)
    assert (tags["title"], tags["artist"]) == (["A talk"], ["Amal"])
    assert MP4(path).tags["covr"]
    if way != "sound":
        assert abs(largest_offset_s(path)) < 0.04
