"""Reads HLS playlists (RFC 8216 and its successor draft). Pure: nothing is fetched.

m3u8 does the lines, within bounds: only tags that matter reach it; keys and init sections are read here,
because m3u8 compares every key with every other and forgets which key an init section had; and what it
overlooks in silence (no playlist at all, an address without a duration, a range without a start) is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import m3u8

from core.domain.errors import ParserFailure, ProtectedContent
from core.net.hls.playlist import (
    ByteRange,
    InitSection,
    MasterPlaylist,
    MediaPlaylist,
    Rendition,
    Segment,
    SegmentKey,
    Variant,
)

MAX_SEGMENTS = 200_000
MAX_PLAYLIST_CHARS = 20 * 2**20
_MAX_VARIANTS = 5_000
_MAX_LINES = 10 * MAX_SEGMENTS
#: Tags that m3u8 gets to see; the others change nothing for a download, and some of them it fails on.
_TAGS_FOR_M3U8 = frozenset(
    {
        "#EXTM3U",
        "#EXTINF",
        "#EXT-X-BYTERANGE",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-ENDLIST",
        "#EXT-X-GAP",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-MEDIA",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-STREAM-INF",
    }
)
#: Line ends of Python that are none in a playlist (RFC 8216 §4.1): m3u8 would split titles there.
_FALSE_LINE_ENDS = re.compile("[\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
_ATTRIBUTE = re.compile(r'\s*([A-Z0-9-]+)\s*=\s*("[^"]*"|[^,]*)\s*(?:,|$)')
_BYTERANGE = re.compile(r"(\d{1,18})(?:@(\d{1,18}))?")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:\?[A-Za-z0-9._~=&%+-]+)?")
#: What `quote` leaves alone: everything that may stand in a URL, and what is quoted already.
_SAFE = "%!$&'()*+,/:;=?@[]~|"


def parse_playlist(text: str, url: str) -> MasterPlaylist | MediaPlaylist:
    """Parse *text*, which came from *url* (after redirects; relative addresses are joined to it).

    A list of 10,000 segments takes about 0.1 s: give long texts to a thread.

    Raises:
        ParserFailure: It is no playlist, breaks the rules, or is too large.
        ProtectedContent: It is encrypted with anything but plain AES-128.
    """
    lines = _checked_lines(text)
    try:
        data: Mapping[str, Any] = m3u8.parse("\n".join(lines), custom_tags_parser=_read_tag)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ParserFailure("a tag of the playlist is malformed") from error
    segments, playlists = data["segments"], data["playlists"]
    addresses = sum(1 for line in lines if line and line[0] != "#")
    if addresses != len(segments) + len(playlists) or (segments and playlists):
        raise ParserFailure("the playlist has addresses without a description, or descriptions without one")
    if data["is_variant"] or data["media"]:
        return _master(data, url)
    return _media(data, url)


def _checked_lines(text: str) -> list[str]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not re.match(r"\s*#EXTM3U(\s|$)", text):
        raise ParserFailure("this is no playlist: #EXTM3U is missing")
    if len(text) > MAX_PLAYLIST_CHARS or text.count("\n") > _MAX_LINES:
        raise ParserFailure("the playlist is too large")
    return [line.strip() for line in _FALSE_LINE_ENDS.sub(" ", text).split("\n")]


def _read_tag(line: str, _lineno: int, data: dict[str, Any], state: dict[str, Any]) -> bool:
    """See each tag before m3u8 does; True keeps it from m3u8."""
    if len(data["segments"]) >= MAX_SEGMENTS:
        raise ParserFailure(f"the playlist has more than {MAX_SEGMENTS} segments")
    if len(data["playlists"]) + len(data["media"]) >= _MAX_VARIANTS:
        raise ParserFailure(f"the playlist offers more than {_MAX_VARIANTS} encodings")
    tag, _, value = line.partition(":")
    match tag.rstrip():
        case "#EXT-X-KEY":
            _read_key(_attributes(value), state)
        case "#EXT-X-MAP":
            # An init section is encrypted with the key that is in force where it stands (RFC 8216 §4.3.2.5).
            state["current_segment_map"] = {**_attributes(value), "key": state.get("current_key")}
        case "#EXT-X-TARGETDURATION":
            # A whole number by the rules; servers of short segments write fractions all the same.
            data["target_s"] = _seconds(value)
        case "#EXT-X-DEFINE" | "#EXT-X-SKIP":
            raise ParserFailure(f"playlists with {tag} are not supported")
        case name:
            return name not in _TAGS_FOR_M3U8
    return True


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < math.inf else 0.0


def _read_key(key: dict[str, str], state: dict[str, Any]) -> None:
    """Keys of several systems may stand side by side; one that we can use is enough (RFC 8216 §4.3.2.4)."""
    if key.get("METHOD") == "NONE":
        state["keys"], state["current_key"] = {}, None
        return
    keys = state.setdefault("keys", {})
    keys[key.get("KEYFORMAT", "identity")] = key
    state["current_key"] = keys.get("identity", key)


def _attributes(text: str) -> dict[str, str]:
    """An attribute list (RFC 8216 §4.2), quotes taken off."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None or match.end() == position:
            raise ParserFailure("an attribute list of the playlist is malformed")
        found[match[1]] = match[2].strip().strip('"')
        position = match.end()
    return found


