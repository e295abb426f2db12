"""What is kept, copied and converted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import FormatNotFound, MediaFailure
from core.domain.job import Kind
from core.domain.media import Chapter, MediaInfo, Role, StreamInfo, Tags
from core.media.recipe import Input, Wanted, extension_of, plan

MP4 = Wanted(kind=Kind.VIDEO)
MKV = Wanted(kind=Kind.VIDEO, container="mkv")
M4A = Wanted(kind=Kind.AUDIO)
MP3 = Wanted(kind=Kind.AUDIO, audio_format="mp3")
AUTO = Wanted(kind=Kind.AUTO)


def media(
    container: str,
    video: str | None = None,
    audio: str | None = None,
    *,
    role: Role = Role.MUXED,
    channels: int = 2,
    is_fragmented: bool = False,
    cover: bool = False,
) -> Input:
    streams = []
    if cover:
        streams.append(StreamInfo(type="video", codec="mjpeg", is_cover=True))
    if video:
        streams.append(StreamInfo(type="video", codec=video))
    if audio:
        streams.append(StreamInfo(type="audio", codec=audio, channels=channels))
    info = MediaInfo(
        container=container,
        size_bytes=1000,
        duration_s=10.0,
        streams=tuple(streams),
        is_fragmented=is_fragmented,
    )
    return Input(role, Path(f"{role}.{container}"), info)


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (media("mov", "h264", "aac"), MP4),
        (media("mov", "hevc", "mp3"), MP4),
        (media("mov", "av1"), MP4),
        (media("mov", "mpeg4", "aac"), MP4),
        (media("mov", "h264", "aac"), AUTO),
        (media("matroska", "vp9", "opus"), MKV),
        (media("mov", audio="aac"), M4A),
        (media("mov", audio="alac", cover=True), M4A),
        (media("mp3", audio="mp3"), M4A),
        (media("mp3", audio="mp3", cover=True), MP3),
        (media("ogg", audio="opus"), AUTO),
        (media("flac", audio="flac"), AUTO),
        (media("wav", audio="pcm_s16le"), AUTO),
        (media("matroska", audio="opus"), AUTO),
        (media("mov", audio="aac"), Wanted(kind=Kind.AUTO, audio_format="mp3")),
    ],
)
def test_a_file_that_is_right_is_kept(item, wanted):
    recipe = plan([item], wanted)
    assert recipe.keep == item.path


@pytest.mark.parametrize(
    ("item", "wanted", "extension", "video", "audio"),
    [
        # Forms that HLS leaves, and other containers: copied.
        (media("mpegts", "h264", "aac"), MP4, "mp4", None, None),
        (media("mov", "h264", "aac", is_fragmented=True), MP4, "mp4", None, None),
        (media("mov", "h264", "aac", is_fragmented=True), AUTO, "mp4", None, None),
        (media("matroska", "h264", "aac"), MP4, "mp4", None, None),
        (media("mov", "h264", "aac"), MKV, "mkv", None, None),
        (media("mpegts", "h264", "ac3"), MKV, "mkv", None, None),
        # What phones do not play: converted, each stream for itself.
        (media("matroska", "vp9", "opus"), MP4, "mp4", "h264", "aac"),
        (media("matroska", "vp9", "aac"), MP4, "mp4", "h264", None),
        (media("mov", "av1", "opus"), MP4, "mp4", None, "aac"),
        (media("mov", "vp9", "aac"), MP4, "mp4", "h264", None),
        (media("avi", "mpeg4", "mp3"), MP4, "mp4", "h264", None),
        (media("mpegts", "h264", "ac3"), MP4, "mp4", None, "aac"),
        # Sound.
        (media("aac", audio="aac"), M4A, "m4a", None, None),
        (media("aac", audio="aac"), AUTO, "m4a", None, None),
        (media("mpegts", audio="aac"), AUTO, "m4a", None, None),
        (media("mpegts", audio="mp3"), M4A, "mp3", None, None),
        (media("mov", audio="aac", is_fragmented=True), AUTO, "m4a", None, None),
        (media("mov", "h264", "aac"), M4A, "m4a", None, None),
        (media("mov", "h264", "mp3"), M4A, "mp3", None, None),
        (media("mov", "h264", "aac"), MP3, "mp3", None, "mp3"),
        (media("mov", audio="aac"), MP3, "mp3", None, "mp3"),
        (media("aac", audio="aac"), Wanted(kind=Kind.AUTO, audio_format="mp3"), "mp3", None, "mp3"),
        (media("matroska", audio="opus"), M4A, "m4a", None, "aac"),
        (media("flac", audio="flac"), MP3, "mp3", None, "mp3"),
    ],
)
def test_what_is_copied_and_what_is_converted(item, wanted, extension, video, audio):
    recipe = plan([item], wanted)
    assert recipe.keep is None
    assert recipe.extension == extension
    assert recipe.audio
    assert recipe.audio.convert_to == audio
    assert (recipe.video.convert_to if recipe.video else None) == video
    assert (recipe.video is not None) == (extension in {"mp4", "mkv"})


def test_video_and_audio_of_their_own_are_merged_whatever_their_order():
    picture = media("mov", "h264", role=Role.VIDEO)
    sound = media("mov", audio="aac", role=Role.AUDIO)
    for inputs in ([picture, sound], [sound, picture]):
        recipe = plan(inputs, AUTO)
        assert [item.role for item in recipe.inputs] == [Role.VIDEO, Role.AUDIO]
        assert recipe.video
        assert recipe.audio
        assert (recipe.video.input, recipe.audio.input) == (0, 1)
        assert recipe.keep is None


def test_the_sound_that_was_fetched_as_such_takes_the_place_of_the_films_own():
    film = media("mov", "h264", "aac", role=Role.VIDEO)
    dubbed = media("mov", audio="aac", role=Role.AUDIO)
    assert plan([film, dubbed], MP4).inputs == (film, dubbed)


def test_a_film_without_sound_stays_one():
    recipe = plan([media("mpegts", "h264")], MP4)
    assert recipe.audio is None


def test_only_the_sound_is_read_when_only_sound_is_wanted():
    picture = media("mov", "h264", role=Role.VIDEO)
    sound = media("mov", audio="aac", role=Role.AUDIO)
    assert plan([picture, sound], M4A).keep == sound.path


@pytest.mark.parametrize(
    ("bitrate", "channels", "bps"),
    [
        ("low", 2, 64_000),
        ("medium", 2, 128_000),
        ("high", 2, 192_000),
        ("high", 1, 96_000),
        ("high", 6, 192_000),
    ],
)
def test_sound_is_converted_at_the_wanted_bit_rate_and_mono_at_half(bitrate, channels, bps):
    recipe = plan(
        [media("ogg", audio="opus", channels=channels)], Wanted(kind=Kind.AUDIO, audio_bitrate=bitrate)
    )
    assert recipe.audio
    assert recipe.audio.bitrate_bps == bps


def changed(item: Input, **facts: object) -> Input:
    """The same file, but its sound is *facts*."""
    streams = tuple(replace(s, **facts) if s.type == "audio" else s for s in item.info.streams)
    return replace(item, info=replace(item.info, streams=streams))


@pytest.mark.parametrize(("wanted", "codec"), [(M4A, "aac"), (AUTO, "aac"), (MP3, "mp3")])
def test_sound_whose_form_changes_on_the_way_is_converted(wanted, codec):
    recipe = plan([changed(media("aac", audio="aac"), is_uneven=True)], wanted)
    assert recipe.lacks_times
    assert recipe.audio
    assert recipe.audio.convert_to == codec
    assert not plan([media("aac", audio="aac")], wanted).lacks_times


@pytest.mark.parametrize(
    ("codec", "audio_format", "bitrate_bps", "convert_to"),
    [
        ("aac", "m4a", 256_000, "aac"),
        ("mp3", "m4a", 320_000, "mp3"),
        ("aac", "m4a", 150_000, None),
        ("mp3", "mp3", 128_000, None),
        ("aac", "m4a", None, None),
    ],
)
def test_sound_is_converted_for_its_bit_rate_only_where_it_is_far_above(
    codec, audio_format, bitrate_bps, convert_to
):
    item = changed(media({"aac": "mov"}.get(codec, codec), audio=codec), bitrate_bps=bitrate_bps)
    wanted = Wanted(kind=Kind.AUDIO, audio_format=audio_format, audio_bps=128_000)
    recipe = plan([item], wanted)
    assert recipe.audio
    assert recipe.audio.convert_to == convert_to
    assert recipe.audio.bitrate_bps == (128_000 if convert_to else 0)
    assert (recipe.keep is None) == (convert_to is not None)


@pytest.mark.parametrize(
    ("item", "wanted"), [(media("mov", "h264", "aac"), MP4), (media("mov", audio="aac"), M4A)]
)
def test_chapters_are_worth_a_copy(item, wanted):
    tags = Tags(chapters=(Chapter(start_s=0, title="a"), Chapter(start_s=5, title="b")))
    assert plan([item], wanted).keep == item.path
    assert plan([item], replace(wanted, tags=tags)).keep is None


@pytest.mark.parametrize(
    ("containers", "starts_s", "shift_s"),
    [
        (("mov", "mov"), (0.0, 0.4), 0.4),
        (("mov", "matroska"), (0.5, 0.0), -0.5),
        (("mpegts", "mpegts"), (10.0, 10.02), 0.02),
        # The clock of a transport stream begins again at zero every 26.5 hours.
        (("mpegts", "mpegts"), (95443.7, 0.0), 0.0177),
        (("mpegts", "mpegts"), (0.1, 95443.7), -0.1177),
        # Clocks that have nothing to do with each other.
        (("mpegts", "mov"), (1.4, 0.0), 0.0),
        (("mpegts", "aac"), (1.4, 0.0), 0.0),
        (("mpegts", "mpegts"), (0.0, 3600.0), 0.0),
        (("mov", "mov"), (0.0, 60.0), 0.0),
    ],
)
def test_separate_tracks_keep_their_distance_where_they_share_a_clock(containers, starts_s, shift_s):
    picture = media(containers[0], "h264", role=Role.VIDEO)
    sound = media(containers[1], audio="aac", role=Role.AUDIO)
    inputs = [
        replace(item, info=replace(item.info, start_s=start_s))
        for item, start_s in zip((picture, sound), starts_s, strict=True)
    ]
    assert plan(inputs, MP4).shift_s == pytest.approx(shift_s, abs=1e-3)


def test_a_film_is_not_promised_where_there_is_none():
    with pytest.raises(FormatNotFound, match="no picture"):
        plan([media("mp3", audio="mp3", cover=True)], MP4)


def test_sound_is_not_promised_where_there_is_none():
    with pytest.raises(FormatNotFound, match="no sound"):
        plan([media("mov", "h264")], M4A)


def test_nothing_at_all_is_damage():
    with pytest.raises(MediaFailure, match="neither sound nor picture"):
        plan([media("mov")], AUTO)


@pytest.mark.parametrize(
    ("item", "extension"),
    [
        (media("mov", "h264", "aac"), "mp4"),
        (media("mov", audio="aac", cover=True), "m4a"),
        (media("matroska", "vp9", "opus"), "webm"),
        (media("matroska", "h264", "opus"), "mkv"),
        (media("ogg", audio="opus"), "opus"),
        (media("ogg", audio="vorbis"), "ogg"),
        (media("mpegts", "h264", "aac"), "ts"),
        (media("asf", "wmv3", "wmav2"), "wmv"),
        (media("asf", audio="wmav2"), "wma"),
        (media("mpeg", "mpeg2video"), "mpg"),
        (media("flac", audio="flac"), "flac"),
    ],
)
def test_the_extension_follows_what_is_inside(item, extension):
    assert extension_of(item.info) == extension
