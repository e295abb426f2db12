"""Small real media, made by the ffmpeg that is bundled with imageio-ffmpeg: a sine tone and a test picture.

The functions write where they are told and return that path. `made_once` keeps what tests
share for the whole run.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

_FAST = ("-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
_AAC = ("-c:a", "aac", "-b:a", "64k")


def run_ffmpeg(*arguments: str | Path, cwd: Path | None = None) -> None:
    """Run ffmpeg; its words are in the error when it fails."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def _tone(seconds: float, hz: int = 440) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency={hz}:sample_rate=48000:duration={seconds}")


def _picture(seconds: float, size: str = "320x180") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc=size={size}:rate=25:duration={seconds}")


def video_mp4(path: Path, seconds: float = 2.0, *, size: str = "320x180") -> Path:
    """H.264 and AAC in MP4 (or what *path*'s extension says)."""
    run_ffmpeg(*_picture(seconds, size), *_tone(seconds), "-c:v", "libx264", *_FAST, *_AAC, "-shortest", path)
    return path


def ready_mp4(path: Path) -> Path:
    """H.264 and AAC in MP4 with its index in front, which everybody keeps and sends as it is."""
    run_ffmpeg("-i", made_once(video_mp4, "clip.mp4"), "-c", "copy", "-movflags", "+faststart", path)
    return path


def long_avi(path: Path) -> Path:
    """Half a minute that is always converted, which takes a while."""
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x360:duration=30", "-c:v", "mpeg4", path)
    return path


def packets(path: Path) -> str:
    """Digests and times of all packets of a file: the same for the same film, however it is laid out."""
    with tempfile.NamedTemporaryFile("r", suffix=".packets") as told:
        run_ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", told.name)
        return told.read()


def video_only(path: Path, seconds: float = 2.0, *, size: str = "320x180") -> Path:
    """H.264 without sound."""
    run_ffmpeg(*_picture(seconds, size), "-c:v", "libx264", *_FAST, "-an", path)
    return path


def audio_only(path: Path, seconds: float = 2.0, *, hz: int = 440) -> Path:
    """AAC in the container that *path*'s extension names (m4a, aac, mp4, ts …)."""
    run_ffmpeg(*_tone(seconds, hz), *_AAC, "-vn", path)
    return path


def audio_m4a(path: Path, seconds: float = 2.0) -> Path:
    """AAC in M4A."""
    return audio_only(path, seconds)


def audio_mp3(path: Path, seconds: float = 2.0) -> Path:
    """MP3 with an ID3 tag."""
    run_ffmpeg(*_tone(seconds), "-c:a", "libmp3lame", "-b:a", "96k", "-metadata", "title=Tone", path)
    return path


def audio_opus(path: Path, seconds: float = 2.0) -> Path:
    """Opus in the container that *path*'s extension names (ogg, webm, opus)."""
    run_ffmpeg(*_tone(seconds), "-c:a", "libopus", "-b:a", "48k", path)
    return path


def picture_jpeg(path: Path) -> Path:
    """One picture, as thumbnails are."""
    run_ffmpeg(*_picture(1), "-frames:v", "1", "-update", "1", path)
    return path


