"""Lecture sites: from the page of a lecture to its file, from the page of a series to its lectures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from core.config.sources import Site
from core.domain.errors import FormatNotFound, InvalidRequest, JobError, RetryPolicy, UnsupportedSource
from core.domain.job import Kind, Request
from core.domain.media import Entry, Resolution, Role, Tags, Track, Transport
from core.net.http.client import HttpClient
from core.net.transfer.remote import RemoteFile, probe_remote
from core.net.transfer.sniff import sniff_container
from core.sources.base import Matcher, NotHandled, Source, SourceContext
from core.sources.lectures.layouts import BUILT_IN, PAGE_PATH, Layout, layout_of
from core.sources.lectures.page import LecturePage, Mirror, parse_page
from core.sources.quality import Quality, parse_quality

MAX_PAGE_BYTES = 5 * 2**20
#: Pages of a series at most, however few lectures each has.
MAX_PAGES = 200
#: Dead mirrors that are looked at before giving up.
_MAX_MIRRORS = 8
_MEDIA = frozenset({"mp4", "ts", "webm", "mkv", "ogg", "avi", "flv", "aac", "mp3", "flac", "wav"})
_RETRIED = frozenset({RetryPolicy.BACKOFF, RetryPolicy.AT_RETRY_AFTER})


class Lectures(Source):
    """Way2Allah, IslamWay, and sites that the configuration describes.

    Args:
        sites: From the configuration; they go before the built-in ones.
    """

    name = "tariq_allah"
    label = "Lecture sites"
    is_one_site = False

    def __init__(self, sites: Sequence[Site] = ()) -> None:
        self._sites = [
            (Matcher(hosts=tuple(host.lower() for host in site.hosts), path=PAGE_PATH), layout_of(site))
            for site in (*sites, *BUILT_IN)
            if site.hosts  # no host would be every host
        ]
        self.matchers = tuple(matcher for matcher, _ in self._sites)

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Read the page.

        Raises:
            NotHandled: It is on no known site.
            ParserFailure: The page is not as its layout says.
            FormatNotFound: It offers no such kind.
            NotFound: There is no such page, or none of its files is there.
            JobError: It cannot be read.
        """
        layout = self._layout(urlsplit(request.url))
        quality = parse_quality(request.quality, request.kind, max_height=context.settings.media.max_height)
        page, url = await _read(context.http, request.url, layout)
        if page.items:
            return await self._series(page, url, request, layout, context)
        if request.format is not None:
            raise FormatNotFound("lectures have no formats with ids", hint="Leave the format out.")
        return await self._lecture(page, request, quality, context.http)

    def _layout(self, url: SplitResult) -> Layout:
        for matcher, layout in self._sites:
            if matcher.matches(url):
                return layout
        raise NotHandled

    async def _lecture(
        self, page: LecturePage, request: Request, quality: Quality, http: HttpClient
    ) -> Resolution:
        is_video = bool(page.video) and quality.kind is not Kind.AUDIO
        if not is_video and (not page.audio or quality.kind is Kind.VIDEO):
            wanted, offered = ("video", "audio") if quality.kind is Kind.VIDEO else ("audio", "video")
            raise FormatNotFound(
                f"the page offers no {wanted}", hint=f"Ask for {offered}, which it offers, or for no kind."
            )
        mirror, remote, container = await _first_alive(
            http, in_order(page.video if is_video else page.audio, quality, is_video=is_video)
        )
        kind = Kind.VIDEO if is_video else Kind.AUDIO
        track = Track(
            role=Role.MUXED if is_video else Role.AUDIO,
            transport=Transport.HTTP,
            url=mirror.url,
            container=container,
            size_bytes=remote.size_bytes,
        )
        return Resolution(
            source=self.name, title=page.title, kind=kind, tracks=(track,), tags=_tags(page, request.url)
        )

    async def _series(
        self, page: LecturePage, url: str, request: Request, layout: Layout, context: SourceContext
    ) -> Resolution:
        """Lectures page by page, until there are enough or no new ones."""
        cap = context.settings.limits.max_playlist_items
        found = {item.url: item.title for item in page.items}
        seen = {request.url, url}
        following = page.next
        while following and following not in seen and len(found) < cap and len(seen) < MAX_PAGES:
            if urlsplit(following).netloc != urlsplit(url).netloc:
                break
            more, final = await _read(context.http, following, layout)
            seen |= {following, final}
            following = more.next if any(item.url not in found for item in more.items) else None
            found |= {item.url: item.title for item in more.items if item.url not in found}
        entries = tuple(Entry(url=link, title=title) for link, title in found.items())[:cap]
        return Resolution(source=self.name, title=page.title, entries=entries, tags=_tags(page, request.url))


def in_order(mirrors: Sequence[Mirror], quality: Quality, *, is_video: bool) -> list[Mirror]:
    """The best that *quality* allows first, then what tells no quality, then what exceeds it, least first."""
    bound = quality.max_lines if is_video else quality.max_audio_kbps

    def rank(mirror: Mirror) -> tuple[int, int]:
        value = mirror.lines if is_video else mirror.kbps
        if value is None:
            return 1, 0
        return (0, -value) if bound is None or value <= bound else (2, value)

    return sorted(mirrors, key=rank)


async def _read(http: HttpClient, url: str, layout: Layout) -> tuple[LecturePage, str]:
    """The page, and its address after redirects."""
    page = await http.text(url, max_bytes=MAX_PAGE_BYTES)
    # lxml works without the interpreter's lock, so that even a page made to be slow holds nobody up.
    return await asyncio.to_thread(parse_page, page.text, page.url, layout), page.url


async def _first_alive(http: HttpClient, mirrors: Sequence[Mirror]) -> tuple[Mirror, RemoteFile, str]:
    """The first mirror that answers with media, and what kind of file it has.

    Raises:
        JobError: None does: what a retry may heal, else what the best one said.
    """
    failures: list[JobError] = []
    for mirror in mirrors[:_MAX_MIRRORS]:
        try:
            remote = await probe_remote(http, mirror.url, {})
        except JobError as error:
            failures.append(error)
            continue
        except InvalidRequest as error:  # what the gate says to a link of a strange form
            failures.append(UnsupportedSource(error.detail))
            continue
        container = sniff_container(remote.head)
        if container in _MEDIA:
            return mirror, remote, container
        failures.append(UnsupportedSource("a link of the page leads to no media file"))
    raise next((error for error in failures if error.retry_policy in _RETRIED), failures[0])


def _tags(page: LecturePage, url: str) -> Tags:
    return Tags(
        title=page.title,
        artist=page.lecturer,
        album=page.series,
        track_number=page.number,
        source_url=url,
    )
