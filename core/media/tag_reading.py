"""What a file says of itself: the other way of `core.media.tags`. Runs in the process that may crash.

Whoever made the file wrote this: it is cut, and trusted in nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.media.libav import open_media

MAX_CHARS = 500
#: libav's names for one thing, the likeliest first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "artist": ("artist", "album_artist", "author", "performer", "composer"),
    "album": ("album", "show"),
    "date": ("date", "year"),
}
#: Where downloaders leave the page that a file came from.
_LINKS = ("purl", "comment", "url", "website", "synopsis")
_TRACK = re.compile(r"\s*(\d{1,6})", re.ASCII)
_DATE = re.compile(r"(\d{4})-?(\d{2})?-?(\d{2})?", re.ASCII)
_LINK = re.compile(r"https?://\S{4,2000}", re.ASCII)


def read_tags(path: Path) -> dict[str, Any]:
    """The fields of `core.domain.media.Tags` that are there."""
    with open_media(path) as container:
        # Ogg and Opus keep them with the stream.
        every = [dict(stream.metadata) for stream in container.streams] + [dict(container.metadata)]
    told = {str(name).lower(): str(value) for some in every for name, value in some.items()}
    found: dict[str, Any] = {name: _first(told, names) for name, names in _NAMES.items()}
    track = _TRACK.match(told.get("track", ""))
    links = (_LINK.fullmatch(told.get(name, "").strip()) for name in _LINKS)
    found |= {
        "date": _date(found["date"]),
        "track_number": int(track[1]) if track else None,
        "source_url": next((link[0] for link in links if link), None),
    }
    return {name: value for name, value in found.items() if value}


def _first(told: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    texts = (" ".join(told.get(name, "").split())[:MAX_CHARS] for name in names)
    return next(filter(None, texts), None)


def _date(text: str | None) -> str | None:
    """`2024`, `2024-05` or `2024-05-31`; downloaders also write `20240531`."""
    date = _DATE.match(text or "")
    return "-".join(filter(None, date.groups())) if date else None
