"""X Spaces: from the link to the recording of a Space that has ended, or to what is being said in it now."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.config.sources import XSettings
from core.domain.errors import AuthRequired, FormatNotFound, HttpFailure, NotFound, NotYetAvailable
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Tags, Track, Transport
from core.net.hls.fetch import fetch_segments
from core.net.hls.live import record_hls
from core.net.hls.playlist import MediaPlaylist
from core.net.progress import Fetched, Progress
from core.sources.base import Matcher, NotHandled, Source, SourceContext
from core.sources.login_asking import LoginSeen
from core.sources.quality import parse_quality
from core.sources.x_spaces.api import WEB_BASE, Memory, SpacesApi
from core.sources.x_spaces.broadcast import SpaceBroadcast
from core.sources.x_spaces.credentials import find_credentials_blocking, needs_login
from core.sources.x_spaces.login import check_login
from core.sources.x_spaces.replay import (
    GONE,
    chunk_list,
    find_replay,
    has_originals,
    is_original,
    originals_of,
)
from core.sources.x_spaces.space import Space, read_space

log = logging.getLogger("reeldeck.sources")

#: After so long a Space that has just begun is looked at again.
_SOON_S = 15.0
_HOSTS = ("x.com", "twitter.com", "fxtwitter.com", "vxtwitter.com", "fixupx.com")
_PATH = re.compile(r"^/i/spaces/(?P<id>\w{13})(?:/peek)?/?$", re.ASCII)


class XSpaces(Source):
    """Spaces, while they are live and afterwards.

    Args:
        settings: `web_base` is one more host whose links are taken.
    """

    name = "x"
    label = "X Spaces"

    def __init__(self, settings: XSettings) -> None:
        own_host = urlsplit(settings.web_base or "").netloc.lower()
        self.matchers = (Matcher(hosts=(*_HOSTS, *filter(None, [own_host])), path=_PATH),)
        self._memory = Memory()

    async def check_login(self, context: SourceContext) -> LoginSeen:
        """As `Source.check_login`."""
        return await check_login(context)

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Find the recording of a Space, or what is being sent.

        Raises:
            NotHandled: The link is not one to a Space.
            NotYetAvailable: It has not begun.
            NotFound: It was canceled, or there is no recording (any more).
            AuthRequired: It is not shown to guests, or the login is refused.
            ParserFailure: X answers in another shape than before.
            JobError: It cannot be read.
        """
        found = _PATH.search(unquote(urlsplit(request.url).path))
        if found is None:
            raise NotHandled
        if request.format is not None:
            raise FormatNotFound("Spaces have no formats with ids", hint="Leave the format out.")
        parse_quality(request.quality, request.kind)
        settings, now = context.settings.sources.x, time.time()
        credentials = await asyncio.to_thread(find_credentials_blocking, context.login, settings, now=now)
        api = SpacesApi(context.http, settings, credentials, self._memory)
        answer = await api.space(found["id"])
        if not answer:
            if credentials is None:
                raise needs_login("X shows this Space to signed-in users only: cookies are needed")
            raise NotFound("there is no Space with this id, or this login may not see it")
        space = read_space(answer)
        media_key = space.require_media(now=now)
        headers = {"Referer": f"{(settings.web_base or WEB_BASE).rstrip('/')}/"}
        private: Mapping[str, str] = {}
        if not space.is_over:
            track = await self._live(context, api, media_key, headers)
        else:
            track, private = await self._replay(context, api, media_key, headers, space, now)
        private = {"space_id": found["id"], "media_key": media_key, **private}
        return _resolution(found["id"], request.url, space, track, private)

    async def fetch(
        self,
        track: Track,
        resolution: Resolution,
        path: Path,
        context: SourceContext,
        progress: Progress,
    ) -> Fetched:
        """Record what is being sent, as `record_hls` does; or fetch the original chunks of a replay."""
        if not track.is_live:
            return await _fetch_originals(track, resolution.private["originals"], path, context, progress)
        settings = context.settings
        try:
            credentials = await asyncio.to_thread(
                find_credentials_blocking, context.login, settings.sources.x, now=time.time()
            )
        except AuthRequired as error:
            # The media need none: what is said now cannot be fetched later.
            log.warning("a Space is recorded without a login", extra={"detail": str(error)})
            credentials = None
        api = SpacesApi(context.http, settings.sources.x, credentials, self._memory)
        broadcast = SpaceBroadcast(
            api,
            context.http,
            track,
            space_id=resolution.private["space_id"],
            media_key=resolution.private["media_key"],
        )
        fetched = await record_hls(
            context.http,
            track,
            path,
            progress=progress,
            window=settings.network.max_connections_per_host,
            outage_s=settings.timeouts.live_outage_s,
            max_bytes=settings.limits.max_file_size_bytes,
            broadcast=broadcast,
        )
        # People came to speak, and the title may be another one by now.
        seen, before = broadcast.seen, resolution.tags
        return replace(fetched, tags=_tags(seen, before.title, before.source_url)) if seen else fetched

    async def _live(
        self, context: SourceContext, api: SpacesApi, media_key: str, headers: Mapping[str, str]
    ) -> Track:
        try:
            url = await api.stream_url(media_key)
            playlist = await chunk_list(context.http, url, headers)
        except NotFound as error:
            raise NotYetAvailable(
                "the Space is live, but nothing of it is sent yet", retry_after_s=_SOON_S
            ) from error
        return _track(playlist, headers, Transport.SOURCE, is_live=True)

    async def _replay(
        self,
        context: SourceContext,
        api: SpacesApi,
        media_key: str,
        headers: Mapping[str, str],
        space: Space,
        now: float,
    ) -> tuple[Track, Mapping[str, str]]:
        """The track, and what `fetch` wants to know about it."""
        url = await api.stream_url(media_key)
        playlist = await find_replay(
            context.http, url, headers, ended_s_ago=now - space.ended if space.ended else None
        )
        if is_original(url) and not is_original(playlist.url):
            originals = originals_of(playlist, url)
            if await has_originals(context.http, originals, headers):
                return _track(playlist, headers, Transport.SOURCE), {"originals": url}
        return _track(playlist, headers, Transport.HLS), {}


