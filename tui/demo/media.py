"""Make the demo's media with ffmpeg: small to make, large enough to watch arriving."""

from __future__ import annotations

import subprocess
from pathlib import Path

from core.media.ffmpeg import Ffmpeg

TALK_S = 1500
SEGMENT_S = 3
FILM_S = 40
CONCERT_S = 24

_QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")


def make_media_blocking(ffmpeg: Ffmpeg, folder: Path) -> None:
    """Fill *folder* with what `origin` serves. Takes a few seconds.

    Raises:
        subprocess.CalledProcessError: ffmpeg refused; its message is in `stderr`.
    """
    talk, concert = folder / "a-talk-in-500-segments", folder / "a-concert-in-two-tracks"
    for made in (talk, concert):
        made.mkdir(parents=True, exist_ok=True)
    _make_talk(ffmpeg, talk)
    _make_film(ffmpeg, folder / "a-film-with-ranges.mp4", seconds=FILM_S, noise=24)
    _make_film(ffmpeg, folder / "a-film-from-a-flaky-server.mp4", seconds=FILM_S // 2, noise=12)
    _make_concert(ffmpeg, concert)


def _make_talk(ffmpeg: Ffmpeg, folder: Path) -> None:
    """A long talk as some hundred AAC segments: one minute is encoded, the rest repeats it."""
    minute = folder / "minute.m4a"
    voice = "sine=f=220:b=4:d=60"
    _run(ffmpeg, "-f", "lavfi", "-i", voice, "-c:a", "aac", "-b:a", "96k", "-ac", "2", str(minute))
    _run(
        ffmpeg, "-stream_loop", "-1", "-i", str(minute), "-t", str(TALK_S), "-c", "copy",
        "-f", "segment", "-segment_time", str(SEGMENT_S), "-segment_format", "adts",
        "-segment_list", str(folder / "index.m3u8"), "-segment_list_type", "m3u8", str(folder / "%04d.aac"),
    )  # fmt: skip
    minute.unlink()


def _make_film(ffmpeg: Ffmpeg, path: Path, *, seconds: int, noise: int) -> None:
    """A film that plays everywhere. Noise in the picture makes it as large as a real one."""
    _run(
        ffmpeg, "-f", "lavfi", "-i", f"testsrc2=s=640x360:r=25:d={seconds}",
        "-f", "lavfi", "-i", f"sine=f=330:d={seconds}",
        "-vf", f"noise=alls={noise}:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "24",
        "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", "-movflags", "+faststart", str(path),
    )  # fmt: skip


def _make_concert(ffmpeg: Ffmpeg, folder: Path) -> None:
    """A film whose picture and sound are separate playlists, as large sites offer them."""
    _run(
        ffmpeg, "-f", "lavfi", "-i", f"testsrc=s=640x360:r=25:d={CONCERT_S}",
        "-f", "lavfi", "-i", f"sine=f=440:d={CONCERT_S}",
        "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        "-g", "50", "-c:a", "aac", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod",
        "-var_stream_map", "v:0,agroup:sound a:0,agroup:sound,default:yes",
        "-master_pl_name", "master.m3u8",
        "-hls_segment_filename", str(folder / "%v-%03d.ts"), str(folder / "%v.m3u8"),
    )  # fmt: skip


def _run(ffmpeg: Ffmpeg, *arguments: str) -> None:
    subprocess.run([str(ffmpeg.path), *_QUIET, *arguments], check=True, capture_output=True)  # noqa: S603 -- our own arguments
