"""ffmpeg really makes what the recipes say, and leaves nothing behind when it does not."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import mutagen
import psutil
import pytest

from core.domain.errors import MediaFailure, StageTimeout, Stalled
from core.domain.job import Kind
from core.domain.media import Chapter, MediaInfo, Role, StreamInfo, Tags
from core.media import child, encoders
from core.media.arguments import SOFTWARE, VideoEncoder
from core.media.child import run_child
from core.media.encoders import choose_encoder
from core.media.faststart import read_layout
from core.media.ffmpeg import locate
from core.media.ffmpeg_run import Work, run_ffmpeg
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
    done = await postprocess(
        FFMPEG,
        inputs,
        wanted,
        tmp_path / "1.5 done",
        timeout_s=50,
        stall_s=30,
        progress=shares.append if shares is not None else lambda _: None,
    )
    if done.sha256:
        assert done.sha256 == hashlib.sha256(done.path.read_bytes()).hexdigest()
    return done.path, await prober.probe(done.path)


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


def many_packets(path: Path) -> Path:
    """Two minutes in no space, so that the index is most of it; B-frames, so that it is large."""
    picture = "testsrc=size=64x64:rate=60:duration=120"
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac")
    tone = "sine=frequency=440:sample_rate=48000:duration=120"
    media.run_ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, *encode, path)
    return path


@pytest.mark.parametrize("has_room", [True, False])
async def test_room_for_the_index_is_left_or_made_in_the_end(prober, tmp_path, monkeypatch, has_room):
    whole = made_once(many_packets, "many.mp4")
    picture, sound = tmp_path / "v.mp4", tmp_path / "a.m4a"
    for path, stream in ((picture, "v"), (sound, "a")):
        media.run_ffmpeg("-i", whole, "-map", f"0:{stream}", "-c", "copy", path)
    if not has_room:
        for name in ("_ENTRY_BYTES", "_CHAPTER_BYTES", "_TAGS_BYTES"):
            monkeypatch.setattr(f"core.media.index_room.{name}", 0)
    commands: list[list[str]] = []

    async def run(argv: list[str], *others: object) -> None:
        commands.append(argv)
        await run_ffmpeg(argv, *others)

    monkeypatch.setattr("core.media.postprocess.run_ffmpeg", run)
    chapters = tuple(Chapter(start_s=number, title="و" * 500) for number in range(100))
    wanted = Wanted(
        kind=Kind.VIDEO,
        cover=made_once(media.picture_jpeg, "cover.jpg"),
        tags=replace(TAGS, title="و" * 500, artist="و" * 500, album="و" * 500, chapters=chapters),
    )
    result, info = await made(prober, tmp_path, wanted, (Role.VIDEO, picture), (Role.AUDIO, sound))
    assert read_layout(result).is_faststart
    assert ["-moov_size" in argv for argv in commands] == ([True] if has_room else [True, False])
    check_output(info, kind=Kind.VIDEO, duration_s=120.0)


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
    monkeypatch.setattr("core.media.postprocess.run_ffmpeg", None)
    before = source.read_bytes()
    shares: list[float] = []
    result, _ = await made(
        prober, tmp_path, Wanted(kind=Kind.AUTO, tags=TAGS), (Role.MUXED, source), shares=shares
    )
    assert result == source
    assert source.read_bytes() == before
    assert shares == [1.0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "extension"),
    [(Kind.AUDIO, "m4a"), (Kind.AUDIO, "mp3"), (Kind.VIDEO, "mp4"), (Kind.VIDEO, "mkv")],
)
async def test_every_kind_of_result_gets_the_cover(prober, tmp_path, kind, extension):
    forms = {"audio_format": extension} if kind is Kind.AUDIO else {"container": extension}
    cover = made_once(media.picture_jpeg, "cover.jpg")
    source = made_once(remuxed, "film.ts") if kind is Kind.VIDEO else made_once(media.audio_opus, "a.ogg")
    wanted = Wanted(kind=kind, cover=cover, tags=TAGS, **forms)
    result, info = await made(prober, tmp_path, wanted, (Role.MUXED, source))
    assert [stream.codec for stream in info.streams if stream.is_cover] == ["mjpeg"]
    assert cover.read_bytes() in result.read_bytes()
    check_output(info, kind=kind, duration_s=2.0)
    await prober.check_ending(result)


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
            stall_s=30,
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
            stall_s=30,
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
            stall_s=30,
            progress=lambda _: None,
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]
    assert not psutil.Process().children()


async def test_an_ffmpeg_that_does_nothing_is_stopped_long_before_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    with pytest.raises(Stalled, match="did nothing"):
        await postprocess(
            FFMPEG,
            endless(tmp_path / "pipe"),
            Wanted(kind=Kind.VIDEO),
            tmp_path / "out",
            timeout_s=60,
            stall_s=0.5,
            progress=lambda _: None,
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]
    assert not psutil.Process().children()


#: Works for two seconds, telling of it four times a second.
SLOW = "import time\nfor n in range(1, 9):\n    time.sleep(0.25)\n    print(f'out_time_us={n}', flush=True)"


async def test_an_ffmpeg_that_works_may_take_longer_than_a_standstill(tmp_path):
    work = Work(duration_s=8e-6, size_bytes=0, timeout_s=30, stall_s=1.5, progress=lambda _: None)
    await run_ffmpeg([sys.executable, "-c", SLOW], tmp_path, work)


async def test_cancelling_stops_ffmpeg_and_removes_its_part(prober, tmp_path):
    source = made_once(media.long_avi, "long.avi")
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
            stall_s=30,
            progress=lambda _: moving.set(),
        )
    )
    await moving.wait()
    assert (tmp_path / "out.part.mp4").exists()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not list(tmp_path.iterdir())
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
