"""DASH formats as lists of segments, which our own transfer fetches: it can go on after a stop. Pure.

yt-dlp's own fragment downloads cannot: what they have joined and their note of it are written in two steps,
and after a kill in between one fragment would be joined twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from core.net.hls.playlist import MediaPlaylist, Segment
from core.sources.ytdlp.formats import Format

PROTOCOL = "http_dash_segments"


def segment_list(format_: Format) -> MediaPlaylist | None:
    """The segments of a format, its init section the first of them; None when it has no such list."""
    fragments = format_.get("fragments")
    if format_.get("protocol") != PROTOCOL or not isinstance(fragments, list) or not fragments:
        return None
    query = format_.get("extra_param_to_segment_url")
    segments = []
    for fragment in fragments:
        url = _address(fragment, format_)
        if url is None:
            return None
        segments.append(
            Segment(
                url=_with_query(url, query) if query else url,
                duration_s=float(fragment.get("duration") or 0.0),
                byterange=None,
                key=None,
                init=None,
            )
        )
    return MediaPlaylist(format_["url"], tuple(segments), is_live=False)


def _address(fragment: Mapping[str, Any], format_: Format) -> str | None:
    if fragment.get("url"):
        return str(fragment["url"])
    base, path = format_.get("fragment_base_url"), fragment.get("path")
    return urljoin(base, path) if base and path else None


def _with_query(url: str, query: str) -> str:
    """*url* with parameters that replace its own of the same names."""
    parts = urlsplit(url)
    more = dict(parse_qsl(query))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in more]
    return urlunsplit(parts._replace(query=urlencode([*kept, *more.items()])))
