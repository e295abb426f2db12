"""The sites that yt-dlp knows, and its guess at any other: resolved by its workers, mostly fetched by us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.auth.copies import copy_again_blocking
from core.domain.errors import JobError, NotYetAvailable, SizeLimit, UnsupportedSource
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Track
from core.net.hls.fetch import fetch_segments
from core.net.progress import Fetched, Progress
from core.sources.base import Matcher, Source, SourceContext
from core.sources.quality import parse_quality
from core.sources.ytdlp import options as ytdlp_options
from core.sources.ytdlp.allow import HINT, extractors_for
from core.sources.ytdlp.dash import segment_list
from core.sources.ytdlp.resolution import available_at, is_announced, resolution_of
from core.sources.ytdlp.sites import SITES

#: The source that takes any link.
ANY_SITE = "ytdlp"
#: How yt-dlp says that no extractor is left that may take a link.
_NO_EXTRACTOR = "No suitable extractor"
#: The longest wait for a site to let us fetch what it has announced.
_LONGEST_WAIT_S = 30.0


class Ytdlp(Source):
    """What yt-dlp finds behind a link."""

    def __init__(
        self, name: str, label: str, matchers: tuple[Matcher, ...], *, kind: Kind = Kind.AUTO
    ) -> None:
        self.name = name
        self.label = label
        self.matchers = matchers
        self._kind = kind

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Ask a worker, and choose what to fetch. Raises JobError."""
        settings = context.settings
        kind = self._kind if request.kind is Kind.AUTO else request.kind
        quality = parse_quality(request.quality, kind, max_height=settings.media.max_height)
        info = await self._extract(request, context)
        # In a thread: a list may have thousands of links to look at.
        found = await asyncio.to_thread(
            resolution_of, self.name, info, request, quality, media=settings.media, now=time.time()
        )
        wait_s = available_at(info, found.tracks) - time.time()
        if wait_s > 0:
            await asyncio.sleep(min(wait_s, _LONGEST_WAIT_S))
        return found

    async def _extract(self, request: Request, context: SourceContext) -> dict[str, Any]:
        settings = context.settings
        extractors = None
        if self.name == ANY_SITE:
            extractors = extractors_for(urlsplit(request.url).hostname or "", settings.sources.ytdlp.allow)
        options = ytdlp_options.extraction(
            max_items=settings.limits.max_playlist_items,
            cookie_file=context.login.cookie_file if context.login else None,
            format_expression=None if request.format else settings.media.prefer_format,
            extractors=extractors,
        )
        options |= self._manners(context)
        try:
            return await context.ytdlp.extract(request.url, options=options, proxy_url=context.proxy_url)
        except UnsupportedSource as error:
            if extractors is None or not error.detail.startswith(_NO_EXTRACTOR):
                raise
            raise UnsupportedSource("its site is not among those that are allowed", hint=HINT) from error
        except NotYetAvailable:
            # The message says "in 2 days" at best; what else is known comes when no formats are asked for.
            options |= ytdlp_options.WITHOUT_FORMATS
            with contextlib.suppress(JobError):
                info = await context.ytdlp.extract(request.url, options=options, proxy_url=context.proxy_url)
                if is_announced(info):
                    return info
            raise

    def _manners(self, context: SourceContext) -> dict[str, Any]:
        return ytdlp_options.for_source(context.settings.sources.of(self.name))

    async def fetch(
        self,
        track: Track,
        resolution: Resolution,
        path: Path,
        context: SourceContext,
        progress: Progress,
    ) -> Fetched:
        """Fetch segments by their list, and have a worker fetch what only yt-dlp can. Raises JobError."""
        settings, info = context.settings, resolution.private["info"]
        limit = settings.limits.max_file_size_bytes
        [format_] = [f for f in info["formats"] if f["format_id"] == track.format_id]
        if (segments := segment_list(format_)) is not None:
            return await fetch_segments(
                context.http,
                track,
                segments,
                path,
                progress=progress,
                window=settings.network.max_connections_per_host,
                stall_s=settings.timeouts.stall_s,
                max_bytes=limit,
            )
        cookie_file = context.login.cookie_file if context.login else None
        if cookie_file is not None:
            # Each process writes its file at the end, and tracks are fetched side by side.
            cookie_file = await asyncio.to_thread(copy_again_blocking, cookie_file)

        def watch(done: int, total: int | None, /, **more: float | None) -> None:
            if limit and done > limit:
                raise SizeLimit(f"more than {limit // 1024**2} MiB")
            progress(done, total, **more)

        await context.ytdlp.download(
            info,
            str(track.format_id),
            path,
            progress=watch,
            cookie_file=cookie_file,
            options=self._manners(context),
            proxy_url=context.proxy_url,
        )
        size_bytes = await asyncio.to_thread(_make_durable_blocking, path)
        return Fetched(
            path=path,
            size_bytes=size_bytes,
            sha256=None,
            fetched_bytes=size_bytes,
            resumed_bytes=0,
            container=track.container,
        )


def ytdlp_sources() -> list[Source]:
    """One source for each site with a name, and the one that takes anything."""
    named = [
        Ytdlp(
            site.name,
            site.label,
            (Matcher(hosts=site.hosts, path=re.compile(site.path) if site.path else None),),
            kind=site.kind,
        )
        for site in SITES
    ]
    return [*named, Ytdlp(ANY_SITE, "Any other site (yt-dlp)", (Matcher(),))]


def _make_durable_blocking(path: Path) -> int:
    """Put the file on the disk; its size."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size
