"""Which of a work's files to take. Pure.

The upload itself where it plays on every phone (MP4, M4A, MP3), else the site's own MP4 or MP3. FLAC is taken
for the best sound. Formats that need converting (AVI, MPEG, WAV …) only when there is nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.errors import FormatNotFound
from core.domain.job import Kind
from core.sources.archive_org.item import File, Work
from core.sources.quality import Quality

_PLAYABLE_FILMS = frozenset({"m4v", "mp4"})
#: FLAC, what every phone plays, what many do; anything else is 0.
_SOUND_TIERS = (
    {"flac": 3} | dict.fromkeys(("aac", "m4a", "m4b", "mp3"), 2) | dict.fromkeys(("oga", "ogg", "opus"), 1)
)
#: Of a file that does not tell, in kilobits a second: lossless ones and others.
_LOSSLESS_KBPS, _LOSSY_KBPS = 1000.0, 192.0
_LOSSLESS = frozenset({"aif", "aiff", "ape", "flac", "shn", "wav", "wv"})
#: Nominal bit rates are a little exceeded (128 is 129.5).
_RATE_TOLERANCE = 1.05
#: The picture of films whose sound alone is wanted: its size is of no use, but below this the sound is worse.
_FILM_FOR_SOUND_LINES = 480


def choose(work: Work, quality: Quality, *, format_: str | None = None) -> File:
    """The one file to fetch.

    Args:
        work: With at least one open file.
        quality: The most that is wanted.
        format_: A file's name, or a format in the site's words, that replaces our choice.

    Raises:
        FormatNotFound: There is no such format, which the hint lists, or no picture where one is wanted.
    """
    files = work.open_files
    if format_ is not None:
        return _named(files, format_)
    films = [file for file in files if file.is_film]
    sounds = [file for file in files if file.is_sound]
    if quality.kind is Kind.VIDEO and not films:
        raise FormatNotFound("there is only sound", hint="Ask for audio, or leave the kind out.")
    if quality.kind is Kind.AUDIO or not films:
        return (
            _best_sound(sounds, quality.max_audio_kbps)
            if sounds
            else _best_film(films, _FILM_FOR_SOUND_LINES)
        )
    return _best_film(films, quality.max_lines)


def _best_film(films: Sequence[File], max_lines: int | None) -> File:
    if max_lines is None:
        return max(
            films,
            key=lambda f: (_is_playable(f), f.is_original, _is_h264(f), f.lines or 0, f.size_bytes or 0),
        )
    # A file that does not tell its height may exceed the bound.
    known = [f for f in films if f.lines is not None]
    fitting = [f for f in known if f.lines is not None and f.lines <= max_lines]
    if fitting:
        return max(fitting, key=lambda f: (_is_playable(f), f.lines or 0, f.is_original, f.size_bytes or 0))
    unknown = [f for f in films if f.lines is None]
    if unknown:
        return max(
            unknown, key=lambda f: (_is_playable(f), not f.is_original, _is_h264(f), f.size_bytes or 0)
        )
    return min(known, key=lambda f: (not _is_playable(f), f.lines or 0, f.size_bytes or 0))


def _best_sound(sounds: Sequence[File], max_kbps: int | None) -> File:
    """The best within the bound; when all exceed it the smallest, which is converted later."""
    if max_kbps is None:
        within = sounds
    else:
        within = [f for f in sounds if _kbps(f) <= max_kbps * _RATE_TOLERANCE]
        if not within:
            return min(sounds, key=lambda f: (_tier(f) == 0, _kbps(f)))
    return max(within, key=lambda f: (_tier(f), f.is_original, _kbps(f)))


def _named(files: Sequence[File], wanted: str) -> File:
    for file in files:
        if wanted == file.name or wanted.casefold() == file.format.casefold():
            return file
    offered = "; ".join(dict.fromkeys(file.format or file.name for file in files))
    raise FormatNotFound(f"there is no format {wanted[:60]!r}", hint=f"Offered are: {offered}.")


def _is_playable(file: File) -> bool:
    return file.extension in _PLAYABLE_FILMS


def _is_h264(file: File) -> bool:
    """The site's older MP4 (`512Kb MPEG4`) is much smaller."""
    return file.format.lower().startswith("h.264")


def _tier(file: File) -> int:
    return _SOUND_TIERS.get(file.extension, 0)


def _kbps(file: File) -> float:
    return file.bitrate_kbps or (_LOSSLESS_KBPS if file.extension in _LOSSLESS else _LOSSY_KBPS)
