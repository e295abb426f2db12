"""What is known of an unfinished file when its transfer goes on: the content of its note. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit

from core.domain.media import Track
from core.net.hls.playlist import MediaPlaylist
from core.net.transfer.ranges import Ranges
from core.net.transfer.version import Version


def source_hash(track: Track) -> str:
    """Names what is fetched.

    Host, folder and query are left out, because signed links get new ones each time they are resolved;
    validator and size prove that it is still the same file.
    """
    name = PurePosixPath(urlsplit(track.url).path).name
    named = f"{name}\n{track.format_id or ''}\n{track.role}"
    return hashlib.sha256(named.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class FileNote:
    """What a note says about a ranged download."""

    version: Version
    done: Ranges

    @classmethod
    def read(cls, note: Mapping[str, Any] | None, track: Track, *, size_bytes: int) -> Self | None:
        """Understand *note*, for a part of *size_bytes*; None when it is damaged or about something else."""
        if note is None or note.get("source") != source_hash(track):
            return None
        try:
            version = Version(str(note["validator"]), int(note["total"]), bool(note["is_page"]))
            done = Ranges((int(start), int(end)) for start, end in note["done"])
        except (KeyError, TypeError, ValueError):
            return None
        ends = [end for _, end in done]
        starts = [start for start, _ in done]
        if version.total is None or min(starts, default=0) < 0:
            return None
        return cls(version, done) if max(ends, default=0) <= min(version.total, size_bytes) else None

    def write(self, track: Track) -> dict[str, Any] | None:
        """The note, None when the server gave nothing by which to know the version again."""
        version = self.version
        if version.validator is None or version.total is None:
            return None
        return {
            "source": source_hash(track),
            "validator": version.validator,
            "total": version.total,
            "is_page": version.is_page,
            "done": [list(known) for known in self.done],
        }


def playlist_hash(playlist: MediaPlaylist) -> str:
    """Names the segments exactly."""
    digest = hashlib.sha256()
    for segment in playlist.segments:
        digest.update(f"{segment.url} {segment.byterange} {segment.init} {segment.key}\n".encode())
    return digest.hexdigest()


def playlist_shape(playlist: MediaPlaylist) -> str:
    """Names the segments as far as they are the same after a signed playlist was resolved again.

    Equal shapes are likely, not certain, to mean equal content.
    """
    digest = hashlib.sha256()
    for segment in playlist.segments:
        name = PurePosixPath(urlsplit(segment.url).path).name
        is_encrypted = segment.key is not None
        digest.update(f"{name} {segment.byterange} {segment.duration_s:.3f} {is_encrypted}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class HlsNote:
    """What a note says about an HLS download."""

    playlist: str
    shape: str
    #: Segments that are written.
    segments: int
    #: Where the next one goes.
    offset: int
    #: Where the last one begins.
    last_start: int

    @classmethod
    def read(cls, note: Mapping[str, Any] | None, *, size_bytes: int) -> Self | None:
        """Understand *note*, for a part of *size_bytes*; None when it is damaged."""
        if note is None:
            return None
        try:
            read = cls(
                str(note["playlist"]),
                str(note["shape"]),
                int(note["segments"]),
                int(note["offset"]),
                int(note["last_start"]),
            )
        except (KeyError, TypeError, ValueError):
            return None
        is_sound = read.segments > 0 and 0 <= read.last_start <= read.offset <= size_bytes
        return read if is_sound else None
