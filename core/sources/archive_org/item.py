"""What archive.org's metadata API says about an item, as values of ours. Pure; all of it is remote text.

The answer of `GET /metadata/IDENTIFIER` (https://archive.org/developers/md-read.html) is one JSON object with
`metadata` (of the item; a field that is given twice is a list) and `files`. A file has a `name`, which may
hold folders, a `format` in words, a `source` (`original`, `derivative` or `metadata`), for derivatives the
`original` they were made from, and mostly `size`, `md5`, `sha1` and `length`. Numbers are strings. An item
that does not exist is `{}`, one that was taken down has `is_dark`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, split, splitext
from typing import Any, TypeGuard

from core.domain.errors import HttpFailure, NotFound, ParserFailure
from core.sources.archive_org.fields import (
    date_of,
    is_set,
    leading_number,
    natural,
    seconds,
    text_of,
    texts_of,
    whole,
)

FILM_EXTENSIONS = frozenset(
    {
        "3gp",
        "asf",
        "avi",
        "divx",
        "flv",
        "m4v",
        "mkv",
        "mov",
        "mp4",
        "mpeg",
        "mpg",
        "ogv",
        "vob",
        "webm",
        "wmv",
    }
)
SOUND_EXTENSIONS = frozenset(
    {"aac", "ac3", "aif", "aiff", "ape", "flac", "m4a", "m4b", "mka", "mp2", "mp3", "oga", "ogg", "opus"}
    | {"shn", "wav", "wma", "wv"}
)

#: Encoded, as many still fit into a link.
_MAX_NAME_CHARS = 1000
_DIGESTS = (("sha1", re.compile(r"[0-9a-fA-F]{40}")), ("md5", re.compile(r"[0-9a-fA-F]{32}")))
_FORMAT_RATE = re.compile(r"(\d{2,4})Kbps", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of an item."""

    name: str
    #: In the site's words (`VBR MP3`, `h.264`); empty when it does not say.
    format: str
    #: Name of the file that this one was made from; its own when it was uploaded.
    original: str
    #: Only its owner and the site may have it.
    is_private: bool = False
    size_bytes: int | None = None
    duration_s: float | None = None
    #: The picture's shorter side.
    lines: int | None = None
    bitrate_kbps: float | None = None
    #: `algorithm:hex`.
    checksum: str | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    track_number: int | None = None
    disc_number: int | None = None

    @property
    def extension(self) -> str:
        """In lower case, without the dot."""
        return splitext(self.name)[1].lower()[1:]

    @property
    def is_original(self) -> bool:
        """Uploaded, not made by the site."""
        return self.original == self.name

    @property
    def is_film(self) -> bool:
        """By its name, or where the name is of either kind by its format."""
        return self.extension in FILM_EXTENSIONS or (
            self.extension == "ogg" and "video" in self.format.lower()
        )

    @property
    def is_sound(self) -> bool:
        """As `is_film`."""
        return self.extension in SOUND_EXTENSIONS and not self.is_film


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One film or recording: what was uploaded and what the site made of it."""

    #: Of the uploaded file, which the site's own links name too.
    name: str
    #: What can be seen or heard of it, the uploaded ones first.
    files: tuple[File, ...]
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    disc_number: int | None = None
    track_number: int | None = None
    duration_s: float | None = None

    @property
    def stem(self) -> str:
        """The name for people when there is no title."""
        return splitext(basename(self.name))[0]

    @property
    def has_film(self) -> bool:
        """Whether there is a picture that anybody may have."""
        return any(file.is_film for file in self.open_files)

    @property
    def open_files(self) -> tuple[File, ...]:
        """Those that anybody may have."""
        return tuple(file for file in self.files if not file.is_private)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What an identifier names."""

    identifier: str
    title: str | None
    artist: str | None
    #: `YYYY-MM-DD` or `YYYY`.
    date: str | None
    #: In the site's words (`movies`, `audio`, `texts`, `collection`); empty when it does not say.
    mediatype: str
    #: Lent, or shown to some people only.
    is_restricted: bool
    #: Played on the site, never given away.
    is_stream_only: bool
    #: In playing order.
    works: tuple[Work, ...]


