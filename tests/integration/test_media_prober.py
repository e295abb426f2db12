"""The prober reads real media right, refuses what is none, and survives what would kill it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import struct
from pathlib import Path
from random import Random

import psutil
import pytest

from core.domain.errors import MediaFailure, Unknown
from core.domain.media import MediaInfo, Picture
from core.media import prober as prober_module
from core.media.faststart import read_layout
from core.media.prober import Prober
from tests.fakes import media
from tests.fakes.media import made_once


def pid_of(prober: Prober) -> int:
    worker = prober._slots[0]._worker
    assert worker
    return worker.pid


def joined(playlist: Path, result: Path) -> Path:
    """The pieces of an HLS playlist one after the other, as the transfer leaves them."""
    names = [line for line in playlist.read_text().splitlines() if line and not line.startswith("#")]
    init = re.search('EXT-X-MAP:URI="([^"]+)"', playlist.read_text())
    result.write_bytes(
        b"".join((playlist.parent / n).read_bytes() for n in ([init[1]] if init else []) + names)
    )
    return result


async def test_a_film_is_described_as_it_is(prober):
    path = made_once(media.video_mp4, "film.mp4")
    info = await prober.probe(path)
    assert (info.container, info.size_bytes, info.is_fragmented) == ("mov", path.stat().st_size, False)
    assert info.duration_s == pytest.approx(2.0, abs=0.1)
    assert info.video
    assert (info.video.codec, info.video.width, info.video.height, info.video.fps) == ("h264", 320, 180, 25.0)
    assert info.audio
    assert (info.audio.codec, info.audio.sample_rate_hz, info.audio.channels) == ("aac", 48000, 1)
    assert MediaInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(
    ("make", "name", "container", "codec"),
    [
        (media.audio_m4a, "a.m4a", "mov", "aac"),
        (media.audio_mp3, "a.mp3", "mp3", "mp3"),
        (media.audio_only, "a.aac", "aac", "aac"),
        (media.audio_only, "a.ts", "mpegts", "aac"),
        (media.audio_opus, "a.webm", "matroska", "opus"),
        (media.audio_opus, "a.ogg", "ogg", "opus"),
    ],
)
async def test_sound_is_known_by_what_it_is(prober, make, name, container, codec):
    info = await prober.probe(made_once(make, name))
    assert (info.container, info.video) == (container, None)
    assert info.audio
    assert info.audio.codec == codec
    # The last packets of a transport stream carry several frames, which the estimate leaves out.
    assert info.duration_s == pytest.approx(2.0, abs=0.4 if container == "mpegts" else 0.1)


async def test_names_say_nothing(prober, tmp_path):
    path = tmp_path / "file:|محاضرة 🎧 %d.html"
    path.write_bytes(made_once(media.audio_mp3, "a.mp3").read_bytes())
    assert (await prober.probe(path)).container == "mp3"


async def test_a_picture_in_a_sound_file_is_no_film(prober, tmp_path):
    path = tmp_path / "covered.mp3"
    cover = made_once(media.picture_jpeg, "cover.jpg")
    maps = ("-map", "0:a", "-map", "1:v", "-c", "copy", "-disposition:v", "attached_pic")
    media.run_ffmpeg("-i", made_once(media.audio_mp3, "a.mp3"), "-i", cover, *maps, path)
    info = await prober.probe(path)
    assert info.video is None
    assert [stream.is_cover for stream in info.streams] == [False, True]


async def test_the_duration_of_raw_sound_is_measured_not_guessed(prober, tmp_path):
    # Silence first: a guess from its bit rate would promise minutes.
    path = tmp_path / "uneven.aac"
    sound = "aevalsrc=if(gt(t\\,5)\\,random(0)\\,0):s=48000:d=10"
    media.run_ffmpeg("-f", "lavfi", "-i", sound, "-c:a", "aac", "-b:a", "128k", path)
    assert (await prober.probe(path)).duration_s == pytest.approx(10.0, abs=0.1)
    assert (await prober.probe(path, measure=False)).duration_s is None


async def test_mp3_without_a_usable_header_is_measured(prober, tmp_path):
    whole = made_once(lambda path: media.audio_mp3(path, 6.0), "six.mp3")
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert (await prober.probe(whole, measure=False)).duration_s == pytest.approx(6.0, abs=0.1)
    assert (await prober.probe(cut)).duration_s == pytest.approx(3.0, abs=0.2)
    joined_twice = tmp_path / "twice.mp3"
    joined_twice.write_bytes(whole.read_bytes() * 2)
    assert (await prober.probe(joined_twice)).duration_s == pytest.approx(12.0, abs=0.3)


@pytest.mark.parametrize(
    ("make", "container", "is_fragmented"),
    [(media.hls_audio, "aac", False), (media.hls_ts, "mpegts", False), (media.hls_fmp4, "mov", True)],
)
async def test_joined_hls_segments_have_the_duration_of_all(prober, tmp_path, make, container, is_fragmented):
    info = await prober.probe(joined(make(tmp_path / "hls"), tmp_path / "joined"))
    assert (info.container, info.is_fragmented) == (container, is_fragmented)
    assert info.duration_s == pytest.approx(6.0 if make is media.hls_audio else 4.0, abs=0.3)


async def test_a_film_whose_end_is_missing_is_damaged(prober, tmp_path):
    whole = made_once(media.video_mp4, "film.mp4").read_bytes()
    index_behind = tmp_path / "behind.mp4"
    index_behind.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaFailure, match=r"behind\.mp4: "):
        await prober.probe(index_behind)
    front = tmp_path / "whole.mp4"
    film = made_once(media.video_mp4, "film.mp4")
    media.run_ffmpeg("-i", film, "-c", "copy", "-movflags", "+faststart", front)
    assert read_layout(front).is_faststart
    assert not read_layout(film).is_faststart
    cut = tmp_path / "front.mp4"
    cut.write_bytes(front.read_bytes()[:-5000])
    with pytest.raises(MediaFailure, match=r"front\.mp4: its end is missing"):
        await prober.probe(cut)


async def test_rubbish_behind_a_film_does_no_harm(prober, tmp_path):
    path = tmp_path / "more.mp4"
    path.write_bytes(made_once(media.video_mp4, "film.mp4").read_bytes() + b"</html>rubbish" * 10)
    assert (await prober.probe(path)).video


def test_large_boxes_and_boxes_up_to_the_end_are_understood(tmp_path):
    path = tmp_path / "boxes.mp4"
    large = struct.pack(">I4sQ", 1, b"mdat", 24) + b"8 bytes!"
    path.write_bytes(struct.pack(">I4s", 8, b"ftyp") + large + struct.pack(">I4s", 0, b"moov") + b"the rest")
    layout = read_layout(path)
    assert (layout.is_faststart, layout.is_cut_short, layout.is_fragmented) == (False, False, False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "it is a web page, not media"),
        (b'<?xml version="1.0"?><MPD></MPD>', "it is a text, not media"),
        (b"", "[Ii]nvalid data|[Ee]nd of file"),
        (os.urandom(5000), "."),
    ],
)
async def test_what_is_no_media_is_refused_in_plain_words(prober, tmp_path, content, words):
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaFailure, match=rf"video\.mp4: ({words})"):
        await prober.probe(path)


async def test_a_file_that_is_not_there_is_refused(prober, tmp_path):
    with pytest.raises(MediaFailure, match="No such file"):
        await prober.probe(tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
    ],
)
@pytest.mark.parametrize("name", ["video.mp4", "video.m3u8"])
async def test_a_playlist_is_refused_and_what_it_names_never_opened(prober, tmp_path, playlist, name):
    # Whoever opens a pipe that nobody writes to waits: it would be a timeout.
    secret = tmp_path / "secret.ts"
    os.mkfifo(secret)
    path = tmp_path / name
    path.write_text(playlist.format(secret=secret))
    for attempt in (prober.probe(path), prober.picture(path, at_s=0, longest=320, max_bytes=200_000)):
        with pytest.raises(MediaFailure, match=r"video\.\w+: (it is a playlist, not media|Inv)"):
            await attempt


async def test_damage_of_every_kind_is_refused_or_read_and_the_worker_lives_on(prober, tmp_path):
    random = Random(7)
    made = [(media.video_mp4, "film.mp4"), (media.audio_mp3, "a.mp3"), (media.audio_opus, "a.webm")]
    path = tmp_path / "damaged"
    workers = set()
    for number in range(90):
        content = bytearray(made_once(*made[number % 3]).read_bytes())
        for _ in range(random.choice([1, 5, 40])):
            content[random.randrange(2000)] = random.randrange(256)
        path.write_bytes(content[: random.randrange(len(content))] if number % 5 == 0 else content)
        with contextlib.suppress(MediaFailure):
            assert (await prober.probe(path)).streams
        with contextlib.suppress(MediaFailure):
            await prober.picture(path, at_s=1, longest=320, max_bytes=200_000)
        workers.add(pid_of(prober))
    assert len(workers) == 1


async def test_probing_is_warm(prober):
    await prober.probe(made_once(media.audio_m4a, "a.m4a"))
    first = pid_of(prober)
    await prober.probe(made_once(media.audio_mp3, "a.mp3"))
    assert pid_of(prober) == first


async def test_callers_queue_and_each_gets_its_own_answer(prober):
    paths = [made_once(media.audio_m4a, "a.m4a"), made_once(media.audio_mp3, "a.mp3")] * 20
    infos = await asyncio.gather(*map(prober.probe, paths))
    assert [info.container for info in infos] == ["mov", "mp3"] * 20


async def test_a_caller_that_leaves_does_not_spoil_the_next_answer(prober):
    await prober.probe(made_once(media.audio_m4a, "a.m4a"))
    worker = pid_of(prober)
    left = [asyncio.create_task(prober.probe(made_once(media.audio_m4a, "a.m4a"))) for _ in range(10)]
    await asyncio.sleep(0)
    for task in left:
        task.cancel()
    assert (await prober.probe(made_once(media.audio_mp3, "a.mp3"))).container == "mp3"
    assert all(task.cancelled() for task in left)
    assert pid_of(prober) == worker


async def test_a_worker_that_hangs_costs_one_probe():
    prober = Prober(timeout_s=0.5)
    path = made_once(media.audio_m4a, "a.m4a")
    try:
        await prober.probe(path)
        hanging = pid_of(prober)
        os.kill(hanging, signal.SIGSTOP)
        with pytest.raises(MediaFailure, match=r"could not be read within 0\.5 s"):
            await prober.probe(path)
        assert not psutil.pid_exists(hanging)
        prober._timeout_s = 30.0
        assert (await prober.probe(path)).audio
    finally:
        await prober.close()


async def test_what_only_claims_to_be_a_picture_is_refused(prober, tmp_path):
    sound = made_once(media.audio_m4a, "a.m4a").read_bytes()
    path = tmp_path / "cover"
    path.write_bytes(sound[:8] + b"avif" + sound[12:])
    with pytest.raises(MediaFailure, match="there is no picture in it"):
        await prober.cover(path)
    path.write_bytes(sound)
    with pytest.raises(MediaFailure, match="it is no picture"):
        await prober.cover(path)


async def test_a_worker_that_crashes_costs_one_probe(prober):
    path = made_once(media.audio_m4a, "a.m4a")
    await prober.probe(path)
    os.kill(pid_of(prober), signal.SIGSTOP)
    probe = asyncio.create_task(prober.probe(path))
    await asyncio.sleep(0)
    os.kill(pid_of(prober), signal.SIGKILL)
    with pytest.raises(MediaFailure, match="made the prober fail"):
        await probe
    assert (await prober.probe(path)).audio


async def test_a_worker_is_replaced_after_many_files(prober, monkeypatch):
    monkeypatch.setattr(prober_module, "RECYCLE_AFTER", 2)
    path = made_once(media.audio_m4a, "a.m4a")
    pids = []
    for _ in range(4):
        await prober.probe(path)
        pids.append(pid_of(prober))
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert not psutil.pid_exists(pids[0])


async def test_closing_leaves_no_process_and_frees_who_waits():
    prober = Prober(workers=2)
    path = made_once(media.audio_m4a, "a.m4a")
    await asyncio.gather(prober.probe(path), prober.probe(path))
    children = psutil.Process().children()
    assert len(children) == 2
    for child in children:
        child.suspend()
    waiting = [asyncio.create_task(prober.probe(path)) for _ in range(3)]
    await asyncio.sleep(0)
    await prober.close()
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, Unknown)
    assert not psutil.Process().children()
    with pytest.raises(Unknown, match="closed"):
        await prober.probe(path)


async def dimensions(prober: Prober, picture: Picture, folder: Path) -> tuple[int | None, int | None]:
    """Width and height of a JPEG."""
    path, film = folder / "picture.jpg", folder / "picture.mkv"
    path.write_bytes(picture.jpeg)
    media.run_ffmpeg("-f", "mjpeg", "-i", path, "-c", "copy", film)
    info = await prober.probe(film)
    assert info.video
    assert info.video.codec == "mjpeg"
    return info.video.width, info.video.height


async def test_the_picture_of_a_film_is_a_small_jpeg(prober, tmp_path):
    film = made_once(lambda path: media.video_mp4(path, size="1280x720"), "large.mp4")
    for at_s in (0.0, 1.5, 99.0):
        picture = await prober.picture(film, at_s=at_s, longest=320, max_bytes=200_000)
        assert await dimensions(prober, picture, tmp_path) == (320, 180)
        assert (picture.width, picture.height) == (1280, 720)


@pytest.mark.parametrize("turned", [90, 180, -90])
async def test_a_film_that_lies_on_its_side_is_shown_upright(prober, tmp_path, turned):
    film, turned_film, still = (tmp_path / name for name in ("film.mp4", "turned.mp4", "still.mkv"))
    half = "color=red:160x180:duration=1[left];color=blue:160x180:duration=1[right];[left][right]hstack"
    media.run_ffmpeg("-f", "lavfi", "-i", half, "-pix_fmt", "yuv420p", film)
    media.run_ffmpeg("-display_rotation", str(turned), "-i", film, "-c", "copy", turned_film)
    picture = await prober.picture(turned_film, at_s=0, longest=160, max_bytes=200_000)
    size, whole = ((160, 90), (320, 180)) if turned == 180 else ((90, 160), (180, 320))
    assert await dimensions(prober, picture, tmp_path) == size
    assert (picture.width, picture.height) == whole
    # What ffmpeg itself makes of it has red at the same edge.
    media.run_ffmpeg("-i", turned_film, "-frames:v", "1", "-vf", f"scale={size[0]}:{size[1]}", still)
    ours, theirs = (first_point(path) for path in (tmp_path / "picture.jpg", still))
    assert ours == pytest.approx(theirs, abs=12)


def first_point(path: Path) -> list[int]:
    """Red, green and blue of a picture's upper left corner."""
    raw = path.with_suffix(".raw")
    media.run_ffmpeg("-i", path, "-vf", "format=rgb24", "-f", "rawvideo", raw)
    return list(raw.read_bytes()[:3])


