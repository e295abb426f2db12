"""The sites that yt-dlp knows, and its guess at any other: resolved by its workers, mostly fetched by us."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from core.auth.copies import copy_again_blocking
from core.domain.errors import SizeLimit
from core.domain.job import Request
from core.domain.media import Resolution, Track
from core.net.progress import Fetched, Progress
from core.sources.base import Matcher, Source, SourceContext
from core.sources.quality import parse_quality
from core.sources.ytdlp import options as ytdlp_options
from core.sources.ytdlp.resolution import available_at, resolution_of

#: The longest wait for a site to let us fetch what it has announced.
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """A site with a name of its own in jobs, settings and limits."""

    name: str
    label: str
    hosts: tuple[str, ...]
    path: str | None = None


SITES: tuple[Site, ...] = (
    Site("youtube", "YouTube", ("youtube.com", "youtu.be", "youtube-nocookie.com")),
    Site("facebook", "Facebook", ("facebook.com", "fb.watch", "fb.com")),
    Site("vimeo", "Vimeo", ("vimeo.com",)),
    Site("soundcloud", "SoundCloud", ("soundcloud.com",)),
    Site("dailymotion", "Dailymotion", ("dailymotion.com", "dai.ly")),
    Site("twitch", "Twitch", ("twitch.tv",)),
    Site("tiktok", "TikTok", ("tiktok.com",)),
    Site("instagram", "Instagram", ("instagram.com",)),
    Site("reddit", "Reddit", ("reddit.com", "redd.it")),
    Site("x_posts", "X posts", ("x.com", "twitter.com"), r"^/(?:i/web|i|\w+)/status(?:es)?/|^/i/broadcasts/"),
)


class Ytdlp(Source):
    """What yt-dlp finds behind a link."""

    def __init__(self, name: str, label: str, matchers: tuple[Matcher, ...]) -> None:
        self.name = name
        self.label = label
        self.matchers = matchers

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Ask a worker, and choose what to fetch. Raises JobError."""
        settings = context.settings
        quality = parse_quality(request.quality, request.kind, max_height=settings.media.max_height)
        options = ytdlp_options.extraction(
            max_items=settings.limits.max_playlist_items,
            cookie_file=context.login.cookie_file if context.login else None,
            format_expression=None if request.format else settings.media.prefer_format,
        )
        info = await context.ytdlp.extract(request.url, options=options)
        found = resolution_of(self.name, info, request, quality, media=settings.media, now=time.time())
        wait_s = available_at(info, found.tracks) - time.time()
        if wait_s > 0:
            await asyncio.sleep(min(wait_s, _LONGEST_WAIT_S))
        return found

    async def fetch(
        self,
        track: Track,
        resolution: Resolution,
        path: Path,
        context: SourceContext,
        progress: Progress,
    ) -> Fetched:
        """Have a worker fetch what only yt-dlp can. Raises JobError."""
        limit = context.settings.limits.max_file_size_bytes
        cookie_file = context.login.cookie_file if context.login else None
        if cookie_file is not None:
            # Each process writes its file at the end, and tracks are fetched side by side.
            cookie_file = await asyncio.to_thread(copy_again_blocking, cookie_file)

        def watch(done: int, total: int | None) -> None:
            if limit and done > limit:
                raise SizeLimit(f"more than {limit // 1024**2} MiB")
            progress(done, total)

        info = resolution.private["info"]
        await context.ytdlp.download(
            info, str(track.format_id), path, progress=watch, cookie_file=cookie_file
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
        )
        for site in SITES
    ]
    return [*named, Ytdlp("ytdlp", "Any other site (yt-dlp)", (Matcher(),))]


def _make_durable_blocking(path: Path) -> int:
    """Put the file on the disk; its size."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size
