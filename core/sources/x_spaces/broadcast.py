"""What X knows about a Space while it is recorded: whether it is over, and where lists of the whole may be.

The list that is recorded holds the last chunks only. Beside it, after the end, there may be lists of all of
them (`replay` has the forms), even where the API says that there is no replay: they stay for a while.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from core.domain.errors import JobError, NotFound, ParserFailure
from core.domain.media import Track
from core.net.hls.playlist import MediaPlaylist, Segment
from core.net.hls.timeline import file_name
from core.net.http.client import HttpClient
from core.sources.x_spaces.api import SpacesApi
from core.sources.x_spaces.replay import is_original, list_urls, lists_behind, originals_of
from core.sources.x_spaces.space import Space, read_space

log = logging.getLogger("reeldeck.sources")

#: `chunk_<nanoseconds>_<number>_a.aac`: the number is the same in all lists.
_CHUNK = re.compile(r"/chunk_\d+_(\d+)_\w+\.\w+\Z")
#: How long a list that reaches to the end is waited for, in target durations (of 4 s, as a rule): X prepares
#: a replay within minutes, and without one little is to be hoped for.
_PATIENCE_TARGETS, _NO_REPLAY_TARGETS = 150, 30
_LOOK_TARGETS = 3


class SpaceBroadcast:
    """A Space that is being recorded.

    Args:
        api: Asks X.
        http: Reads lists.
        track: What is recorded.
        space_id: Of the Space.
        media_key: Names its media.
    """

    def __init__(
        self, api: SpacesApi, http: HttpClient, track: Track, *, space_id: str, media_key: str
    ) -> None:
        self._api = api
        self._http = http
        self._track = track
        self._space_id = space_id
        self._media_key = media_key
        #: The Space as it was when X was last asked.
        self.seen: Space | None = None

    def name_of(self, segment: Segment) -> str:
        """The chunk's number, where it has one."""
        found = _CHUNK.search(urlsplit(segment.url).path)
        return found[1] if found else file_name(segment)

    async def is_over(self) -> bool:
        """Whether X says so. A login that is refused now must not cost what comes later."""
        try:
            self.seen = read_space(await self._api.space(self._space_id))
        except JobError as error:
            log.warning("the state of a Space cannot be read", extra={"detail": str(error)})
            return False
        return self.seen.is_over

    async def lists(
        self, reaches_end: Callable[[MediaPlaylist], bool], *, target_s: float
    ) -> Sequence[MediaPlaylist]:
        """Lists of the whole, the chunks as they were sent first; what there is, when none is complete."""
        await self.is_over()
        is_promised = self.seen is None or self.seen.has_replay
        targets = _PATIENCE_TARGETS if is_promised else _NO_REPLAY_TARGETS
        deadline = time.monotonic() + targets * target_s
        while True:
            found, failure = await self._lists(is_promised=is_promised)
            if any(map(reaches_end, found)):
                return found
            if time.monotonic() >= deadline:
                if failure is not None and not found:
                    raise failure
                return found
            await asyncio.sleep(_LOOK_TARGETS * target_s)

    async def _lists(self, *, is_promised: bool) -> tuple[list[MediaPlaylist], JobError | None]:
        """Every list that there is now, and why there is not one more."""
        urls = [url for url in list_urls(self._track.url) if url != self._track.url]
        failure: JobError | None = None
        found: list[MediaPlaylist] = []
        try:
            if is_promised:
                urls = [*list_urls(await self._api.stream_url(self._media_key)), *urls]
        except NotFound:
            pass  # X names none; those beside what was recorded may be there all the same
        except JobError as error:
            failure = error
        for url in dict.fromkeys(urls):
            if urlsplit(url).path == urlsplit(self._track.url).path:
                continue  # what is recorded already
            try:
                lists = await lists_behind(self._http, url, self._track.headers)
                found += [each for each in lists if each.segments]
            except ParserFailure as error:
                log.info("a list of a Space cannot be read", extra={"detail": str(error)})
            except JobError as error:
                failure = error
        if is_original(self._track.url):
            found += [originals_of(each, self._track.url) for each in found if not is_original(each.url)]
        return sorted(found, key=lambda each: not is_original(each.segments[0].url)), failure
