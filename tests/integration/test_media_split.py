"""Parts of a file that is too large: each plays, none exceeds the limit, and nothing is lost between them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import av
import mutagen
import pytest

from core.domain.errors import MediaFailure, SizeLimit
from core.domain.media import Chapter, Tags
from core.media.faststart import read_layout
from core.media.ffmpeg import locate
from core.media.prober import Prober
from core.media.split import Part, SplitTools, split
from tests.fakes import media
from tests.fakes.media import made_once
from tests.fakes.sync import PICTURE, SOUND, beeps, flashes, largest_offset_s

FFMPEG = locate(None)
TAGS = Tags(title="محاضرة", artist="Amal", track_number=4, chapters=(Chapter(start_s=1, title="x"),) * 2)


@pytest.fixture
async def tools():
    prober = Prober()
    yield SplitTools(ffmpeg=FFMPEG, prober=prober, timeout_s=60, stall_s=30)
    await prober.close()


def film(path: Path) -> Path:
    """Noise, so that it has some size; B-frames; a key frame a second, at times that are no round figures."""
    media.run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30000/1001:duration=20,noise=alls=20:allf=t"),
        *("-f", "lavfi", "-i", "anoisesrc=sample_rate=44100:duration=20:amplitude=0.3"),
        *("-c:v", "libx264", "-preset", "veryfast", "-g", "30", "-bf", "2", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", path),
    )
    return path


def remuxed(path: Path) -> Path:
    media.run_ffmpeg("-i", made_once(film, "split.mp4"), "-c", "copy", path)
    return path


def noise(path: Path) -> Path:
    sound = "anoisesrc=sample_rate=48000:duration=30:amplitude=0.3"
    media.run_ffmpeg("-f", "lavfi", "-i", sound, "-b:a", "128k", path)
    return path


def packets(path: Path, stream_type: str) -> list[int]:
    """Sizes of all packets of one stream, which tell them apart well enough."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == stream_type)
        return [packet.size for packet in container.demux(stream) if packet.size]


async def parts_of(
    tools: SplitTools, source: Path, folder: Path, limit_bytes: int, **options: object
) -> list[Part]:
    return await split(tools, source, folder / "100% out", limit_bytes=limit_bytes, tags=TAGS, **options)


@pytest.mark.parametrize(
    ("make", "name", "kinds"),
    [
        (film, "split.mp4", ["video", "audio"]),
        (remuxed, "split.mkv", ["video", "audio"]),
        (noise, "noise.m4a", ["audio"]),
        (noise, "noise.mp3", ["audio"]),
        (noise, "noise.ogg", ["audio"]),
    ],
)
@pytest.mark.parametrize("share", [0.6, 0.23])
async def test_the_parts_hold_every_packet_once_and_each_plays(
    tools, tmp_path, make: Callable[[Path], Path], name, kinds, share
):
    source = made_once(make, name)
    limit = int(source.stat().st_size * share)
    shares: list[float] = []
    parts = await parts_of(tools, source, tmp_path, limit, progress=shares.append)
    # What a part needs besides its packets weighs in files as small as these.
    assert len(parts) in {0.6: {2}, 0.23: {5, 6}}[share]
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert sorted(tmp_path.iterdir()) == [part.path for part in parts]
    assert all(part.size_bytes == part.path.stat().st_size <= limit for part in parts)
    whole = await tools.prober.probe(source)
    assert sum(part.duration_s for part in parts) == pytest.approx(whole.duration_s, abs=0.1 * len(parts))
    for kind in kinds:
        found = [size for part in parts for size in packets(part.path, kind)]
        assert found == packets(source, kind)
    for part in parts:
        # Decoded wholly; any complaint is a failure.
        media.run_ffmpeg("-xerror", "-i", part.path, "-f", "null", "-")
        if part.path.suffix in {".mp4", ".m4a"}:
            assert read_layout(part.path).is_faststart
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(("make", "name"), [(film, "split.mp4"), (noise, "noise.m4a"), (noise, "noise.mp3")])
async def test_each_part_says_which_one_it_is(tools, tmp_path, make, name):
    source = made_once(make, name)
    parts = await parts_of(tools, source, tmp_path, source.stat().st_size // 2)
    tags = [mutagen.File(part.path, easy=True) for part in parts]
    assert [tag["title"] for tag in tags] == [[f"محاضرة ({n}/3)"] for n in (1, 2, 3)]
    assert {tag["artist"][0] for tag in tags} == {"Amal"}


async def test_picture_and_sound_stay_together_in_every_part(tools, tmp_path):
    source = tmp_path / "beep.mp4"
    media.run_ffmpeg(*flashes(20), *beeps(20), *PICTURE, *SOUND, source)
    parts = await parts_of(tools, source, tmp_path, source.stat().st_size // 3 + 20_000)
    assert len(parts) > 2
    for part in parts:
        assert abs(largest_offset_s(part.path)) < 0.04


async def test_a_file_below_the_limit_is_its_only_part(tools, tmp_path):
    source = made_once(film, "split.mp4")
    [part] = await parts_of(tools, source, tmp_path, source.stat().st_size)
    assert (part.path, part.size_bytes) == (source, source.stat().st_size)
    assert not list(tmp_path.iterdir())


async def test_key_frames_too_far_apart_are_a_limit(tools, tmp_path):
    with pytest.raises(SizeLimit, match="too far apart"):
        await parts_of(tools, made_once(film, "split.mp4"), tmp_path, 60_000)
    assert not list(tmp_path.iterdir())


async def test_a_damaged_file_leaves_no_parts(tools, tmp_path):
    source = Path(shutil.copy(made_once(film, "split.mp4"), tmp_path / "source.mp4"))
    with source.open("rb+") as file:
        file.seek(source.stat().st_size * 3 // 4)
        file.write(bytes(source.stat().st_size // 4))
    with pytest.raises(MediaFailure):
        await parts_of(tools, source, tmp_path, source.stat().st_size // 2)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]
