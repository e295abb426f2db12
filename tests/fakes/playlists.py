"""A site of lists for tests of what a list costs: pages and items are ours, the media an origin's."""

from __future__ import annotations

from core.domain.job import Request
from core.domain.media import Entry, Resolution, Role, Track, Transport
from core.sources.base import Matcher, Source, SourceContext
from tests.fakes.origin import Origin


class Playlists(Source):
    """A site whose page `/list` holds entries, each at `/item/N`, which play *origin*'s `/held.mp3`."""

    name = "playlists"
    label = "Playlists"

    def __init__(self, origin: Origin, entries: int) -> None:
        self.matchers = (Matcher(hosts=(f"{origin.host}:{origin.port}",)),)
        self._origin = origin
        #: What the list holds; tests put in others.
        self.entries = [Entry(url=origin.url(f"/item/{number}")) for number in range(entries)]
        #: Set by tests: when the media's addresses end.
        self.expires: float | None = None
        #: The page of every look-up.
        self.looked_up: list[str] = []

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """A list, or an item of one."""
        self.looked_up.append(request.url)
        if request.url.endswith("/list"):
            await context.http.text(request.url)
            return Resolution(source=self.name, title="All of it", entries=tuple(self.entries))
        track = Track(
            url=self._origin.url("/held.mp3"), role=Role.AUDIO, transport=Transport.HTTP, container="mp3"
        )
        return Resolution(source=self.name, title=request.url[-8:], tracks=(track,), expires=self.expires)
