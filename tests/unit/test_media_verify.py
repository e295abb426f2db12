"""What passes for a finished file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo, StreamInfo
from core.media.verify import check_output, lengths_of

FILM = StreamInfo(type="video", codec="h264")
COVER = StreamInfo(type="video", codec="mjpeg", is_cover=True)
SOUND = StreamInfo(type="audio", codec="aac")


def info(
    *streams: StreamInfo, container: str = "mov", size: int = 1000, duration_s: float | None = 100.0
) -> MediaInfo:
    return MediaInfo(container=container, size_bytes=size, duration_s=duration_s, streams=streams)


@pytest.mark.parametrize(
    ("seen", "kind", "expected_s"),
    [
        (info(FILM, SOUND), Kind.VIDEO, 100.0),
        (info(FILM), Kind.VIDEO, None),
        (info(SOUND, COVER), Kind.AUDIO, 100.0),
        (info(SOUND), Kind.AUTO, 98.1),
        (info(SOUND), Kind.AUTO, 101.9),
        (info(SOUND, duration_s=2.0), Kind.AUTO, 3.0),
    ],
)
def test_a_file_as_it_was_wanted_passes(seen, kind, expected_s):
    check_output(seen, kind=kind, duration_s=expected_s)


@pytest.mark.parametrize(
    ("seen", "kind", "expected_s", "words"),
    [
        (info(SOUND, size=0), Kind.AUTO, None, "empty"),
        (info(FILM, SOUND, container="hls"), Kind.VIDEO, None, "hls is not a kind of file"),
        (info(), Kind.AUTO, None, "neither sound nor picture"),
        (info(COVER), Kind.AUTO, None, "neither sound nor picture"),
        (info(SOUND), Kind.VIDEO, None, "no picture"),
        (info(SOUND, COVER), Kind.VIDEO, None, "no picture"),
        (info(FILM), Kind.AUDIO, None, "no sound"),
        (info(FILM, SOUND), Kind.AUDIO, None, "film in what should be sound"),
        (info(SOUND, duration_s=0.0), Kind.AUTO, None, "no duration"),
        (info(SOUND, duration_s=None), Kind.AUTO, None, "no duration"),
        (info(SOUND), Kind.AUTO, 103.0, "100.0 s instead of 103.0 s"),
        (info(SOUND), Kind.AUTO, 97.0, "100.0 s instead of 97.0 s"),
        (info(SOUND, duration_s=2.0), Kind.AUTO, 3.1, "2.0 s instead of 3.1 s"),
    ],
)
def test_anything_else_is_refused_and_says_why(seen, kind, expected_s, words):
    with pytest.raises(MediaFailure, match=words):
        check_output(seen, kind=kind, duration_s=expected_s)


def lasting(video_s: float | None, audio_s: float | None, **facts: object) -> MediaInfo:
    film, sound = replace(FILM, duration_s=video_s), replace(SOUND, duration_s=audio_s)
    return replace(info(film, sound), **facts)


@pytest.mark.parametrize(
    ("seen", "lengths_s"),
    [
        (lasting(100.0, 99.5), {"video": 100.0, "audio": 100.0}),
        (lasting(100.0, 92.0), {}),
        (lasting(100.0, 92.0), {"video": 100.0, "audio": 92.0}),
        (lasting(100.0, None), {"video": 100.0, "audio": 100.0}),
        # Estimates are not held against a file.
        (lasting(100.0, 92.0, container="mpegts"), {"audio": 100.0}),
    ],
)
def test_streams_as_long_as_their_sources_pass(seen, lengths_s):
    check_output(seen, kind=Kind.VIDEO, duration_s=100.0, lengths_s=lengths_s)


@pytest.mark.parametrize(
    ("seen", "lengths_s", "words"),
    [
        (lasting(100.0, 95.0), {"audio": 100.0}, "audio stream lasts 95.0 s instead of 100.0 s"),
        (lasting(90.0, 100.0), {"video": 100.0}, "video stream lasts 90.0 s instead of 100.0 s"),
        (lasting(100.0, 50.0), {}, "audio stream lasts 50.0 of 100.0 s"),
        (lasting(0.5, 100.0), {}, "video stream lasts 0.5 of 100.0 s"),
    ],
)
def test_a_stream_of_which_part_is_missing_is_refused(seen, lengths_s, words):
    with pytest.raises(MediaFailure, match=words):
        check_output(seen, kind=Kind.VIDEO, duration_s=100.0, lengths_s=lengths_s)


def test_only_headers_that_can_be_relied_on_tell_lengths():
    assert lengths_of(lasting(100.0, 99.0)) == {"video": 100.0, "audio": 99.0}
    assert lengths_of(lasting(100.0, None)) == {"video": 100.0}
    assert lengths_of(lasting(100.0, 99.0, is_fragmented=True)) == {}
    assert lengths_of(lasting(100.0, 99.0, container="mp3")) == {}
