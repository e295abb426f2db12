"""ffmpeg's command lines, and what its complaints become."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo, Role, StreamInfo, Tags
from core.media.arguments import VideoEncoder, encoder_trial_argv, postprocess_argv
from core.media.ffmpeg import Ffmpeg
from core.media.recipe import Input, Recipe, Wanted, plan

FFMPEG = Ffmpeg(Path("/bin/ffmpeg"), "9", "bundled")


def item(container: str, video: str | None, audio: str | None, name: str = "in") -> Input:
    streams = [StreamInfo(type="video", codec=video)] if video else []
    streams += [StreamInfo(type="audio", codec=audio, channels=6)] if audio else []
    info = MediaInfo(container=container, size_bytes=1000, duration_s=10.0, streams=tuple(streams))
    return Input(Role.MUXED, Path("/jobs/7") / name, info)


def argv(recipe: Recipe, tags: Tags | None = None) -> list[str]:
    return postprocess_argv(FFMPEG, recipe, tags or Tags(), Path("/jobs/7/out.part"))


def after(words: list[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def test_each_input_is_named_read_as_what_it_is_and_may_reach_files_only():
    picture, sound = item("mpegts", "h264", None, "v"), item("aac", None, "aac", "a")
    words = argv(plan([picture, sound], Wanted(kind=Kind.VIDEO)))
    assert after(words, "-i") == ["file:/jobs/7/v", "file:/jobs/7/a"]
    assert after(words, "-f") == ["mpegts", "aac", "mp4"]
    assert after(words, "-protocol_whitelist") == ["file", "file"]
    assert after(words, "-map") == ["0:V:0", "1:a:0"]
    assert {"-nostdin", "-sn", "-dn"} <= set(words)
    assert after(words, "-map_metadata:g") == after(words, "-map_metadata:s") == ["-1"]
    assert words[-1] == "file:/jobs/7/out.part"


@pytest.mark.parametrize("container", ["hls", "concat", "image2", "tty", "lavfi", "dash"])
def test_a_container_that_can_name_other_files_never_reaches_ffmpeg(container):
    with pytest.raises(MediaFailure, match=container):
        argv(plan([item(container, "h264", "aac")], Wanted(kind=Kind.VIDEO)))


def test_copies_are_copies_with_the_index_in_front():
    words = argv(plan([item("mpegts", "hevc", "aac")], Wanted(kind=Kind.VIDEO)))
    assert after(words, "-c:v:0") == after(words, "-c:a") == ["copy"]
    assert after(words, "-bsf:a") == ["aac_adtstoasc"]
    assert after(words, "-tag:v:0") == ["hvc1"]
    assert after(words, "-movflags") == ["+faststart"]


def test_matroska_needs_none_of_what_mp4_needs():
    words = argv(plan([item("mpegts", "hevc", "aac")], Wanted(kind=Kind.VIDEO, container="mkv")))
    assert not {"-bsf:a", "-tag:v", "-movflags"} & set(words)
    assert after(words, "-f")[-1] == "matroska"


def test_what_is_converted_gets_an_encoder_and_two_channels():
    words = argv(plan([item("matroska", "vp9", "opus")], Wanted(kind=Kind.VIDEO)))
    assert after(words, "-c:v:0") == ["libx264"]
    assert after(words, "-c:a") == ["aac"]
    assert after(words, "-ac") == ["2"]
    assert after(words, "-filter:v:0") == ["scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p"]


def test_sound_only_has_no_place_for_a_picture():
    words = argv(plan([item("mov", "h264", "aac")], Wanted(kind=Kind.AUDIO, audio_format="mp3")))
    assert after(words, "-map") == ["0:a:0"]
    assert after(words, "-c:a") == ["libmp3lame"]
    assert after(words, "-f") == ["mov", "mp3"]


def test_titles_are_arguments_and_nothing_else():
    tags = Tags(title="-i /etc/passwd\n= 🎬", track_number=3, date="not a date")
    words = argv(plan([item("mpegts", "h264", "aac")], Wanted(kind=Kind.VIDEO)), tags)
    assert after(words, "-metadata") == ["title=-i /etc/passwd = 🎬", "track=3"]
    assert after(words, "-i") == ["file:/jobs/7/in"]


def test_a_hardware_encoder_brings_its_device_before_the_inputs():
    encoder = VideoEncoder(
        "h264_vaapi", ("-qp", "23"), "format=nv12,hwupload", ("-vaapi_device", "/dev/dri/x")
    )
    recipe = plan([item("matroska", "vp9", "opus")], Wanted(kind=Kind.VIDEO))
    words = postprocess_argv(FFMPEG, recipe, Tags(), Path("/o"), encoder=encoder)
    assert words.index("-vaapi_device") < words.index("-i")
    assert after(words, "-c:v:0") == ["h264_vaapi"]
    trial = encoder_trial_argv(FFMPEG, encoder)
    assert after(trial, "-c:v:0") == ["h264_vaapi"]
    assert trial[-1] == "-"
