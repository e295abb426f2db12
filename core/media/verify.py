"""The gate before "done": is a probed file what was asked for? Pure."""

from __future__ import annotations

from core.domain.errors import MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo

#: Demuxers (first words of their names) of the files that may be kept.
CONTAINERS = frozenset(
    {"mov", "matroska", "mp3", "aac", "mpegts", "ogg", "flac", "wav", "avi", "flv", "asf", "mpeg"}
)

_TOLERANCE = 0.02
_TOLERANCE_S = 1.0


def check_output(info: MediaInfo, *, kind: Kind, duration_s: float | None) -> None:
    """Pass a file that is whole and of the wanted kind.

    Args:
        info: What the prober measured.
        kind: What was asked for.
        duration_s: How long it should be, where known; 2 % or 1 s off is allowed, whichever is more.

    Raises:
        MediaFailure: Says what is wrong.
    """
    wrong = _wrong(info, kind) or _wrong_duration(info.duration_s, duration_s)
    if wrong:
        raise MediaFailure(wrong)


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
    if expected_s and abs(actual_s - expected_s) > max(_TOLERANCE * expected_s, _TOLERANCE_S):
        return f"it lasts {actual_s:.1f} s instead of {expected_s:.1f} s"
    return None
