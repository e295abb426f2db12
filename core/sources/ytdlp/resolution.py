"""What yt-dlp says about a link as values of ours. Pure, but for the clock that callers hand in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.config.settings import Media
from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    InvalidRequest,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    UnsupportedSource,
)
from core.domain.job import Kind, Request
from core.domain.media import Chapter, Entry, Resolution, Role, Tags, Track, Transport
from core.links.identify import identify
from core.links.normalise import normalise
from core.net.hls.reading import MAX_SEGMENTS
from core.sources.quality import Quality
from core.sources.ytdlp.formats import Choice, choose, chosen_by_expression, formats_of, is_broadcast, track
from core.sources.ytdlp.offered import offered

Info = Mapping[str, Any]

_PLAYLISTS = frozenset({"playlist", "multi_video"})
#: Keys of a video that the worker needs to fetch a format without looking everything up again.
_NEEDED = (
    "id",
    "title",
    "ext",
    "extractor",
    "extractor_key",
    "webpage_url",
    "original_url",
    "duration",
    "_type",
)
#: Query parameters of media addresses that say until when they work.
_EXPIRY_PARAMETERS = ("expire", "expires", "exp", "Expires")
#: Extractors whose ids are made from addresses or the page's text.
_NAMELESS = frozenset({"", "generic", "html5mediaembed"})
#: Sites write what they like; this is a column with an index.
_LONGEST_ID = 150
#: In the ids of formats that hold half a minute of what a subscription gives (SoundCloud).
_SAMPLE = re.compile(r"(?:\b|_)preview(?:\b|_)")
#: A livestream is looked for again after this long at the earliest.
_SHORTEST_WAIT_S = 60.0


def resolution_of(
    source: str, info: Info, request: Request, quality: Quality, *, media: Media, now: float
) -> Resolution:
    """Tracks of a video, or entries of a playlist.

    What is live now is recorded from now on, as far back as the site's playlist reaches: whether a site keeps
    a recording is not known before the end.

    Args:
        source: Name of the source that asks.
        info: What the worker found.
        request: What for.
        quality: What `request` and the settings allow.
        media: Preferences among formats.
        now: Seconds since the epoch.

    Raises:
        AuthRequired: A sample is all that is given.
        NotYetAvailable: It is announced, being processed, or live in a form that cannot be recorded.
        JobError: Nothing of it can be fetched, or not as wanted; see `formats.choose`.
    """
    if info.get("_type") in _PLAYLISTS:
        return _playlist(source, info, request, quality, media=media, now=now)
    _require_begun(info, now)
    wanted = request.format or (chosen_by_expression(info) if media.prefer_format else None)
    choices = choose(info, quality, format_id=wanted, media=media)
    if wanted is None and any(_SAMPLE.search(str(choice.format.get("format_id"))) for choice in choices):
        raise AuthRequired("only a sample of it is given without a subscription")
    is_live = is_broadcast(info)
    # What a site calls the duration of a broadcast is how long it has run.
    duration_s = None if is_live else info.get("duration")
    tracks = tuple(track(choice, duration_s=duration_s, is_live=is_live) for choice in choices)
    return Resolution(
        source=source,
        media_id=media_id_of(info),
        title=info.get("title"),
        kind=_kind(choices[0]),
        duration_s=duration_s,
        tracks=tracks,
        tags=_tags(info),
        thumbnail_url=info.get("thumbnail"),
        expires=_expiry(tracks),
        formats=offered(info, choices, media=media, duration_s=duration_s),
        private=_private(info, choices),
    )


def available_at(info: Info, tracks: Iterable[Track]) -> float:
    """When the site lets all *tracks* be fetched, in seconds since the epoch; 0 when it does not say.

    Some do so only after an advertisement would have been shown.
    """
    chosen = {one.format_id for one in tracks}
    moments = [f.get("available_at") or 0.0 for f in formats_of(info) if f.get("format_id") in chosen]
    return max(moments, default=0.0)


def _playlist(
    source: str, info: Info, request: Request, quality: Quality, *, media: Media, now: float
) -> Resolution:
    """Links become entries. Videos that share the playlist's own page have no link to come back by."""
    own_links = {_link(info.get("webpage_url")), _link(request.url)}
    entries: list[Entry] = []
    embedded: list[Info] = []
    for item in filter(None, info.get("entries") or ()):
        link = _link(item.get("webpage_url") or item.get("url"))
        if link and link not in own_links:
            entries.append(_entry(item, link))
        elif item.get("_type", "video") == "video":
            embedded.append(item)
    if not entries and len(embedded) == 1:
        video = {**embedded[0], "_type": "video"}
        return resolution_of(source, video, request, quality, media=media, now=now)
    entries += _direct_entries(embedded, quality, media)
    if not entries:
        raise UnsupportedSource("the page lists nothing that can be fetched")
    return Resolution(
        source=source,
        media_id=media_id_of(info),
        title=info.get("title"),
        entries=tuple(entries),
        total_entries=_total(info, len(entries)),
        tags=_tags(info),
        thumbnail_url=info.get("thumbnail"),
    )