def _hls(
    folder: Path, arguments: tuple[str, ...], segment_s: float, *options: str, name: str = "index"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    vod = ("-f", "hls", "-hls_time", str(segment_s), "-hls_playlist_type", "vod", "-hls_list_size", "0")
    run_ffmpeg(*arguments, *vod, *options, f"{name}.m3u8", cwd=folder)
    return folder / f"{name}.m3u8"


def hls_audio(folder: Path, seconds: float = 6.0, segment_s: float = 1.0) -> Path:
    """Packed audio: ADTS segments, each led by an ID3 tag with its timestamp, as X Spaces have them."""
    folder.mkdir(parents=True, exist_ok=True)
    segmented = ("-f", "segment", "-segment_time", str(segment_s), "-segment_format", "adts")
    listed = ("-segment_list", "index.m3u8", "-segment_list_type", "m3u8")
    run_ffmpeg(*_tone(seconds), *_AAC, *segmented, *listed, "audio%03d.aac", cwd=folder)
    for number, file in enumerate(sorted(folder.glob("*.aac"))):
        file.write_bytes(id3_timestamp(int(number * segment_s * 90_000)) + file.read_bytes())
    return folder / "index.m3u8"


def id3_timestamp(ticks: int) -> bytes:
    """The ID3v2.4 PRIV tag with the time of a packed-audio segment (RFC 8216, 3.4), 90,000 ticks a second."""
    value = b"com.apple.streaming.transportStreamTimestamp\0" + ticks.to_bytes(8, "big")
    frame = b"PRIV" + len(value).to_bytes(4, "big") + b"\0\0" + value
    return b"ID3\x04\0\0" + len(frame).to_bytes(4, "big") + frame


def hls_ts(folder: Path, seconds: float = 4.0, segment_s: float = 1.0, *, name: str = "index") -> Path:
    """H.264 and AAC in MPEG-TS segments."""
    arguments = (*_picture(seconds), *_tone(seconds), "-c:v", "libx264", *_FAST, *_AAC)
    return _hls(folder, arguments, segment_s, "-hls_segment_filename", f"{name}%03d.ts", name=name)


def hls_fmp4(folder: Path, seconds: float = 4.0, segment_s: float = 1.0) -> Path:
    """H.264 and AAC in fragmented MP4 with an init section."""
    arguments = (*_picture(seconds), *_tone(seconds), "-c:v", "libx264", *_FAST, *_AAC)
    return _hls(folder, arguments, segment_s, "-hls_segment_type", "fmp4")


def hls_byterange(folder: Path, seconds: float = 4.0, segment_s: float = 1.0) -> Path:
    """One MPEG-TS file whose segments are byte ranges."""
    arguments = (*_picture(seconds), *_tone(seconds), "-c:v", "libx264", *_FAST, *_AAC)
    return _hls(folder, arguments, segment_s, "-hls_flags", "single_file")


def hls_aes(folder: Path, key: bytes = bytes(range(16)), seconds: float = 4.0) -> Path:
    """MPEG-TS segments encrypted with AES-128; the key is served beside them as key.bin."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.bin").write_bytes(key)
    (folder / "key.info").write_text("key.bin\nkey.bin\n")
    arguments = (*_picture(seconds), *_tone(seconds), "-c:v", "libx264", *_FAST, *_AAC)
    playlist = _hls(folder, arguments, 1.0, "-hls_key_info_file", "key.info")
    (folder / "key.info").unlink()
    return playlist


def hls_master(folder: Path, seconds: float = 4.0) -> Path:
    """Two picture sizes (180 and 360 lines) without sound, and a separate audio rendition; fragmented MP4."""
    rendition = 'TYPE=AUDIO,GROUP-ID="a",NAME="Tone",DEFAULT=YES,AUTOSELECT=YES,URI="audio/index.m3u8"'
    text = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-MEDIA:{rendition}"]
    for lines, size, bandwidth in (("180", "320x180", 300_000), ("360", "640x360", 900_000)):
        picture = (*_picture(seconds, size), "-c:v", "libx264", *_FAST, "-an")
        _hls(folder / lines, picture, 1.0, "-hls_segment_type", "fmp4")
        facts = f'BANDWIDTH={bandwidth},RESOLUTION={size},CODECS="avc1.42c01e,mp4a.40.2",AUDIO="a"'
        text += [f"#EXT-X-STREAM-INF:{facts}", f"{lines}/index.m3u8"]
    _hls(folder / "audio", (*_tone(seconds), *_AAC), 1.0, "-hls_segment_type", "fmp4")
    master = folder / "master.m3u8"
    master.write_text("\n".join(text) + "\n")
    return master


#: Names the folder that all workers of a test run share.
SHARED_FOLDER = "TEST_MEDIA_FOLDER"


@functools.cache
def _shared_folder() -> Path:
    if given := os.environ.get(SHARED_FOLDER):
        return Path(given)
    folder = Path(tempfile.mkdtemp(prefix="reeldeck-media-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def made_once(make: Callable[[Path], Path], name: str) -> Path:
    """What *make* writes: made once in a test run, by whichever worker asks first, and deleted at its end.

    `made_once(video_mp4, "clip.mp4")` is a file, `made_once(hls_ts, "ts")` a playlist in a folder of its own.
    It is found again by where *make* stands in the code and by *name*. Copy it before changing it.
    """
    folder = _shared_folder() / f"{make.__module__}.{make.__qualname__}"
    folder.mkdir(exist_ok=True)
    with (folder / f".{name}").open("a+") as note:
        # Whoever is second waits until the first one is done.
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if not (made := note.read()):
            made = str(make(folder / name).relative_to(folder))
            note.write(made)
    return folder / made
