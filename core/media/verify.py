"""The gate before "done": is a probed file what was asked for? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo

#: Demuxers (first words of their names) of the files that may be kept.
CONTAINERS = frozenset(
    {"mov", "matroska", "mp3", "aac", "mpegts", "ogg", "flac", "wav", "avi", "flv", "asf", "mpeg"}
)

_TOLERANCE = 0.02
_TOLERANCE_S = 1.0
#: Sound and picture of a film seldom end together: credits are silent, music fades after the last picture.
_UNLIKE = 0.1
_UNLIKE_S = 10.0
#: Containers whose headers tell the true length of each stream; elsewhere it is an estimate.
_RELIABLE = frozenset({"mov", "matroska"})
_NO_LENGTHS: Mapping[str, float] = MappingProxyType({})


def tolerance_s(duration_s: float) -> float:
    """How far a duration may be off: 2 % or 1 s, whichever is more."""
    return max(_TOLERANCE * duration_s, _TOLERANCE_S)


def check_output(
    info: MediaInfo, *, kind: Kind, duration_s: float | None, lengths_s: Mapping[str, float] = _NO_LENGTHS
) -> None:
    """Pass a file that is whole and of the wanted kind.

    Args:
        info: What the prober measured.
        kind: What was asked for.
        duration_s: How long it should be, where known; `tolerance_s` off is allowed.
        lengths_s: How long its streams should be, by their type: those of the files that it was made from.

    Raises:
        MediaFailure: Says what is wrong.
    """
    wrong = (
        _wrong(info, kind) or _wrong_duration(info.duration_s, duration_s) or _wrong_stream(info, lengths_s)
    )
    if wrong:
        raise MediaFailure(wrong)


def lengths_of(info: MediaInfo) -> dict[str, float]:
    """How long sound and picture of a file are, by type of stream, where its header can be relied on."""
    if info.container not in _RELIABLE or info.is_fragmented:
        return {}
    streams = {"video": info.video, "audio": info.audio}
    return {name: stream.duration_s for name, stream in streams.items() if stream and stream.duration_s}


def _wrong(info: MediaInfo, kind: Kind) -> str | None:
    is_audio = kind is Kind.AUDIO
    faults = {
        "the file is empty": info.size_bytes <= 0,
        f"{info.container} is not a kind of file that is kept": info.container not in CONTAINERS,
        "there is neither sound nor picture in it": info.video is None and info.audio is None,
        "there is no picture in it": kind is Kind.VIDEO and info.video is None,
        "there is no sound in it": is_audio and info.audio is None,
        "there is a film in what should be sound only": is_audio and info.video is not None,
    }
    return next((words for words, is_so in faults.items() if is_so), None)


def _wrong_duration(actual_s: float | None, expected_s: float | None) -> str | None:
    if not actual_s or actual_s < 0:
        return "it has no duration"
    if expected_s and abs(actual_s - expected_s) > tolerance_s(expected_s):
        return f"it lasts {actual_s:.1f} s instead of {expected_s:.1f} s"
    return None


def _wrong_stream(info: MediaInfo, lengths_s: Mapping[str, float]) -> str | None:
    assert info.duration_s
    for name, is_s in lengths_of(info).items():
        should_s = lengths_s.get(name)
        if should_s and should_s - is_s > tolerance_s(should_s):
            return f"its {name} stream lasts {is_s:.1f} s instead of {should_s:.1f} s"
    for stream in info.streams:
        # Where the container keeps no length for each, the check of the ending looks for their packets.
        if stream.is_cover or stream.duration_s is None:
            continue
        if info.duration_s - stream.duration_s > max(_UNLIKE * info.duration_s, _UNLIKE_S):
            return f"its {stream.type} stream lasts {stream.duration_s:.1f} of {info.duration_s:.1f} s"
    return None
