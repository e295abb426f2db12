"""Titles and the like inside files, in the forms that players read.

Texts come from outside: they are normalised and cut (`core.media.words`), never trusted.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.domain.errors import DiskFull, MediaFailure
from core.domain.media import Tags
from core.media.chapters import spans
from core.media.words import folded

_DATE = re.compile(r"\d{4}(-\d{2}-\d{2})?")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: A byte offset of a chapter that is not told; its times are.
_UNUSED = 0xFFFFFFFF
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG"


def normalised(tags: Tags) -> dict[str, str]:
    """The tags that are there, fit to be written, by ffmpeg's names for them."""
    date = (tags.date or "").strip()
    texts = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "track": str(tags.track_number) if tags.track_number and tags.track_number > 0 else None,
        "date": date if _DATE.fullmatch(date) else None,
        "comment": tags.source_url,
        "description": f"With {tags.performers}" if tags.performers else None,
    }
    return {name: text for name, value in texts.items() if value and (text := folded(value))}


async def write_tags(path: Path, tags: Tags, cover: bytes | None = None) -> bool:
    """Add tags, and a JPEG or PNG as cover, to an M4A, MP4 or MP3 file; other tags in it stay.

    Chapters are added to MP3 only: in MP4 they are a stream of their own, which ffmpeg writes.

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
            _chapters_into_mp3(file, tags)
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
        "description": "desc",
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
    if "description" in texts:
        description = id3.TXXX(encoding=id3.Encoding.UTF8, desc="description", text=texts["description"])
        file.tags.setall("TXXX:description", [description])
    if "comment" in texts:
        comment = id3.COMM(encoding=id3.Encoding.UTF8, lang="und", desc="", text=texts["comment"])
        file.tags.setall("COMM", [comment])
    if cover and cover.startswith((_JPEG, _PNG)):
        mime = "image/png" if cover.startswith(_PNG) else "image/jpeg"
        picture = id3.APIC(mime=mime, type=id3.PictureType.COVER_FRONT, desc="", data=cover)
        file.tags.setall("APIC", [picture])


def _chapters_into_mp3(file: Any, tags: Tags) -> None:
    """As ID3v2 Chapter Frame Addendum 1.0 says: a frame for each, and a table that orders them."""
    id3 = _untyped("mutagen.id3")

    chapters = spans(tags.chapters, file.info.length)
    if not chapters:
        return
    file.tags.delall("CHAP")
    file.tags.delall("CTOC")
    names = [f"chp{number}" for number in range(len(chapters))]
    for name, chapter in zip(names, chapters, strict=True):
        title = id3.TIT2(encoding=id3.Encoding.UTF8, text=chapter.title)
        frame = id3.CHAP(
            element_id=name,
            start_time=chapter.start_ms,
            end_time=chapter.end_ms,
            start_offset=_UNUSED,
            end_offset=_UNUSED,
            sub_frames=[title],
        )
        file.tags.add(frame)
    flags = id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    file.tags.add(id3.CTOC(element_id="toc", flags=flags, child_element_ids=names, sub_frames=[]))


def _untyped(module: str) -> Any:
    return importlib.import_module(module)  # mutagen has no types


def _translated(error: Exception, path: Path) -> DiskFull | MediaFailure:
    # mutagen wraps OSError and keeps it as its first argument.
    cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
    if isinstance(cause, OSError):
        if cause.errno in _FULL:
            return DiskFull(f"no room for the tags of {path.name}")
        return MediaFailure(f"{path.name} cannot be tagged: {cause.strerror}")
    return MediaFailure(f"{path.name} cannot be tagged: {error}")