def _address(base: str, uri: str | None) -> str:
    if not uri:
        raise ParserFailure("the playlist leaves out an address")
    # Nearly all are names beside the playlist: there is nothing in them to resolve or to escape.
    return _folder(base) + uri if _PLAIN_NAME.fullmatch(uri) else _resolved(base, uri)


@lru_cache(maxsize=64)
def _folder(base: str) -> str:
    return _resolved(base, "x")[:-1]


def _resolved(base: str, uri: str) -> str:
    try:
        url = urljoin(base, uri)
        parts = urlsplit(url)
    except ValueError as error:
        raise ParserFailure("an address in the playlist is malformed") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ParserFailure("the playlist leads to an address that is not http(s)")
    return parts._replace(
        path=quote(parts.path, _SAFE), query=quote(parts.query, _SAFE), fragment=""
    ).geturl()


def _media(data: Mapping[str, Any], url: str) -> MediaPlaylist:
    if data["is_i_frames_only"]:
        raise ParserFailure("the playlist holds still pictures only")
    first_sequence = data["media_sequence"] or 0
    reader = _SegmentReader(url, first_sequence)
    segments = tuple(reader.read(index, raw) for index, raw in enumerate(data["segments"]))
    is_over = data["is_endlist"] or data["playlist_type"] == "vod"
    return MediaPlaylist(
        url,
        segments,
        is_live=not is_over,
        first_sequence=first_sequence,
        target_s=data.get("target_s", 0.0),
    )


class _SegmentReader:
    """Turns what m3u8 collected about each segment into values, remembering what reaches over several."""

    def __init__(self, url: str, first_sequence: int) -> None:
        self._url = url
        self._first_sequence = first_sequence
        self._range_ends: dict[str, int] = {}
        self._last_init: tuple[Mapping[str, Any], InitSection] | None = None

    def read(self, index: int, raw: Mapping[str, Any]) -> Segment:
        duration_s = raw.get("duration")
        if duration_s is None or not 0 <= duration_s < math.inf:
            raise ParserFailure(f"segment {index} has no usable duration")
        url = _address(self._url, raw.get("uri"))
        return Segment(
            url=url,
            duration_s=duration_s,
            byterange=self._byterange(url, raw.get("byterange"), index),
            key=self._key(raw.get("key"), self._first_sequence + index),
            init=self._init(raw.get("init_section"), self._first_sequence + index),
            is_gap=bool(raw.get("gap_tag")),
        )

    def _byterange(self, url: str, text: str | None, index: int) -> ByteRange | None:
        if text is None:
            return None
        length, start = _parse_byterange(text)
        if start is None:
            # It goes on where the range before ended (RFC 8216 §4.3.2.2).
            start = self._range_ends.get(url)
            if start is None:
                raise ParserFailure(f"the byte range of segment {index} has no beginning")
        self._range_ends = {url: start + length}
        return ByteRange(start, length)

    def _init(self, raw: Mapping[str, Any] | None, sequence: int) -> InitSection | None:
        if raw is None:
            return None
        if self._last_init is None or self._last_init[0] is not raw:
            byterange = None
            if text := raw.get("BYTERANGE"):
                length, start = _parse_byterange(text)
                byterange = ByteRange(start or 0, length)
            section = InitSection(
                _address(self._url, raw.get("URI")), byterange, self._key(raw["key"], sequence)
            )
            self._last_init = (raw, section)
        return self._last_init[1]

    def _key(self, raw: Mapping[str, str] | None, sequence: int) -> SegmentKey | None:
        if raw is None:
            return None
        if raw.get("METHOD") != "AES-128" or raw.get("KEYFORMAT", "identity") != "identity":
            raise ProtectedContent("the segments are encrypted for licensed players only")
        iv = sequence.to_bytes(16, "big")
        if text := raw.get("IV"):
            digits = text.lower().removeprefix("0x")
            if not re.fullmatch("[0-9a-f]{1,32}", digits):
                raise ParserFailure("the playlist has a malformed IV")
            iv = int(digits, 16).to_bytes(16, "big")
        return SegmentKey(_address(self._url, raw.get("URI")), iv)


def _parse_byterange(text: str) -> tuple[int, int | None]:
    match = _BYTERANGE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ParserFailure("the playlist has a malformed byte range")
    return int(match[1]), int(match[2]) if match[2] else None


def _master(data: Mapping[str, Any], url: str) -> MasterPlaylist:
    variants = tuple(_variant(raw, url) for raw in data["playlists"])
    if not variants:
        raise ParserFailure("the playlist offers nothing to choose from")
    return MasterPlaylist(url, variants, tuple(_renditions(data["media"], url)))


def _variant(raw: Mapping[str, Any], url: str) -> Variant:
    facts = raw["stream_info"]
    size = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", facts.get("resolution", ""))
    return Variant(
        url=_address(url, raw["uri"]),
        bandwidth_bps=facts.get("bandwidth", 0),
        height=min(int(size[1]), int(size[2])) if size else None,
        fps=facts.get("frame_rate"),
        codecs=facts.get("codecs", ""),
        audio_group=facts.get("audio"),
    )


def _renditions(media: Iterable[Mapping[str, str]], url: str) -> Iterable[Rendition]:
    for raw in media:
        if raw.get("type") == "AUDIO":
            yield Rendition(
                group=raw.get("group_id", ""),
                name=raw.get("name", ""),
                language=raw.get("language"),
                url=_address(url, raw["uri"]) if raw.get("uri") else None,
                is_default=raw.get("default") == "YES",
                is_autoselect=raw.get("autoselect") == "YES",
            )
