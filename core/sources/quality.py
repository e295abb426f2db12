"""The names of qualities, and what they allow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.domain.errors import FormatNotFound
from core.domain.job import Kind

#: What faces offer. Other heights and bit rates are understood as well.
QUALITIES = (
    "best", "2160p", "1440p", "1080p", "720p", "480p", "360p", "audio_320", "audio_192", "audio_128",
)  # fmt: skip
_HEIGHT = re.compile(r"(?P<lines>\d{2,5})p\d{0,3}\Z")
_AUDIO = re.compile(r"audio(?:_(?P<kbps>\d{1,4}))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The most that is wanted; None is no bound. Where everything exceeds it, the least is taken."""

    kind: Kind
    #: Lines of the picture: its shorter side.
    max_lines: int | None = None
    #: Kilobits a second of the sound.
    max_audio_kbps: int | None = None


def parse_quality(name: str, kind: Kind = Kind.AUTO, *, max_height: int = 0) -> Quality:
    """What a request's *name* and *kind* allow together.

    Args:
        name: One of QUALITIES, or the like.
        kind: As requested; a quality of sound makes AUTO audio.
        max_height: `media.max_height`, 0 when there is no bound.

    Raises:
        FormatNotFound: No such quality, or one of sound where a film is wanted.
    """
    lines: int | None = None
    kbps: int | None = None
    if audio := _AUDIO.match(name):
        if kind is Kind.VIDEO:
            raise FormatNotFound(f"{name} is a quality of sound, but a video is wanted")
        kind = Kind.AUDIO
        kbps = int(audio["kbps"]) if audio["kbps"] else None
    elif height := _HEIGHT.match(name):
        lines = int(height["lines"])
    elif name == "worst":
        lines = kbps = 1
    elif name != "best":
        raise FormatNotFound(
            f"there is no quality {name[:40]!r}", hint=f"Qualities are: {', '.join(QUALITIES)}."
        )
    if max_height:
        lines = min(lines or max_height, max_height)
    return Quality(kind=kind, max_lines=lines, max_audio_kbps=kbps)
