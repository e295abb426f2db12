"""Text that lists links: M3U and PLS playlists, `text/uri-list`, whatever people put into a file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin

from core.domain.errors import InvalidRequest
from core.domain.media import Entry
from core.links.find import find_links
from core.links.normalise import normalise

#: Lists are read up to this size …
MAX_LIST_BYTES = 4 * 2**20
#: … and this number of links.
MAX_ENTRIES = 5000

#: What servers call text in which links are looked for; other text (programs, styles, data) is none of ours.
_PLAIN_TYPES = frozenset(
    {"", "text/plain", "text/markdown", "text/uri-list", "application/octet-stream", "binary/octet-stream"}
)
#: Bytes that no text holds.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: Manifests, feeds and pages; a link in angle brackets is none of these.
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?!https?://)", re.IGNORECASE)
_JSON = re.compile(r"\s*[\[{]\s*[\"\[{]")
_HLS_TAG = re.compile(r"^#EXT-X-", re.MULTILINE)
#: `#EXTINF:123 key="value",Artist - Title`
_EXTINF = re.compile(r"#EXTINF:\s*(?P<duration>-?[\d.]+)?(?:\"[^\"]*\"|[^,\"])*,(?P<title>.*)")
_PLS_LINE = re.compile(
    r"\s*(?P<name>File|Title|Length)(?P<number>\d{1,6})\s*=\s*(?P<value>.*)", re.IGNORECASE
)


def may_be_list(head: bytes, content_type: str) -> bool:
    """Whether a file that begins with *head*, and is no medium, may be a list of links."""
    if _NO_TEXT.search(head) or _MARKUP.match(head) or not head.strip():
        return False
    beginning = head.decode("utf-8", "replace")
    return content_type in _PLAIN_TYPES or _is_m3u(beginning) or _is_pls(beginning)


def is_hls(text: str) -> bool:
    """Whether a text that begins like a playlist is one of segments, not a list of media."""
    return _HLS_TAG.search(text) is not None


def parse_list(text: str, url: str) -> tuple[Entry, ...]:
    """The links in *text*, which came from *url*, in their order, each once, with what it says of them."""
    text = text.removeprefix("\ufeff")
    if _is_m3u(text):
        found = _m3u(text.splitlines())
    elif _is_pls(text):
        found = _pls(text.splitlines())
    elif _JSON.match(text):
        return ()
    else:
        found = (Entry(url=link) for link in find_links(text))
    own = normalise(url)
    entries: dict[str, Entry] = {}
    for entry in found:
        try:
            link = normalise(urljoin(url, entry.url))
        except (InvalidRequest, ValueError):
            continue  # the others are still worth having
        if link != own:
            entries.setdefault(link, Entry(url=link, title=entry.title, duration_s=entry.duration_s))
        if len(entries) == MAX_ENTRIES:
            break
    return tuple(entries.values())


def _is_m3u(text: str) -> bool:
    return text.removeprefix("\ufeff").startswith("#EXTM3U")


def _is_pls(text: str) -> bool:
    return text.removeprefix("\ufeff").lstrip()[:10].lower() == "[playlist]"


def _m3u(lines: Iterable[str]) -> Iterator[Entry]:
    title: str | None = None
    duration_s: float | None = None
    for line in map(str.strip, lines):
        if found := _EXTINF.match(line):
            title, duration_s = found["title"].strip() or None, _seconds(found["duration"])
        elif line and not line.startswith("#"):
            yield Entry(url=line, title=title, duration_s=duration_s)
            title = duration_s = None


def _pls(lines: Iterable[str]) -> Iterator[Entry]:
    items: dict[int, dict[str, str]] = {}
    for found in filter(None, map(_PLS_LINE.fullmatch, lines)):
        items.setdefault(int(found["number"]), {})[found["name"].lower()] = found["value"].strip()
    for _, item in sorted(items.items()):
        if item.get("file"):
            yield Entry(
                url=item["file"], title=item.get("title") or None, duration_s=_seconds(item.get("length"))
            )


def _seconds(text: str | None) -> float | None:
    """A duration; -1 and 0 stand for an unknown one."""
    try:
        value = float(text or 0)
    except ValueError:
        return None
    return value if value > 0 else None
