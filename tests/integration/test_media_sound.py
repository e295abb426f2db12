"""Sound as it was asked for: bit rates, channels, loudness, and forms that change on the way."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path

import av
import pytest

from core.domain.job import Kind
from core.domain.media import MediaInfo, Role
from core.media.ffmpeg import locate
from core.media.postprocess import Input, Wanted, postprocess
from core.media.prober import Prober
from core.media.recipe import AUDIO_BPS
from tests.fakes import media
from tests.fakes.media import made_once

FFMPEG = locate(None)


async def made(prober: Prober, folder: Path, wanted: Wanted, source: Path) -> tuple[Path, MediaInfo]:
    item = Input(Role.AUDIO, source, await prober.probe(source, measure=False))
    finished = await postprocess(
        FFMPEG, [item], wanted, folder / "out", timeout_s=60, stall_s=30, progress=lambda _: None
    )
    media.run_ffmpeg("-xerror", "-i", finished.path, "-f", "null", "-")
    return finished.path, await prober.probe(finished.path)


def music(path: Path, channels: int = 2) -> Path:
    """Noise of several colours: something that needs every bit it gets."""
    noise = f"anoisesrc=color=pink:sample_rate=48000:duration=12:amplitude=0.5:seed={channels}"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", noise, "-ac", str(channels), "-c:a", "libopus", "-b:a", "160k", path
    )
    return path


def mono(path: Path) -> Path:
    return music(path, 1)


@pytest.mark.parametrize("audio_format", ["m4a", "mp3"])
@pytest.mark.parametrize(
    ("wish", "stereo_bps"),
    [
        *(({"audio_bitrate": name}, bps) for name, bps in AUDIO_BPS.items()),
        ({"audio_bps": 320_000}, 320_000),
        ({"audio_bps": 1_000_000}, 320_000),
    ],
)
@pytest.mark.parametrize(("make", "channels"), [(music, 2), (mono, 1)])
async def test_converted_sound_has_the_bit_rate_that_was_asked_for(
    prober, tmp_path, audio_format, wish, stereo_bps, make, channels
):
    source = made_once(make, f"music{channels}.ogg")
    wanted = Wanted(kind=Kind.AUDIO, audio_format=audio_format, **wish)
    result, info = await made(prober, tmp_path, wanted, source)
    assert info.audio
    assert info.audio.channels == channels
    assert result.stat().st_size * 8 / info.duration_s == pytest.approx(stereo_bps * channels / 2, rel=0.1)


def loudness(path: Path) -> float:
    """Root mean square of all samples."""
    total = count = 0
    resampler = av.AudioResampler("s16", "mono", 48_000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for even in resampler.resample(frame):
                samples = array("h", bytes(even.planes[0])[: even.samples * 2])
                total += sum(sample * sample for sample in samples)
                count += len(samples)
    return float((total / count) ** 0.5)


@pytest.mark.parametrize("audio_format", ["m4a", "mp3"])
async def test_conversion_leaves_the_loudness_as_it_was(prober, tmp_path, audio_format):
    source = made_once(music, "music2.ogg")
    result, _ = await made(prober, tmp_path, Wanted(kind=Kind.AUDIO, audio_format=audio_format), source)
    assert loudness(result) == pytest.approx(loudness(source), rel=0.03)


def rich(path: Path) -> Path:
    media.run_ffmpeg("-i", made_once(music, "music2.ogg"), "-b:a", "256k", path)
    return path


@pytest.mark.parametrize("extension", ["m4a", "mp3"])
async def test_sound_far_richer_than_asked_for_is_brought_down(prober, tmp_path, extension):
    source = made_once(rich, f"rich.{extension}")
    result, info = await made(prober, tmp_path, Wanted(kind=Kind.AUDIO, audio_bps=128_000), source)
    assert result.suffix == f".{extension}"
    assert result.stat().st_size * 8 / info.duration_s == pytest.approx(128_000, rel=0.1)


@pytest.mark.parametrize("extension", ["m4a", "mp3"])
async def test_sound_about_as_rich_as_asked_for_is_left_alone(prober, tmp_path, extension):
    source = made_once(rich, f"rich.{extension}")
    result, _ = await made(prober, tmp_path, Wanted(kind=Kind.AUDIO, audio_bps=256_000), source)
    assert result == source


#: Sample rate and channels of the pieces of a Space whose host changed devices.
FORMS = ((48_000, 1), (32_000, 2), (44_100, 1))


def uneven(path: Path) -> Path:
    """Four seconds of the same tone in each form, one after the other."""
    joined = b""
    for rate, channels in FORMS:
        piece = path.with_name(f"{rate}.aac")
        tone = f"sine=frequency=440:sample_rate={rate}:duration=4"
        media.run_ffmpeg("-f", "lavfi", "-i", tone, "-ac", str(channels), "-c:a", "aac", piece)
        joined += media.id3_timestamp(0) + piece.read_bytes()
    path.write_bytes(joined)
    return path


def hertz(path: Path, begin_s: float, end_s: float) -> float:
    """How often a second the signal rises through zero."""
    samples = array("h")
    resampler = av.AudioResampler("s16", "mono", 48_000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for even in resampler.resample(frame):
                samples.frombytes(bytes(even.planes[0])[: even.samples * 2])
    part = samples[int(begin_s * 48_000) : int(end_s * 48_000)]
    rises = sum(1 for before, now in pairwise(part) if before < 0 <= now)
    return rises / (end_s - begin_s)


@pytest.mark.parametrize("audio_format", ["m4a", "mp3"])
async def test_sound_that_changes_its_rate_keeps_pitch_and_length(prober, tmp_path, audio_format):
    source = made_once(uneven, "uneven.aac")
    info = await prober.probe(source, measure=False)
    assert info.audio
    assert info.audio.is_uneven
    wanted = Wanted(kind=Kind.AUTO, audio_format=audio_format)
    result, info = await made(prober, tmp_path, wanted, source)
    assert result.suffix == f".{audio_format}"
    assert info.duration_s == pytest.approx(12.1, abs=0.15)
    for piece in range(3):
        assert hertz(result, 4 * piece + 1, 4 * piece + 3) == pytest.approx(440, abs=3)
    assert [path.name for path in tmp_path.iterdir()] == [result.name]


async def test_sound_of_one_form_is_even_whatever_stands_between_its_pieces(prober, tmp_path):
    piece = made_once(media.audio_only, "a.aac").read_bytes()
    path = tmp_path / "joined.aac"
    path.write_bytes(media.id3_timestamp(0) + piece + media.id3_timestamp(90_000) + piece)
    info = await prober.probe(path, measure=False)
    assert info.audio
    assert not info.audio.is_uneven
