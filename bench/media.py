"""The media that transfers are measured with, made once and kept."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

from core.media.ffmpeg import locate

#: Kept between runs; the video takes a minute to make.
CACHE = Path(os.environ.get("REELDECK_BENCH_CACHE", "build/bench")).absolute()
MIB = 2**20


def prepare() -> Path:
    """The folder that origins serve: `1g.mp4`, `256m.mp4`, HLS folders `audio`, `video`, `aes`, and the
    files `v.mp4` and `a.m4a` for merging.
    """
    root = CACHE / "root"
    root.mkdir(parents=True, exist_ok=True)
    _film(root)
    _audio(root)
    _video(root)
    return root


def _ffmpeg(*arguments: str | Path, cwd: Path) -> None:
    command = [str(locate(None).path), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, cwd=cwd, check=True)


def _segmented(folder: Path, *arguments: str | Path) -> None:
    """Segments made in a folder beside, so that a half-made one is never served."""
    if not folder.exists():
        making = folder.with_name(folder.name + ".making")
        making.mkdir(exist_ok=True)
        _ffmpeg(*arguments, cwd=making)
        making.rename(folder)


def _audio(root: Path) -> None:
    """1200 segments of 3 s, as an hour of a Space has."""
    tone = root / "tone.m4a"
    if not tone.exists():
        noise = "anoisesrc=d=60:a=0.3:r=44100"
        _ffmpeg("-f", "lavfi", "-i", noise, "-c:a", "aac", "-b:a", "96k", tone.name, cwd=root)
    looped = ("-stream_loop", "59", "-i", tone, "-c", "copy", "-t", "3600")
    packed = ("-f", "segment", "-segment_time", "3", "-segment_format", "adts", "-segment_list", "index.m3u8")
    _segmented(root / "audio", *looped, *packed, "-segment_list_type", "m3u8", "%d.aac")


def _film(root: Path) -> None:
    """10 s of noise, which is as large as real films are, and what is made of it by repeating."""
    film = root / "film.mp4"
    if not film.exists():
        picture = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=10,noise=alls=60:allf=t")
        sound = ("-f", "lavfi", "-i", "anoisesrc=d=10:a=0.3")
        video = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "9500k", "-g", "50", "-keyint_min", "50")
        _ffmpeg(*picture, *sound, *video, "-c:a", "aac", "-shortest", film.name, cwd=root)
    once = film.stat().st_size
    whole = ("-map", "0", "-movflags", "+faststart")
    for name, times, options in (
        ("1g.mp4", 1024 * MIB // once, whole),
        ("256m.mp4", 256 * MIB // once, whole),
        ("v.mp4", 9, ("-an",)),
        ("a.m4a", 9, ("-vn",)),
    ):
        if not (root / name).exists():
            _ffmpeg("-stream_loop", str(times), "-i", film, "-c", "copy", *options, name, cwd=root)


def _video(root: Path) -> None:
    """100 segments of about 2.5 MB each, and the same encrypted."""
    looped = ("-stream_loop", "19", "-i", root / "film.mp4", "-c", "copy")
    listed = ("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_list_size", "0")
    named = ("-hls_segment_filename", "%d.ts", "index.m3u8")
    _segmented(root / "video", *looped, *listed, *named)
    key, info = root / "aes.key", root / "aes.info"
    if not key.exists():
        key.write_bytes(secrets.token_bytes(16))
    info.write_text(f"../aes.key\n{key}\n{'0' * 31}1\n")
    _segmented(root / "aes", *looped, *listed, "-hls_key_info_file", info, *named)
