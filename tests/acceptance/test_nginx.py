"""The shipped program against a real web server."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from core.media.prober import Prober
from tests.fakes.media import audio_m4a, hls_master, made_once, run_ffmpeg, video_mp4
from tests.fakes.nginx import NGINX, run_nginx

pytestmark = [
    pytest.mark.needs_nginx,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light"),
]

FORCED = ("--source", "ytdlp")


@pytest.fixture
async def nginx(tmp_path):
    root = tmp_path / "www"
    root.mkdir()
    async with run_nginx(tmp_path / "nginx", root) as address:
        yield root, address


def long_talk(folder: Path, *, segments: int) -> Path:
    """*segments* ADTS segments of three seconds: half a minute is encoded, the rest repeats it."""
    folder.mkdir()
    song = made_once(lambda path: audio_m4a(path, 30.0), "half-minute.m4a")
    run_ffmpeg(
        "-stream_loop", "-1", "-i", song, "-t", str(segments * 3), "-c", "copy", "-f", "segment",
        "-segment_time", "3", "-segment_format", "adts", "-segment_list", folder / "index.m3u8",
        "-segment_list_type", "m3u8", folder / "%05d.aac",
    )  # fmt: skip
    return folder / "index.m3u8"


async def info_of(path: str):
    prober = Prober()
    try:
        return await prober.probe(Path(path))
    finally:
        await prober.close()


@pytest.mark.parametrize("forced", [(), FORCED], ids=["direct", "ytdlp"])
async def test_a_large_file_arrives_bit_identical(reeldeck, nginx, forced):
    root, address = nginx
    # What follows the film is ignored by players, and makes the file large without making it slow to encode.
    data = made_once(video_mp4, "clip.mp4").read_bytes() + random.Random(1).randbytes(48 * 1024**2)
    (root / "large.mp4").write_bytes(data)
    answer = await reeldeck.run("get", f"{address}/large.mp4", *forced)
    assert answer.code == 0, answer.err
    path = Path(answer.out.strip())
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("forced", [(), FORCED], ids=["direct", "ytdlp"])
async def test_twelve_hundred_segments_become_one_m4a_of_the_right_length(reeldeck, nginx, forced):
    root, address = nginx
    playlist = long_talk(root / "talk", segments=1200)
    assert len(list((root / "talk").glob("*.aac"))) >= 1195
    answer = await reeldeck.run("get", f"{address}/talk/{playlist.name}", *forced)
    assert answer.code == 0, answer.err
    info = await info_of(answer.out.strip())
    assert answer.out.strip().endswith(".m4a")
    assert info.duration_s == pytest.approx(3600, rel=0.01)
    assert info.audio is not None


@pytest.mark.parametrize("forced", [(), FORCED], ids=["direct", "ytdlp"])
async def test_separate_picture_and_sound_become_one_mp4(reeldeck, nginx, forced):
    root, address = nginx
    master = made_once(hls_master, "master")
    (root / "m").symlink_to(master.parent)
    answer = await reeldeck.run("get", f"{address}/m/master.m3u8", *forced)
    assert answer.code == 0, answer.err
    info = await info_of(answer.out.strip())
    assert answer.out.strip().endswith(".mp4")
    assert info.video is not None
    assert info.audio is not None
    assert info.duration_s == pytest.approx(4, rel=0.02)
