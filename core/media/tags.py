"""Titles and the like inside files, in the forms that players read.

Texts come from outside: they are normalised (Unicode NFC, white space folded, control characters and forced
writing directions removed) and cut, never trusted.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
import re
import shutil
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.domain.errors import DiskFull, MediaFailure
from core.domain.media import Tags

#: Players cut far earlier; some refuse a file with a tag of megabytes.
MAX_CHARS = 500

_DATE = re.compile(r"\d{4}(-\d{2}-\d{2})?")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: Embeddings, overrides and isolates; the plain marks (LRM, RLM, ALM) belong to Arabic and Hebrew spelling.
_FORCED_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG"


def normalised(tags: Tags) -> dict[str, str]:
    """The tags that are there, fit to be written: `title artist album track date comment`, as ffmpeg says."""
    date = (tags.date or "").strip()
    texts = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "track": str(tags.track_number) if tags.track_number and tags.track_number > 0 else None,
        "date": date if _DATE.fullmatch(date) else None,
        "comment": tags.source_url,
    }
    return {name: text for name, value in texts.items() if value and (text := _folded(value))}


async def write_tags(path: Path, tags: Tags, cover: bytes | None = None) -> bool:
    """Add tags, and a JPEG or PNG as cover, to an M4A, MP4 or MP3 file; other tags in it stay.

    The file is replaced whole by its changed copy, so that a crash leaves one of the two.

    Returns:
        Whether it was done; other kinds of files are left alone.

    Raises:
        MediaFailure: The file is damaged.
        DiskFull: There is no room for the copy.
    """
    return await asyncio.to_thread(_replace_blocking, path, tags, cover)


def _replace_blocking(path: Path, tags: Tags, cover: bytes | None) -> bool:
    copy = path.with_name(f"{path.name}.tags{path.suffix}")
    try:
        shutil.copyfile(path, copy)
        done = write_tags_blocking(copy, tags, cover)
        if done:
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
            copy.replace(path)
    except OSError as error:
        raise _translated(error, path) from error
    finally:
        copy.unlink(missing_ok=True)
    return done


def write_tags_blocking(path: Path, tags: Tags, cover: bytes | None = None) -> bool:
    """As `write_tags`, but in place: for a file that nobody relies on yet."""
    import mutagen  # noqa: PLC0415 -- slow to import, and needed late
    from mutagen.mp3 import MP3  # noqa: PLC0415
    from mutagen.mp4 import MP4  # noqa: PLC0415

    texts = normalised(tags)
    try:
        file = mutagen.File(path)
        if isinstance(file, MP4):
            _into_mp4(file, texts, cover)
        elif isinstance(file, MP3):
            _into_mp3(file, texts, cover)
        else:
            return False
        file.save()
    except (mutagen.MutagenError, OSError) as error:
        raise _translated(error, path) from error
    return True


def _into_mp4(file: Any, texts: Mapping[str, str], cover: bytes | None) -> None:
    mp4 = _untyped("mutagen.mp4")

    if file.tags is None:
        file.add_tags()
    names = {
        "title": "\xa9nam",
        "artist": "\xa9ART",
        "album": "\xa9alb",
        "date": "\xa9day",
        "comment": "\xa9cmt",
    }
    for name, atom in names.items():
        if name in texts:
            file.tags[atom] = [texts[name]]
    if "track" in texts:
        file.tags["trkn"] = [(int(texts["track"]), 0)]
    if cover and cover.startswith((_JPEG, _PNG)):
        form = mp4.MP4Cover.FORMAT_PNG if cover.startswith(_PNG) else mp4.MP4Cover.FORMAT_JPEG
        file.tags["covr"] = [mp4.MP4Cover(cover, form)]


def _into_mp3(file: Any, texts: Mapping[str, str], cover: bytes | None) -> None:
    id3 = _untyped("mutagen.id3")

    if file.tags is None:
        file.add_tags()
    names = {"title": id3.TIT2, "artist": id3.TPE1, "album": id3.TALB, "track": id3.TRCK, "date": id3.TDRC}
    for name, frame in names.items():
        if name in texts:
            file.tags.setall(frame.__name__, [frame(encoding=id3.Encoding.UTF8, text=texts[name])])
    if "comment" in texts:
        comment = id3.COMM(encoding=id3.Encoding.UTF8, lang="und", desc="", text=texts["comment"])
        file.tags.setall("COMM", [comment])
    if cover and cover.startswith((_JPEG, _PNG)):
        mime = "image/png" if cover.startswith(_PNG) else "image/jpeg"
        picture = id3.APIC(mime=mime, type=id3.PictureType.COVER_FRONT, desc="", data=cover)
        file.tags.setall("APIC", [picture])


def _untyped(module: str) -> Any:
    return importlib.import_module(module)  # mutagen has no types


def _folded(text: str) -> str:
    # Lone surrogates stand for bytes that are no UTF-8; no file can hold them.
    text = text[: 4 * MAX_CHARS].encode(errors="replace").decode()
    text = _FORCED_DIRECTION.sub("", unicodedata.normalize("NFC", text))
    visible = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
    return " ".join(visible.split())[:MAX_CHARS].rstrip()


def _translated(error: Exception, path: Path) -> DiskFull | MediaFailure:
    # mutagen wraps OSError and keeps it as its first argument.
    cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
    if isinstance(cause, OSError):
        if cause.errno in _FULL:
            return DiskFull(f"no room for the tags of {path.name}")
        return MediaFailure(f"{path.name} cannot be tagged: {cause.strerror}")
    return MediaFailure(f"{path.name} cannot be tagged: {error}")
