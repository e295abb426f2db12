"""Chapters in the form that ffmpeg reads, and as spans for everybody else. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.domain.media import Chapter
from core.media.words import folded

#: More make players slow, and no person made them.
MAX_CHAPTERS = 1000

_SPECIAL = re.compile(r"([=;#\\])")


@dataclass(frozen=True, slots=True)
class Span:
    """A chapter with its end, in milliseconds."""

    start_ms: int
    end_ms: int
    title: str


def spans(chapters: Sequence[Chapter], duration_s: float | None) -> list[Span]:
    """Chapters in order, each up to the next one's start, the last up to the end of the file.

    Those without length or beyond the end are left out; so is a single one, which would say nothing.
    """
    end_ms = round(duration_s * 1000) if duration_s else None
    starts = {
        round(chapter.start_s * 1000): folded(chapter.title)
        for chapter in chapters[:MAX_CHAPTERS]
        if chapter.start_s >= 0 and (end_ms is None or chapter.start_s * 1000 < end_ms)
    }
    ordered = sorted(starts)
    if len(ordered) < 2:
        return []
    edges = [*ordered, end_ms or ordered[-1] + 1000]
    numbered = enumerate(pairwise(edges), start=1)
    return [Span(start, end, starts[start] or str(number)) for number, (start, end) in numbered]


def ffmetadata(chapters: Sequence[Span]) -> str:
    """A file for ffmpeg's `ffmetadata` demuxer (ffmpeg-formats, "Metadata")."""
    lines = [";FFMETADATA1"]
    for chapter in chapters:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={chapter.start_ms}", f"END={chapter.end_ms}"]
        # At the end of a line a backslash joins it with the next one, escaped or not.
        lines.append("title=" + _SPECIAL.sub(r"\\\1", chapter.title.rstrip("\\")))
    return "\n".join(lines) + "\n"