def parse_item(text: str, identifier: str) -> Item:
    """Read an answer of the metadata API.

    Raises:
        NotFound: There is no such item, or it was taken down.
        HttpFailure: The disks that hold it are away.
        ParserFailure: The answer has another shape; says what was missing.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParserFailure("the metadata of the item is no JSON") from error
    if not isinstance(answer, dict):
        raise ParserFailure("the metadata of the item is no JSON object")
    if not answer:
        raise NotFound(f"archive.org has no item {identifier}")
    if is_set(answer.get("is_dark")):
        raise NotFound("archive.org has taken the item down", hint="Nobody can have it any more.")
    about, files = answer.get("metadata"), answer.get("files")
    if files is None and is_set(answer.get("servers_unavailable")):
        raise HttpFailure("the servers that hold the item are away for now", remote_status=503)
    if not isinstance(about, dict):
        raise ParserFailure("the answer about the item has no `metadata`")
    if not isinstance(files, list):
        raise ParserFailure("the answer about the item has no list of `files`")
    named = [entry for entry in files if isinstance(entry, dict) and text_of(entry.get("name"))]
    if files and not named:
        raise ParserFailure("no entry of the item's `files` has a `name`")
    collections = about.get("collection")
    return Item(
        identifier=identifier,
        title=text_of(about.get("title")),
        artist=texts_of(about.get("creator")),
        date=date_of(about.get("date")) or date_of(about.get("year")),
        mediatype=text_of(about.get("mediatype")) or "",
        is_restricted=is_set(about.get("access-restricted-item")),
        is_stream_only="stream_only" in (collections if isinstance(collections, list) else [collections]),
        works=_works(named),
    )


def _works(entries: Sequence[Mapping[str, Any]]) -> tuple[Work, ...]:
    """The media among the files, each with what was made from it, in playing order.

    Uploads that differ in their extension only are one thing in several formats.
    """
    made_from = {str(entry["name"]): entry.get("original") for entry in entries}
    groups: dict[str, list[File]] = {}
    for entry in entries:
        file = _file(entry, _root(str(entry["name"]), made_from)) if _is_usable(entry) else None
        if file is not None and (file.is_film or file.is_sound):
            groups.setdefault(splitext(file.original)[0], []).append(file)
    return tuple(sorted(map(_work, groups.values()), key=_order))


def _work(files: list[File]) -> Work:
    """What *files* are forms of; the uploaded ones tell about it first."""
    files.sort(key=lambda file: not file.is_original)
    return Work(
        name=files[0].original,
        files=tuple(files),
        title=next((file.title for file in files if file.title), None),
        artist=next((file.artist for file in files if file.artist), None),
        album=next((file.album for file in files if file.album), None),
        disc_number=next((file.disc_number for file in files if file.disc_number is not None), None),
        track_number=next((file.track_number for file in files if file.track_number is not None), None),
        duration_s=next((file.duration_s for file in files if file.duration_s), None),
    )


def _order(work: Work) -> tuple[Any, ...]:
    """By folder, disc and track, else by name as people sort names."""
    folder, name = split(work.name)
    track = math.inf if work.track_number is None else work.track_number
    return natural(folder), work.disc_number or 0, track, natural(name)


def _root(name: str, made_from: Mapping[str, Any]) -> str:
    """The upload at the beginning of a chain of derivatives."""
    seen = {name}
    while _is_path(parent := made_from.get(name)) and parent not in seen:
        seen.add(parent)
        name = parent
    return name


def _is_usable(entry: Mapping[str, Any]) -> bool:
    return entry.get("source") != "metadata" and _is_path(entry["name"])


def _is_path(name: Any) -> TypeGuard[str]:
    """Whether a name can be part of an address: clean segments, nothing that leads out of the item."""
    return (
        isinstance(name, str)
        and len(name) <= _MAX_NAME_CHARS
        and not any(segment in {"", ".", ".."} for segment in name.split("/"))
        and not any(0xD800 <= ord(char) < 0xE000 for char in name)
    )


def _file(entry: Mapping[str, Any], original: str) -> File:
    size, duration_s = whole(entry.get("size")), seconds(entry.get("length"))
    format_ = text_of(entry.get("format")) or ""
    sides = [side for side in (whole(entry.get("width")), whole(entry.get("height"))) if side]
    return File(
        name=entry["name"],
        format=format_,
        original=original,
        is_private=is_set(entry.get("private")),
        size_bytes=size,
        duration_s=duration_s,
        lines=min(sides) if len(sides) == 2 else None,
        bitrate_kbps=_rate(seconds(entry.get("bitrate")), format_, size, duration_s),
        checksum=_checksum(entry),
        title=text_of(entry.get("title")),
        artist=texts_of(entry.get("artist")) or texts_of(entry.get("creator")),
        album=text_of(entry.get("album")),
        track_number=leading_number(entry.get("track")),
        disc_number=leading_number(entry.get("disc")),
    )


def _rate(stated: float | None, format_: str, size: int | None, duration_s: float | None) -> float | None:
    """Kilobits a second, as stated, as named (`64Kbps MP3`) or as the size tells."""
    if stated:
        return stated
    if named := _FORMAT_RATE.match(format_):
        return float(named[1])
    return size * 8 / 1000 / duration_s if size and duration_s else None


def _checksum(entry: Mapping[str, Any]) -> str | None:
    for algorithm, form in _DIGESTS:
        digest = entry.get(algorithm)
        if isinstance(digest, str) and form.fullmatch(digest):
            return f"{algorithm}:{digest.lower()}"
    return None
