"""X Spaces: from the link to the recording of a Space that has ended."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import unquote, urlsplit

from core.config.settings import XSettings
from core.domain.errors import FormatNotFound, NotFound
from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Tags, Track, Transport
from core.net.hls.playlist import MediaPlaylist
from core.sources.base import Matcher, NotHandled, Source, SourceContext
from core.sources.quality import parse_quality
from core.sources.x_spaces.api import WEB_BASE, Memory, SpacesApi
from core.sources.x_spaces.credentials import find_credentials_blocking, needs_login
from core.sources.x_spaces.replay import find_replay
from core.sources.x_spaces.space import Space, read_space

_HOSTS = ("x.com", "twitter.com", "fxtwitter.com", "vxtwitter.com", "fixupx.com")
_PATH = re.compile(r"^/i/spaces/(?P<id>\w{13})(?:/peek)?/?$", re.ASCII)


class XSpaces(Source):
    """Recordings of Spaces.

    Args:
        settings: `web_base` is one more host whose links are taken.
    """

    name = "x"
    label = "X Spaces"

    def __init__(self, settings: XSettings) -> None:
        own_host = urlsplit(settings.web_base or "").netloc.lower()
        self.matchers = (Matcher(hosts=(*_HOSTS, *filter(None, [own_host])), path=_PATH),)
        self._memory = Memory()

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Find the recording of a Space.

        Raises:
            NotHandled: The link is not one to a Space.
            NotYetAvailable: It has not ended.
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
        media_key = space.require_replay(now=now)
        headers = {"Referer": f"{(settings.web_base or WEB_BASE).rstrip('/')}/"}
        playlist = await find_replay(
            context.http,
            await api.stream_url(media_key),
            headers,
            ended_s_ago=now - space.ended if space.ended else None,
        )
        return _resolution(found["id"], request.url, space, playlist, headers)


def _resolution(
    space_id: str, url: str, space: Space, playlist: MediaPlaylist, headers: dict[str, str]
) -> Resolution:
    title = space.title or (f"Space of {space.host}" if space.host else f"Space {space_id}")
    is_audio = _is_audio(playlist)
    track = Track(
        role=Role.AUDIO if is_audio else Role.MUXED,
        transport=Transport.HLS,
        url=playlist.url,
        headers=headers,
        container="aac" if is_audio else None,
        duration_s=playlist.duration_s,
    )
    return Resolution(
        source=XSpaces.name,
        media_id=f"x:space:{space_id}",
        title=title,
        kind=Kind.AUDIO if is_audio else Kind.AUTO,
        duration_s=playlist.duration_s,
        tracks=(track,),
        tags=Tags(title=title, artist=space.host, date=space.date, source_url=url),
        thumbnail_url=space.host_picture,
        private={"state": space.state.value, "admins": list(space.admins), "speakers": list(space.speakers)},
    )


def _is_audio(playlist: MediaPlaylist) -> bool:
    """Audio Spaces say so in their addresses, and their chunks are raw AAC; some Spaces have video."""
    return "/audio-space/" in playlist.url or urlsplit(playlist.segments[0].url).path.endswith(".aac")
