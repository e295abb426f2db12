"""ffmpeg really makes what the recipes say, and leaves nothing behind when it does not."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import mutagen
import psutil
import pytest

from core.domain.errors import MediaFailure, StageTimeout
from core.domain.job import Kind
from core.domain.media import MediaInfo, Role, StreamInfo, Tags
from core.media import child, encoders
from core.media.arguments import SOFTWARE, VideoEncoder
from core.media.child import run_child
from core.media.encoders import choose_encoder
from core.media.faststart import read_layout
from core.media.ffmpeg import locate
from core.media.postprocess import Input, Wanted, postprocess
from core.media.prober import Prober
from core.media.verify import check_output
from tests.fakes import media
from tests.fakes.media import made_once

FFMPEG = locate(None)
TITLE = "محاضرة: الصبر 🎧 — e\u0301te\u0301\n\u202e(1)"
CLEAN_TITLE = "محاضرة: الصبر 🎧 — été (1)"
TAGS = Tags(
    title=TITLE,
    artist="الشيخ",
    album="سلسلة",
    track_number=7,
    date="2024-03-01",
    source_url="https://x.test/1?a=b&c=d",
)


@pytest.fixture
async def prober():
    prober = Prober()
    yield prober
    await prober.close()


def webm(path: Path) -> Path:
    encode = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
    media.run_ffmpeg("-i", made_once(media.video_mp4, "film.mp4"), *encode, path)
    return path


def remuxed(path: Path) -> Path:
    media.run_ffmpeg("-i", made_once(media.video_mp4, "film.mp4"), "-c", "copy", path)
    return path


def fragmented(path: Path) -> Path:
    movflags = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
    media.run_ffmpeg("-i", made_once(media.video_mp4, "film.mp4"), "-c", "copy", *movflags, path)
    return path


async def made(
    prober: Prober,
    tmp_path: Path,
    wanted: Wanted,
    *sources: tuple[Role, Path],
    shares: list[float] | None = None,
) -> tuple[Path, MediaInfo]:
    inputs = [Input(role, path, await prober.probe(path)) for role, path in sources]
    result = await postprocess(
        FFMPEG,
        inputs,
        wanted,
        tmp_path / "1.5 done",
        timeout_s=50,
        progress=shares.append if shares is not None else lambda _: None,
    )
    return result, await prober.probe(result)


VIDEO = Wanted(kind=Kind.VIDEO, tags=TAGS)


@pytest.mark.parametrize(
    ("make", "name", "wanted", "extension", "codecs"),
    [
        (remuxed, "film.ts", VIDEO, "mp4", ["h264", "aac"]),
        (remuxed, "film.mkv", VIDEO, "mp4", ["h264", "aac"]),
        (fragmented, "pieces.mp4", VIDEO, "mp4", ["h264", "aac"]),
        (webm, "film.webm", VIDEO, "mp4", ["h264", "aac"]),
        (remuxed, "film.ts", Wanted(kind=Kind.VIDEO, container="mkv", tags=TAGS), "mkv", ["h264", "aac"]),
        (media.video_mp4, "film.mp4", Wanted(kind=Kind.AUDIO, tags=TAGS), "m4a", ["aac"]),
        (media.video_mp4, "film.mp4", Wanted(kind=Kind.AUDIO, audio_format="mp3", tags=TAGS), "mp3", ["mp3"]),
        (media.audio_only, "a.aac", Wanted(kind=Kind.AUTO, tags=TAGS), "m4a", ["aac"]),
        (media.audio_only, "a.ts", Wanted(kind=Kind.AUDIO, tags=TAGS), "m4a", ["aac"]),
        (media.audio_opus, "a.webm", Wanted(kind=Kind.AUDIO, audio_bitrate="low", tags=TAGS), "m4a", ["aac"]),
        (media.audio_opus, "a.ogg", Wanted(kind=Kind.AUDIO, audio_format="mp3", tags=TAGS), "mp3", ["mp3"]),
    ],
)
async def test_each_way_makes_a_whole_file_with_our_tags(
    prober, tmp_path, make, name, wanted, extension, codecs
):
    shares: list[float] = []
    source = made_once(make, name)
    result, info = await made(prober, tmp_path, wanted, (Role.MUXED, source), shares=shares)
    assert [path.name for path in tmp_path.iterdir()] == [f"1.5 done.{extension}"] == [result.name]
    assert [stream.codec for stream in info.streams] == codecs
    check_output(info, kind=wanted.kind, duration_s=2.0)
    if info.container == "mov":
        assert read_layout(result).is_faststart
        assert not info.is_fragmented
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    if extension == "mkv":  # mutagen does not know it; the words are there all the same
        assert CLEAN_TITLE.encode() in result.read_bytes()
    else:
        easy = mutagen.File(result, easy=True)
        told = {name: easy[name][0] for name in ("title", "artist", "album", "tracknumber", "date")}
        assert told == {
            "title": CLEAN_TITLE,
            "artist": "الشيخ",
            "album": "سلسلة",
            "tracknumber": told["tracknumber"],
            "date": "2024-03-01",
        }
        assert told["tracknumber"].split("/")[0] == "7"


async def test_separate_picture_and_sound_are_merged_as_they_are(prober, tmp_path):
    picture = made_once(media.video_only, "picture.mp4")
    sound = made_once(media.audio_m4a, "a.m4a")
    result, info = await made(prober, tmp_path, VIDEO, (Role.AUDIO, sound), (Role.VIDEO, picture))
    assert result.suffix == ".mp4"
    assert [stream.codec for stream in info.streams] == ["h264", "aac"]
    check_output(info, kind=Kind.VIDEO, duration_s=2.0)


@pytest.mark.parametrize(
    ("make", "kind"),
    [(media.hls_audio, Kind.AUDIO), (media.hls_ts, Kind.VIDEO), (media.hls_fmp4, Kind.VIDEO)],
)
async def test_joined_hls_segments_become_one_file_of_full_length(prober, tmp_path, make, kind):
    playlist = make(tmp_path / "hls")
    pieces = sorted(p for p in playlist.parent.iterdir() if p.suffix in {".ts", ".aac", ".m4s"})
    init = [path for path in playlist.parent.iterdir() if path.name == "init.mp4"]
    whole = tmp_path / "track0"
    whole.write_bytes(b"".join(path.read_bytes() for path in init + pieces))
    _, info = await made(prober, tmp_path, Wanted(kind=kind), (Role.MUXED, whole))
    assert info.container == "mov"
    check_output(info, kind=kind, duration_s=6.0 if kind is Kind.AUDIO else 4.0)


@pytest.mark.parametrize(
    ("make", "name"), [(media.video_mp4, "film.mp4"), (media.audio_m4a, "a.m4a"), (media.audio_mp3, "a.mp3")]
)
async def test_a_file_that_is_right_is_returned_untouched(prober, tmp_path, make, name, monkeypatch):
    source = made_once(make, name)
    monkeypatch.setattr("core.media.postprocess.run_child", None)
    before = source.read_bytes()
    shares: list[float] = []
    result, _ = await made(
        prober, tmp_path, Wanted(kind=Kind.AUTO, tags=TAGS), (Role.MUXED, source), shares=shares
    )
    assert result == source
    assert source.read_bytes() == before
    assert shares == [1.0]
    assert not list(tmp_path.iterdir())


async def test_sound_gets_its_cover(prober, tmp_path):
    cover = made_once(media.picture_jpeg, "cover.jpg").read_bytes()
    for audio_format in ("m4a", "mp3"):
        wanted = Wanted(kind=Kind.AUDIO, audio_format=audio_format, cover=cover, tags=TAGS)
        source = (Role.MUXED, made_once(media.audio_opus, "a.ogg"))
        _, info = await made(prober, tmp_path, wanted, source)
        assert [stream.is_cover for stream in info.streams if stream.type == "video"] == [True]
        check_output(info, kind=Kind.AUDIO, duration_s=2.0)


async def test_what_the_site_wrote_into_the_file_does_not_stay(prober, tmp_path):
    source = tmp_path / "junk.ts"
    junk = (
        "-metadata",
        "service_name=CANARY",
        "-metadata",
        "title=CANARY",
        "-metadata:s:a:0",
        "language=fra",
    )
    media.run_ffmpeg("-i", made_once(media.audio_m4a, "a.m4a"), "-c", "copy", *junk, source)
    result, _ = await made(prober, tmp_path, Wanted(kind=Kind.AUDIO), (Role.MUXED, source))
    assert b"CANARY" not in result.read_bytes()


FILM = MediaInfo(
    container="mpegts",
    size_bytes=1000,
    duration_s=2.0,
    streams=(StreamInfo(type="video", codec="h264"), StreamInfo(type="audio", codec="aac")),
)


@pytest.mark.parametrize("name", ["video.mp4", "video.m3u8"])
@pytest.mark.parametrize("container", ["mpegts", "mov", "matroska"])
async def test_a_playlist_is_not_followed_even_if_the_probe_was_deceived(tmp_path, container, name):
    # Whoever opens a pipe that nobody writes to waits: it would be a timeout.
    secret = tmp_path / "secret.ts"
    os.mkfifo(secret)
    path = tmp_path / name
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    info = MediaInfo(
        container=container, size_bytes=1, duration_s=2.0, streams=FILM.streams, is_fragmented=True
    )
    with pytest.raises(MediaFailure):
        await postprocess(
            FFMPEG,
            [Input(Role.MUXED, path, info)],
            Wanted(kind=Kind.VIDEO),
            tmp_path / "out",
            timeout_s=20,
            progress=lambda _: None,
        )
    assert not list(tmp_path.glob("out*"))


async def test_that_playlist_would_have_been_followed_by_an_ffmpeg_left_to_guess(tmp_path):
    secret = tmp_path / "secret.ts"
    shutil.copy(made_once(remuxed, "film.ts"), secret)
    path = tmp_path / "video.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    media.run_ffmpeg("-protocol_whitelist", "file", "-i", path, "-c", "copy", tmp_path / "stolen.mkv")
    assert (tmp_path / "stolen.mkv").stat().st_size > 1000


async def test_damage_is_told_in_one_line_and_leaves_nothing(tmp_path):
    path = tmp_path / "film.ts"
    path.write_bytes(b"\0" * 10_000)
    with pytest.raises(MediaFailure) as caught:
        await postprocess(
            FFMPEG,
            [Input(Role.MUXED, path, FILM)],
            Wanted(kind=Kind.VIDEO),
            tmp_path / "out",
            timeout_s=20,
            progress=lambda _: None,
        )
    assert caught.value.detail.startswith("ffmpeg: ")
    assert str(tmp_path) not in caught.value.detail
    assert "\n" not in caught.value.detail
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.ts"]


def endless(path: Path) -> list[Input]:
    """A pipe that ffmpeg waits at for ever."""
    os.mkfifo(path)
    return [Input(Role.MUXED, path, FILM)]


async def test_an_ffmpeg_that_takes_too_long_is_stopped_and_its_part_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    (tmp_path / "out.part.mp4").write_bytes(b"from a run that was killed")
    with pytest.raises(StageTimeout):
        await postprocess(
            FFMPEG,
            endless(tmp_path / "pipe"),
            Wanted(kind=Kind.VIDEO),
            tmp_path / "out",
            timeout_s=0.5,
            progress=lambda _: None,
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]
    assert not psutil.Process().children()


async def test_cancelling_stops_ffmpeg_and_removes_its_part(prober, tmp_path):
    source = tmp_path / "long.avi"
    media.run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x360:duration=120", "-c:v", "mpeg4", source)
    item = Input(Role.MUXED, source, await prober.probe(source))
    await prober.close()
    moving = asyncio.Event()
    run = asyncio.create_task(
        postprocess(
            FFMPEG,
            [item],
            Wanted(kind=Kind.VIDEO),
            tmp_path / "out",
            timeout_s=50,
            progress=lambda _: moving.set(),
        )
    )
    await moving.wait()
    assert (tmp_path / "out.part.mp4").exists()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.avi"]
    assert not psutil.Process().children()


async def test_the_bundled_encoder_is_used_unless_hardware_is_asked_for_and_there(monkeypatch):
    assert await choose_encoder(FFMPEG, use_hardware=False) == SOFTWARE
    monkeypatch.setattr(encoders, "_chosen", {})
    monkeypatch.setattr(encoders, "_HARDWARE", (("/dev/nothing", SOFTWARE),))
    assert await choose_encoder(FFMPEG, use_hardware=True) == SOFTWARE


async def test_an_encoder_must_prove_itself(monkeypatch):
    broken = VideoEncoder("h264_vaapi", (), "format=nv12,hwupload", ("-vaapi_device", "/dev/null"))
    works = VideoEncoder("mpeg4", (), "format=yuv420p")
    monkeypatch.setattr(encoders, "_chosen", {})
    monkeypatch.setattr(encoders, "_HARDWARE", (("/dev/null", broken), ("/dev/null", works)))
    assert await choose_encoder(FFMPEG, use_hardware=True) == works


async def test_x264_takes_over_when_the_hardware_refuses_a_film(prober, tmp_path, monkeypatch):
    refuses = VideoEncoder("libx264", ("-profile:v", "no such thing"))
    monkeypatch.setattr(encoders, "_chosen", {FFMPEG.path: refuses})
    wanted = Wanted(kind=Kind.VIDEO, use_hardware=True)
    _, info = await made(prober, tmp_path, wanted, (Role.MUXED, made_once(webm, "film.webm")))
    check_output(info, kind=Kind.VIDEO, duration_s=2.0)


async def test_ffmpeg_gets_no_network(tmp_path):
    argv = [
        FFMPEG.path,
        "-nostdin",
        "-protocol_whitelist",
        "file",
        "-i",
        "http://127.0.0.1:9/x",
        "-f",
        "null",
        "-",
    ]
    result = await run_child(argv, cwd=tmp_path, timeout_s=20)
    assert result.returncode != 0
    assert "not on whitelist" in result.stderr_tail
