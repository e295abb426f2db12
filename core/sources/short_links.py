"""Shorteners and share links: followed only as far as it takes to know where they lead."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from core.domain.errors import BlockedAddress, InvalidRequest, JobError, ParserFailure, RetryPolicy
from core.domain.job import Request
from core.domain.media import Resolution
from core.links.normalise import normalise
from core.links.short import SHARE_LINKS, SHORTENERS, leads_to_media, unwrap
from core.net.http.client import HttpClient, Page
from core.sources.base import Elsewhere, Matcher, NotHandled, Source, SourceContext
from core.sources.lectures.html import parse_html

#: Pages that go on by `<meta http-equiv=refresh>`, one after the other.
MAX_PAGES = 4
_MAX_PAGE_BYTES = 1024**2
#: `5; url=https://…` (HTML standard §4.2.5.3), where the middle part may be missing.
_REFRESH = re.compile(
    r"\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?(?P<quote>['\"]?)(?P<url>.+?)(?P=quote)\s*", re.IGNORECASE
)


class ShortLinks(Source):
    """Links that only lead to another link.

    Args:
        hosts: `sources.short_links.hosts`: further shorteners.
    """

    name = "short_links"
    label = "Shorteners and share links"
    is_one_site = False

    def __init__(self, hosts: tuple[str, ...] = ()) -> None:
        self._shorteners = Matcher(hosts=(*SHORTENERS, *(host.lower() for host in hosts)))
        self._share_links = [Matcher(hosts=links.hosts, path=links.path) for links in SHARE_LINKS]
        self.matchers = (self._shorteners, *self._share_links)

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Find out where the link leads; never returns.

        Raises:
            Elsewhere: There.
            NotHandled: A page, not a redirect; or one of a site that others know how to ask.
            JobError: It leads nowhere.
        """
        if self._shorteners.matches(urlsplit(request.url)):
            await _follow(context.http, request.url, self._left_shorteners)
            raise NotHandled
        try:
            # Sites lead their share links over other pages of theirs first.
            await _follow(context.http, request.url, leads_to_media)
        except BlockedAddress:
            raise
        except JobError as error:
            if error.retry_policy is RetryPolicy.BACKOFF:
                raise
            raise NotHandled from error  # the site's own source brings cookies and the site's ways
        raise NotHandled

    def _left_shorteners(self, url: str) -> bool:
        return not self._shorteners.matches(urlsplit(url))


async def _follow(http: HttpClient, url: str, is_end: Callable[[str], bool]) -> None:
    """Return when *url* leads to a page that leads nowhere.

    Raises:
        Elsewhere: An address was met that `is_end`; it was not asked for.
        JobError: The way there is broken.
    """

    def look(target: str) -> None:
        try:
            target = unwrap(normalise(target))
        except InvalidRequest:
            return  # asking for it says what is wrong with it
        if is_end(target):
            raise Elsewhere(target)

    for _ in range(MAX_PAGES):
        async with http.stream(url, method="HEAD", on_redirect=look):
            pass  # whatever it is: some answer this method differently, or not at all
        try:
            page = await http.text(url, max_bytes=_MAX_PAGE_BYTES, on_redirect=look)
            following = await asyncio.to_thread(_refresh_of_blocking, page)
        except ParserFailure:
            return  # no page at all
        if following is None:
            return
        look(following)
        url = following


def _refresh_of_blocking(page: Page) -> str | None:
    """Where a page goes on to by itself. Raises ParserFailure."""
    for element in parse_html(page.text, host=urlsplit(page.url).netloc).iter("meta"):
        if element.get("http-equiv", "").strip().lower() != "refresh":
            continue
        if found := _REFRESH.fullmatch(element.get("content", "")):
            return str(urljoin(page.url, found["url"].strip()))
    return None
