"""Which sources take a link, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from core.config.settings import Settings
from core.domain.errors import InvalidRequest, UnsupportedSource
from core.links.normalise import normalise
from core.sources.archive_org.source import ArchiveOrg
from core.sources.base import Source
from core.sources.direct import Direct
from core.sources.lectures.source import Lectures
from core.sources.short_links import ShortLinks
from core.sources.x_spaces.source import XSpaces
from core.sources.ytdlp.source import ytdlp_sources


def known_sources(
    settings: Settings, is_sites_own: Callable[[str], bool] = lambda _url: False
) -> list[Source]:
    """Every source; among those that match equally well, the earlier is asked first.

    Args:
        settings: The sources' own.
        is_sites_own: `Registry.is_sites_own`.
    """
    return [
        ShortLinks(settings.sources.short_links.hosts),
        Direct(is_sites_own),
        ArchiveOrg(settings.sources.archive_org.base),
        XSpaces(settings.sources.x),
        Lectures(settings.sources.tariq_allah.sites),
        *ytdlp_sources(),
    ]


class Registry:
    """The sources of one configuration.

    Args:
        settings: `[sources.NAME] enabled` leaves sources out.
        sources: Instead of all that are known.
        more_sources: Besides them; asked after those that match as well.
    """

    def __init__(
        self,
        settings: Settings,
        sources: list[Source] | None = None,
        *,
        more_sources: Sequence[Source] = (),
    ) -> None:
        self._settings = settings
        known = known_sources(settings, self.is_sites_own) if sources is None else sources
        self._sources = [*known, *more_sources]
        self._by_name = {source.name: source for source in self._sources}
        #: A job's link is looked up several times, and a long list's are all stored before they run.
        self._matching = lru_cache(maxsize=2048)(self._match)

    def all(self) -> list[Source]:
        """Every source, enabled or not."""
        return list(self._sources)

    def named(self, name: str) -> Source:
        """One source.

        Raises:
            InvalidRequest: There is none of this name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            names = ", ".join(sorted(self._by_name))
            raise InvalidRequest(f"there is no source {name!r}", hint=f"Known are: {names}.") from None

    def candidates(self, url: str, *, forced: str | None = None) -> list[Source]:
        """The sources to ask for *url*, in this order, each until one does not answer `NotHandled`.

        Files and playlists by their name go to `direct`, pages of known sites to the site's source, and all
        else first to `direct`, which looks at the content, then to yt-dlp. A site that is switched off is not
        handed to those that take anything.

        Args:
            url: The link.
            forced: The only source to ask, whether it takes such links by itself or not.

        Raises:
            InvalidRequest: Not a usable link, or no such source.
            UnsupportedSource: Nobody takes it.
        """
        normal = normalise(url)
        if forced is not None:
            source = self.named(forced)
            if not self._is_enabled(source):
                raise _switched_off(source)
            return [source]
        found = self._matching(normal)
        for source, names_site in found:
            if names_site and not self._is_enabled(source):
                raise _switched_off(source)
        enabled = [source for source, _ in found if self._is_enabled(source)]
        if not enabled:
            raise UnsupportedSource("no source that is switched on takes this link")
        return enabled

    def _match(self, url: str) -> Sequence[tuple[Source, bool]]:
        """The sources that take *url* (normalised), in their order, and whether each names its site."""
        parts = urlsplit(url)
        ranked: list[tuple[int, int, Source, bool]] = []
        for place, source in enumerate(self._sources):
            matching = [matcher for matcher in source.matchers if matcher.matches(parts)]
            if matching:
                names_site = any(matcher.hosts for matcher in matching)
                ranked.append((min(matcher.rank for matcher in matching), place, source, names_site))
        return [each[2:] for each in sorted(ranked, key=lambda each: each[:2])]

    def is_sites_own(self, url: str) -> bool:
        """Whether a site's own source is asked first for *url*, or would be if it were switched on."""
        try:
            first = self.candidates(url)[0]
        except UnsupportedSource:
            return True
        parts = urlsplit(normalise(url))
        return any(matcher.hosts and matcher.matches(parts) for matcher in first.matchers)

    def _is_enabled(self, source: Source) -> bool:
        return self._settings.sources.of(source.name).enabled


def _switched_off(source: Source) -> UnsupportedSource:
    return UnsupportedSource(
        f"{source.label} is switched off", hint=f"Switch it on: [sources.{source.name}] enabled = true"
    )