def is_announced(info: Info) -> bool:
    """Whether it is a broadcast or premiere that has not begun."""
    return info.get("live_status") == "is_upcoming"


def _require_begun(info: Info, now: float) -> None:
    if is_announced(info):
        begins = info.get("release_timestamp")
        raise NotYetAvailable(
            "it has not begun",
            retry_after_s=max(_SHORTEST_WAIT_S, begins - now) if isinstance(begins, int | float) else None,
        )
    if info.get("live_status") == "post_live":
        raise NotYetAvailable("it has ended, and the site is still processing it")


def _tags(info: Info) -> Tags:
    day = str(info.get("release_date") or info.get("upload_date") or "")
    return Tags(
        title=info.get("track") or info.get("title"),
        artist=info.get("artist") or info.get("uploader") or info.get("channel"),
        album=info.get("album") or info.get("series") or info.get("playlist_title"),
        track_number=info.get("track_number") or info.get("episode_number"),
        date=f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else None,
        source_url=info.get("webpage_url"),
        chapters=tuple(
            Chapter(start_s=chapter["start_time"], title=chapter["title"])
            for chapter in info.get("chapters") or ()
            if chapter.get("title") and chapter.get("start_time") is not None
        ),
    )


def _kind(choice: Choice) -> Kind:
    if choice.role is Role.AUDIO:
        return Kind.AUDIO
    # Without a codec's name it may be sound alone all the same.
    return Kind.VIDEO if choice.format.get("vcodec") else Kind.AUTO


def _private(info: Info, choices: Sequence[Choice]) -> dict[str, Any]:
    """The worker's information on what it must fetch itself; nothing when it need not."""
    formats = [dict(choice.format) for choice in choices if choice.transport is Transport.SOURCE]
    if any(len(format_.get("fragments") or ()) > MAX_SEGMENTS for format_ in formats):
        raise ParserFailure(f"more than {MAX_SEGMENTS} segments cannot be right")
    if not formats:
        return {}
    return {"info": {**{name: info[name] for name in _NEEDED if name in info}, "formats": formats}}


def _total(info: Info, found: int) -> int | None:
    """What the site says of a list's length, unless it is less than what was found."""
    told = info.get("playlist_count")
    return told if isinstance(told, int) and told >= found else None


def media_id_of(info: Info) -> str | None:
    """`platform:id` as `links.identify` writes it, so that all shapes of links to one thing meet.

    Where links tell nothing it is yt-dlp's own name of the extractor and its id, which are one thing's for
    good; only its guess at any page makes ids up.
    """
    if known := identify(info.get("webpage_url") or info.get("url") or ""):
        return f"{known.platform}:{known.media_id}"
    extractor = str(info.get("extractor_key") or info.get("ie_key") or "").lower()
    own_id = str(info.get("id") or "")
    is_a_name = extractor not in _NAMELESS and 0 < len(own_id) <= _LONGEST_ID
    return f"{extractor}:{own_id}" if is_a_name else None


def _entry(item: Info, link: str) -> Entry:
    return Entry(
        url=link, title=item.get("title"), media_id=media_id_of(item), duration_s=item.get("duration")
    )


def _direct_entries(videos: Sequence[Info], quality: Quality, media: Media) -> list[Entry]:
    """Videos without a page of their own, by the address of their best format that is one whole file."""
    found = []
    for video in videos:
        whole = [f for f in formats_of(video) if "none" not in {f.get("vcodec"), f.get("acodec")}]
        if not whole:
            continue
        try:
            [choice] = choose({"formats": whole}, quality, format_id=None, media=media)
        except (FormatNotFound, ProtectedContent, UnsupportedSource):
            continue  # the others are still worth having
        link = _link(choice.format["url"])
        if link and choice.transport is not Transport.SOURCE:
            found.append(_entry(video, link))
    return found


def _link(url: str | None) -> str | None:
    try:
        return normalise(url) if url else None
    except InvalidRequest:
        return None


def _expiry(tracks: Iterable[Track]) -> float | None:
    """The earliest moment at which one of the addresses says that it ends."""
    ends = []
    for one in tracks:
        query = parse_qs(urlsplit(one.url).query)
        values = [value for name in _EXPIRY_PARAMETERS for value in query.get(name, ())]
        # Ten digits: seconds since the epoch from 2001 to 2286; anything else is another kind of number.
        ends += [float(value) for value in values if re.fullmatch(r"\d{10}", value)]
    return min(ends, default=None)
