"""A file whose end is missing or damaged is noticed, whatever its header promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.errors import MediaFailure
from core.media.prober import Prober
from tests.fakes import media
from tests.fakes.media import made_once


def long_film(path: Path) -> Path:
    """Index in front, as finished films have it."""
    media.run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=20"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac"),
        *("-movflags", "+faststart", path),
    )
    return path


def copied(path: Path) -> Path:
    media.run_ffmpeg("-i", made_once(long_film, "long.mp4"), "-c", "copy", path)
    return path


def sound(path: Path) -> Path:
    return media.audio_only(path, 20.0)


def cut(source: Path, path: Path, share: float) -> Path:
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def emptied(source: Path, path: Path, share: float) -> Path:
    """As an interrupted copy into a preallocated file leaves it: the size is right, the rest is zeros."""
    data = source.read_bytes()
    kept = data[: int(len(data) * share)]
    path.write_bytes(kept + bytes(len(data) - len(kept)))
    return path


async def through_the_gate(prober: Prober, path: Path) -> None:
    await prober.probe(path)
    await prober.check_ending(path)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (long_film, "long.mp4"),
        (copied, "long.mkv"),
        (copied, "long.ts"),
        (sound, "long.m4a"),
        (media.audio_mp3, "a.mp3"),
        (media.audio_opus, "a.ogg"),
        (media.audio_opus, "a.webm"),
        (media.video_only, "picture.mp4"),
    ],
)
async def test_a_whole_file_passes(prober, make, name):
    await prober.check_ending(made_once(make, name))


def uneven_rate(path: Path) -> Path:
    """Variable bit rate, silence first, and no header that tells of it: every length is a guess."""
    sound = "aevalsrc='if(lt(t,60),0,random(0)-0.5)':sample_rate=44100:duration=80"
    media.run_ffmpeg("-f", "lavfi", "-i", sound, "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0", path)
    return path


def joined(path: Path) -> Path:
    """The header speaks of the first piece only."""
    path.write_bytes(made_once(media.audio_mp3, "a.mp3").read_bytes() * 3)
    return path


def subtitled(path: Path) -> Path:
    """Text that goes on long after the film."""
    texts = path.with_suffix(".srt")
    texts.write_text("1\n00:00:01,000 --> 00:02:00,000\nStill here\n")
    film = made_once(long_film, "long.mp4")
    media.run_ffmpeg("-i", film, "-i", texts, "-c", "copy", "-c:s", "mov_text", path)
    return path


@pytest.mark.parametrize(
    ("make", "name"), [(uneven_rate, "vbr.mp3"), (joined, "joined.mp3"), (subtitled, "subtitled.mp4")]
)
async def test_headers_that_tell_nothing_of_the_end_are_not_held_against_a_file(prober, make, name):
    await through_the_gate(prober, made_once(make, name))


@pytest.mark.parametrize("share", [0.5, 0.8])
async def test_a_film_that_was_cut_short_is_refused(prober, tmp_path, share):
    part = cut(made_once(copied, "long.mkv"), tmp_path / "part.mkv", share)
    with pytest.raises(MediaFailure, match="it ends after"):
        await prober.check_ending(part)


@pytest.mark.parametrize(("make", "name"), [(long_film, "long.mp4"), (sound, "long.m4a")])
async def test_an_mp4_that_was_cut_short_is_refused_by_the_probe_already(prober, tmp_path, make, name):
    with pytest.raises(MediaFailure, match="its end is missing"):
        await prober.probe(cut(made_once(make, name), tmp_path / name, 0.9))


@pytest.mark.parametrize(
    ("make", "name"), [(long_film, "long.mp4"), (copied, "long.mkv"), (sound, "long.m4a")]
)
async def test_an_end_that_was_never_filled_is_refused(prober, tmp_path, make, name):
    path = emptied(made_once(make, name), tmp_path / name, 0.7)
    with pytest.raises(MediaFailure):
        await through_the_gate(prober, path)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
async def test_sound_that_stops_before_the_middle_is_refused(prober, tmp_path, extension):
    path = tmp_path / f"film.{extension}"
    media.run_ffmpeg(
        *("-i", made_once(long_film, "long.mp4"), "-t", "5", "-i", made_once(sound, "long.m4a")),
        *("-map", "0:v", "-map", "1:a", "-c", "copy", path),
    )
    with pytest.raises(MediaFailure, match="audio stream ends before the middle"):
        await prober.check_ending(path)


async def test_credits_without_sound_are_no_fault(prober, tmp_path):
    path = tmp_path / "film.mkv"
    media.run_ffmpeg(
        *("-i", made_once(long_film, "long.mp4"), "-t", "15", "-i", made_once(sound, "long.m4a")),
        *("-map", "0:v", "-map", "1:a", "-c", "copy", path),
    )
    await prober.check_ending(path)


@pytest.mark.parametrize(
    ("make", "name", "share"),
    [
        (long_film, "long.mp4", 1.0),
        (long_film, "long.mp4", 0.7),
        (copied, "long.mkv", 0.7),
        (sound, "long.m4a", 1.0),
        (joined, "joined.mp3", 1.0),
    ],
)
async def test_one_visit_says_what_two_would_say(prober, tmp_path, make, name, share):
    path = emptied(made_once(make, name), tmp_path / name, share)
    whole = await prober.whole(path)
    assert whole.info == await prober.probe(path, measure=False)
    fault = None
    try:
        await prober.check_ending(path)
    except MediaFailure as error:
        fault = str(error)
    assert (None if whole.fault is None else str(whole.fault)) == fault
    assert (fault is None) is (share == 1.0)
