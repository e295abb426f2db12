"""Picture and sound stay together, however the pieces came: measured on films that flash and beep."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import pytest

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import Role
from core.media.ffmpeg import locate
from core.media.fragments import straighten_blocking
from core.media.postprocess import Input, Wanted, postprocess
from core.media.prober import Prober
from tests.fakes.media import made_once, run_ffmpeg
from tests.fakes.sync import PICTURE, SOUND, beeps, flash_and_beep, flashes, largest_offset_s, offset_s

FFMPEG = locate(None)
#: What nobody notices (ITU-R BT.1359: sound 45 ms early to 125 ms late).
UNNOTICED_S = 0.04


async def finished(prober: Prober, folder: Path, *sources: tuple[Role, Path], container: str = "mp4") -> Path:
    inputs = [Input(role, path, await prober.probe(path, measure=False)) for role, path in sources]
    wanted = Wanted(kind=Kind.VIDEO, container=container)
    made = await postprocess(
        FFMPEG, inputs, wanted, folder / "out", timeout_s=60, stall_s=30, progress=lambda _: None
    )
    run_ffmpeg("-xerror", "-i", made.path, "-f", "null", "-")
    await prober.check_ending(made.path)
    return made.path


def test_the_measure_itself_sees_a_shift(tmp_path):
    straight = made_once(flash_and_beep, "beep.mp4")
    assert abs(largest_offset_s(straight)) < 0.005
    late = tmp_path / "late.mp4"
    run_ffmpeg(
        *("-i", straight, "-itsoffset", "0.2", "-i", straight),
        *("-map", "0:v", "-map", "1:a", "-c", "copy", late),
    )
    assert offset_s(late) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("name", ["beep.ts", "beep.mkv", "beep.mp4"])
@pytest.mark.parametrize("container", ["mp4", "mkv"])
async def test_one_file_keeps_its_sync_in_another_container(prober, tmp_path, name, container):
    source = made_once(flash_and_beep, name)
    result = await finished(prober, tmp_path, (Role.MUXED, source), container=container)
    assert abs(largest_offset_s(result)) < UNNOTICED_S


def vp9(path: Path) -> Path:
    encode = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
    run_ffmpeg(*flashes(6), *beeps(6), *encode, path)
    return path


async def test_conversion_keeps_the_sync(prober, tmp_path):
    result = await finished(prober, tmp_path, (Role.MUXED, made_once(vp9, "beep.webm")))
    assert abs(largest_offset_s(result)) < UNNOTICED_S


def cut_from(source: Path, start_s: float, path: Path, stream: str) -> Path:
    """One stream of *source* from *start_s* on, its times as they were."""
    run_ffmpeg(
        *("-ss", str(start_s), "-copyts", "-i", source, "-map", f"0:{stream}", "-c", "copy"),
        *("-muxdelay", "0", "-muxpreload", "0", path),
    )
    return path


@pytest.mark.parametrize("extension", ["ts", "mkv"])
@pytest.mark.parametrize(("picture_s", "sound_s"), [(0, 0.3), (2, 1.2), (0, 0)])
async def test_separate_tracks_of_one_clock_stay_together(prober, tmp_path, extension, picture_s, sound_s):
    whole = made_once(flash_and_beep, f"beep.{extension}")
    picture = cut_from(whole, picture_s, tmp_path / f"v.{extension}", "v")
    sound = cut_from(whole, sound_s, tmp_path / f"a.{extension}", "a")
    result = await finished(prober, tmp_path, (Role.VIDEO, picture), (Role.AUDIO, sound))
    assert abs(largest_offset_s(result)) < UNNOTICED_S


async def test_sound_that_begins_later_by_its_edit_list_stays_late(prober, tmp_path):
    picture, sound = tmp_path / "v.mp4", tmp_path / "a.m4a"
    whole = made_once(flash_and_beep, "beep.mp4")
    run_ffmpeg("-i", whole, "-map", "0:v", "-c", "copy", picture)
    run_ffmpeg("-itsoffset", "0.4", "-i", whole, "-map", "0:a", "-c", "copy", sound)
    assert (await prober.probe(sound)).start_s == pytest.approx(0.4, abs=0.03)
    result = await finished(prober, tmp_path, (Role.VIDEO, picture), (Role.AUDIO, sound))
    assert offset_s(result) == pytest.approx(0.4, abs=UNNOTICED_S)


async def test_fragments_of_picture_and_sound_stay_together(prober, tmp_path):
    whole = made_once(flash_and_beep, "beep.mp4")
    picture, sound = tmp_path / "v.mp4", tmp_path / "a.mp4"
    fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000")
    run_ffmpeg("-i", whole, "-map", "0:v", "-c", "copy", *fragments, picture)
    run_ffmpeg("-i", whole, "-map", "0:a", "-c", "copy", *fragments, sound)
    result = await finished(prober, tmp_path, (Role.VIDEO, picture), (Role.AUDIO, sound))
    assert abs(largest_offset_s(result)) < UNNOTICED_S


async def test_a_clock_that_starts_again_in_the_middle_is_taken_as_one(prober, tmp_path):
    """As HLS has it after a discontinuity: what follows has its own times, later or earlier."""
    first, second, third = (tmp_path / f"{name}.ts" for name in "abc")
    for path, offset in ((first, "0"), (second, "3600"), (third, "7")):
        run_ffmpeg(
            *(*flashes(4), *beeps(4), *PICTURE, *SOUND, "-output_ts_offset", offset, path),
        )
    joined = tmp_path / "joined"
    joined.write_bytes(b"".join(path.read_bytes() for path in (first, second, third)))
    result = await finished(prober, tmp_path, (Role.MUXED, joined))
    info = await prober.probe(result)
    assert info.duration_s == pytest.approx(12.0, abs=0.3)
    assert abs(largest_offset_s(result)) < UNNOTICED_S


def pieces(folder: Path, *options: str) -> tuple[bytes, list[bytes]]:
    """Four seconds as fragments that begin at zero: their init section and themselves."""
    folder.mkdir()
    hls = ("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4")
    run_ffmpeg(*flashes(4), *beeps(4), *PICTURE, *SOUND, *hls, *options, "index.m3u8", cwd=folder)
    segments = [path.read_bytes() for path in sorted(folder.glob("*.m4s"))]
    return (folder / "init.mp4").read_bytes(), segments


@pytest.mark.parametrize("has_own_init", [True, False])
async def test_fragments_of_several_clocks_follow_each_other(prober, tmp_path, has_own_init):
    init, first = pieces(tmp_path / "1")
    again, second = pieces(tmp_path / "2")
    joined = tmp_path / "joined"
    joined.write_bytes(init + b"".join(first) + (again if has_own_init else b"") + b"".join(second + first))
    result = await finished(prober, tmp_path, (Role.MUXED, joined))
    assert (await prober.probe(result)).duration_s == pytest.approx(12.0, abs=0.2)
    assert abs(largest_offset_s(result)) < UNNOTICED_S
    assert not straighten_blocking(joined)


async def test_pieces_of_different_films_do_not_become_one_that_shows_rubbish(prober, tmp_path):
    init, first = pieces(tmp_path / "1")
    again, second = pieces(tmp_path / "2", "-vf", "scale=320:180")
    joined = tmp_path / "joined"
    joined.write_bytes(init + b"".join(first) + again + b"".join(second))
    with pytest.raises(MediaFailure, match="encoded in different ways"):
        await finished(prober, tmp_path, (Role.MUXED, joined))


async def test_fragments_of_one_clock_are_left_as_they_are(tmp_path):
    init, segments = pieces(tmp_path / "1")
    for name, gap in (("whole", segments), ("gap", segments[:1] + segments[2:])):
        path = tmp_path / name
        path.write_bytes(init + b"".join(gap))
        before = path.read_bytes()
        assert not straighten_blocking(path)
        assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(40))
def test_damaged_fragments_are_damage_and_nothing_worse(tmp_path, seed):
    chance = Random(seed)
    data = bytearray(made_once(_fragmented, "fragmented.mp4").read_bytes())
    for _ in range(30):
        data[chance.randrange(len(data) // (1 + 20 * chance.randrange(2)))] = chance.randrange(256)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with contextlib.suppress(MediaFailure):
        straighten_blocking(path)
    assert path.stat().st_size == len(data)


def _fragmented(path: Path) -> Path:
    movflags = "frag_keyframe+empty_moov+default_base_moof"
    run_ffmpeg("-i", made_once(flash_and_beep, "beep.mp4"), "-c", "copy", "-movflags", movflags, path)
    return path


async def test_a_break_with_sound_of_another_form_stays_in_sync(prober, tmp_path):
    """As with what is shown in between: 44.1 kHz and mono after 48 kHz and stereo, and back again."""
    joined = tmp_path / "joined"
    forms = (("0", "48000", "2"), ("20", "44100", "1"), ("40", "48000", "2"))
    for offset, rate, channels in forms:
        path = tmp_path / f"{offset}.ts"
        form = ("-ar", rate, "-ac", channels, "-output_ts_offset", offset)
        run_ffmpeg(*flashes(4), *beeps(4), *PICTURE, *SOUND, *form, path)
        with joined.open("ab") as file:
            file.write(path.read_bytes())
    info = await prober.probe(joined, measure=False)
    assert info.audio
    assert info.audio.is_uneven
    result = await finished(prober, tmp_path, (Role.MUXED, joined))
    assert (await prober.probe(result)).duration_s == pytest.approx(12.0, abs=0.3)
    assert abs(largest_offset_s(result)) < UNNOTICED_S


async def test_a_stream_of_one_form_is_even(prober):
    info = await prober.probe(made_once(flash_and_beep, "beep.ts"), measure=False)
    assert info.audio
    assert not info.audio.is_uneven