async def _fetch_originals(
    track: Track, base: str, path: Path, context: SourceContext, progress: Progress
) -> Fetched:
    """The chunks of a list of copies as they were sent, or the copies where one of those is gone."""
    settings = context.settings
    copies = await chunk_list(context.http, track.url, track.headers)
    copies.require_complete()
    fetch = partial(
        fetch_segments,
        context.http,
        track,
        path=path,
        progress=progress,
        window=settings.network.max_connections_per_host,
        stall_s=settings.timeouts.stall_s,
        max_bytes=settings.limits.max_file_size_bytes,
    )
    try:
        return await fetch(playlist=originals_of(copies, base))
    except HttpFailure as error:
        if error.remote_status not in GONE:
            raise
        log.warning("a chunk of a Space is gone, its copy is taken", extra={"detail": str(error)})
        return await fetch(playlist=copies)


def _track(
    playlist: MediaPlaylist, headers: Mapping[str, str], transport: Transport, *, is_live: bool = False
) -> Track:
    is_audio = _is_audio(playlist)
    return Track(
        role=Role.AUDIO if is_audio else Role.MUXED,
        transport=transport,
        url=playlist.url,
        headers=headers,
        container="aac" if is_audio else None,
        duration_s=None if is_live else playlist.duration_s,
        is_live=is_live,
    )


def _resolution(
    space_id: str, url: str, space: Space, track: Track, private: Mapping[str, str]
) -> Resolution:
    title = space.title or (f"Space of {space.host}" if space.host else f"Space {space_id}")
    return Resolution(
        source=XSpaces.name,
        media_id=f"x:space:{space_id}",
        title=title,
        kind=Kind.AUDIO if track.role is Role.AUDIO else Kind.AUTO,
        duration_s=track.duration_s,
        tracks=(track,),
        tags=_tags(space, title, url),
        thumbnail_url=space.host_picture,
        private={
            **private,
            "state": space.state.value,
            "admins": list(space.admins),
            "speakers": list(space.speakers),
        },
    )


def _tags(space: Space, title: str | None, url: str | None) -> Tags:
    return Tags(
        title=space.title or title,
        artist=space.host,
        date=space.date,
        source_url=url,
        performers=", ".join(space.speakers) or None,
    )


def _is_audio(playlist: MediaPlaylist) -> bool:
    """Audio Spaces say so in their addresses, and their chunks are raw AAC; some Spaces have video."""
    is_aac = any(urlsplit(segment.url).path.endswith(".aac") for segment in playlist.segments[:1])
    return is_aac or "/audio-space/" in playlist.url