async def test_a_film_of_oblong_points_is_shown_as_wide_as_it_is_meant(prober, tmp_path):
    film = tmp_path / "oblong.mp4"
    media.run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=160x180:duration=1", "-vf", "setsar=2", "-pix_fmt", "yuv420p"),
        film,
    )
    picture = await prober.picture(film, at_s=0, longest=320, max_bytes=200_000)
    assert await dimensions(prober, picture, tmp_path) == (320, 180)
    assert (picture.width, picture.height) == (320, 180)


async def test_a_picture_that_is_too_heavy_gets_smaller(prober, tmp_path):
    film = made_once(lambda path: media.video_mp4(path, size="1280x720"), "large.mp4")
    limit = len((await prober.picture(film, at_s=0, longest=320, max_bytes=200_000)).jpeg) - 1
    picture = await prober.picture(film, at_s=0, longest=320, max_bytes=limit)
    assert len(picture.jpeg) <= limit
    assert await dimensions(prober, picture, tmp_path) == (160, 90)
    with pytest.raises(MediaFailure, match="at any size"):
        await prober.picture(film, at_s=0, longest=320, max_bytes=10)


async def test_the_picture_of_a_sound_file_is_its_cover(prober, tmp_path):
    tone, covered = made_once(media.audio_mp3, "a.mp3"), tmp_path / "covered.mp3"
    picture = made_once(media.picture_jpeg, "cover.jpg")
    media.run_ffmpeg(
        *("-i", tone, "-i", picture, "-map", "0:a", "-map", "1:v", "-c", "copy"),
        *("-disposition:v", "attached_pic", covered),
    )
    shown = await prober.picture(covered, at_s=1, longest=64, max_bytes=200_000)
    assert max(side or 0 for side in await dimensions(prober, shown, tmp_path)) == 64
    with pytest.raises(MediaFailure, match="no picture"):
        await prober.picture(tone, at_s=0, longest=320, max_bytes=200_000)
