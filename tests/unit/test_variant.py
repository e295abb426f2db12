"""Which encoding is chosen."""

from __future__ import annotations

import pytest

from core.domain.errors import FormatNotFound
from core.domain.job import Kind
from core.net.hls.playlist import MasterPlaylist
from core.net.hls.reading import parse_playlist
from core.net.hls.variant import Choice, choose_variant


def master(*lines: str) -> MasterPlaylist:
    parsed = parse_playlist("\n".join(["#EXTM3U", *lines]), "https://x.example/m.m3u8")
    assert isinstance(parsed, MasterPlaylist)
    return parsed


def stream(name: str, bandwidth: int, **facts: str) -> tuple[str, str]:
    quoted = {"CODECS", "AUDIO"}
    shown = [f'{k}="{v}"' if k in quoted else f"{k}={v}" for k, v in facts.items()]
    return f"#EXT-X-STREAM-INF:{','.join([f'BANDWIDTH={bandwidth}', *shown])}", name


def audio(name: str, group: str = "a", default: str = "NO") -> str:
    return f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{group}",NAME="{name}",DEFAULT={default},URI="{name}"'


LADDER = master(
    *stream("360", 800, RESOLUTION="640x360", CODECS="avc1.1,mp4a.40.5"),
    *stream("1080", 5000, RESOLUTION="1920x1080", CODECS="avc1.3,mp4a.40.2"),
    *stream("1080-hevc", 9000, RESOLUTION="1920x1080", CODECS="hvc1.3,mp4a.40.2"),
    *stream("720", 2500, RESOLUTION="1280x720", CODECS="avc1.2,mp4a.40.2"),
)


def names(choice: Choice) -> tuple[str | None, str | None]:
    video, sound = choice.video_url, choice.audio_url
    return video and video.rpartition("/")[2], sound and sound.rpartition("/")[2]


@pytest.mark.parametrize(
    ("quality", "max_height", "expected"),
    [
        ("best", 0, "1080"),
        ("worst", 0, "360"),
        ("720p", 0, "720"),
        ("720p60", 0, "720"),
        ("900p", 0, "720"),
        ("144p", 0, "360"),
        ("2160p", 0, "1080"),
        ("best", 720, "720"),
        ("best", 100, "360"),
        ("1080p", 480, "360"),
        ("audio_128", 0, "1080"),
    ],
)
def test_a_quality_names_a_height(quality, max_height, expected):
    choice = choose_variant(LADDER, quality=quality, kind=Kind.VIDEO, max_height=max_height)
    assert names(choice) == (expected, None)


def test_an_unknown_quality_is_refused():
    with pytest.raises(FormatNotFound):
        choose_variant(LADDER, quality="excellent", kind=Kind.AUTO)


def test_audio_of_a_ladder_comes_from_the_smallest_picture_with_good_sound():
    assert names(choose_variant(LADDER, quality="best", kind=Kind.AUDIO)) == ("720", None)


def test_a_separate_audio_rendition_is_fetched_too_the_default_one():
    playlist = master(
        audio("fr"), audio("en", default="YES"), *stream("720", 1, RESOLUTION="1280x720", AUDIO="a")
    )
    assert names(choose_variant(playlist, quality="best", kind=Kind.VIDEO)) == ("720", "en")
    assert names(choose_variant(playlist, quality="best", kind=Kind.AUDIO)) == (None, "en")


def test_the_best_variant_names_the_best_audio_group():
    playlist = master(
        audio("low", "l"),
        audio("high", "h"),
        *stream("360", 1, RESOLUTION="640x360", AUDIO="l"),
        *stream("720", 2, RESOLUTION="1280x720", AUDIO="h"),
    )
    assert names(choose_variant(playlist, quality="best", kind=Kind.AUDIO)) == (None, "high")
    assert names(choose_variant(playlist, quality="worst", kind=Kind.AUDIO)) == (None, "low")
    assert names(choose_variant(playlist, quality="worst", kind=Kind.VIDEO)) == ("360", "low")


SOUNDS = master(
    *stream("64", 64_000, CODECS="mp4a.40.5"),
    *stream("192", 192_000, CODECS="mp4a.40.2"),
    *stream("128", 128_000, CODECS="mp4a.40.2"),
)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [("best", "192"), ("audio_130", "128"), ("audio_32", "64"), ("worst", "64"), ("720p", "192")],
)
def test_a_rate_names_an_audio_encoding(quality, expected):
    for kind in (Kind.AUDIO, Kind.AUTO):
        assert names(choose_variant(SOUNDS, quality=quality, kind=kind)) == (None, expected)


def test_a_film_cannot_be_made_of_sound():
    with pytest.raises(FormatNotFound, match="only audio"):
        choose_variant(SOUNDS, quality="best", kind=Kind.VIDEO)


def test_variants_that_say_nothing_are_told_apart_by_their_rate():
    playlist = master(*stream("low", 1), *stream("high", 2))
    assert names(choose_variant(playlist, quality="best", kind=Kind.AUTO)) == ("high", None)
