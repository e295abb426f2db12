"""What passes for a finished file."""

from __future__ import annotations

import pytest

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo, StreamInfo
from core.media.verify import check_output

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
