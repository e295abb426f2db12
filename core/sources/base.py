"""The contract between the engine and the places where media come from.

A source says by data which links it takes, turns one into a `Resolution`, and fetches only those tracks that
nobody else can (`Transport.SOURCE`). It never downloads while it resolves.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote

from core.auth.login import Login
from core.config.settings import Settings
from core.domain.errors import Unknown
from core.domain.job import Request
from core.domain.media import Resolution, Track
from core.links.normalise import host_is
from core.net.http.client import HttpClient
from core.net.progress import Fetched, Progress
from core.sources.login_asking import LoginSeen, ask
from core.sources.login_checks import check_of
from core.sources.ytdlp.pool import YtdlpPool


class NotHandled(Exception):
    """This source cannot say what the link is; the next candidate is asked. Control flow, not a failure."""


class Elsewhere(Exception):
    """The link leads to another one, for which the sources are asked anew. Control flow, not a failure.

    Args:
        url: Where it leads.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Links that a source takes: all the given conditions together. Without any it takes every link."""

    #: Each with the hosts below it; an entry with a port takes only this port of exactly this host.
    hosts: tuple[str, ...] = ()
    #: Found anywhere in the decoded path.
    path: re.Pattern[str] | None = None
    #: Lower-case extensions of the path's last segment, without the dot.
    extensions: frozenset[str] = frozenset()

    def matches(self, url: SplitResult) -> bool:
        """Whether a link (normalised and split) meets the conditions."""
        if self.hosts and not (host_is(url.hostname or "", self.hosts) or url.netloc in self.hosts):
            return False
        path = unquote(url.path)
        if self.path and not self.path.search(path):
            return False
        return not self.extensions or PurePosixPath(path).suffix.lower()[1:] in self.extensions

    @property
    def rank(self) -> int:
        """Order among sources that match: a site's files, anybody's files, a site's pages, anything."""
        if self.extensions:
            return 0 if self.hosts else 1
        return 2 if self.hosts else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What sources work with."""

    http: HttpClient
    settings: Settings
    ytdlp: YtdlpPool
    #: The auth profile in use, None for a guest.
    login: Login | None = None
    #: The gate's proxy by which this source's child processes reach the network; holds a token.
    proxy_url: str | None = field(default=None, repr=False)


class Source(ABC):
    """One place where media come from."""

    #: Stored as the job's `source_type`; names the table `[sources.NAME]`.
    name: str
    #: For people.
    label: str
    matchers: tuple[Matcher, ...]
    #: Whether the hosts that it names are one site, which works or is down as a whole.
    is_one_site: bool = True

    @abstractmethod
    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Find what is behind *request.url*.

        Raises:
            NotHandled: This is not for this source; ask the next one.
            Elsewhere: It leads to a link that others may know.
            JobError: It is, and it failed.
        """

    async def check_login(self, context: SourceContext) -> LoginSeen:
        """Ask the site whether it still takes *context.login*; cheap, and changes nothing.

        Raises:
            NoLoginCheck: There is no such way to ask.
            AuthRequired: It does not.
            JobError: It did not answer, which says nothing of the login.
        """
        check = check_of(self.name, context.settings.sources.of(self.name))
        return await ask(context.http, check, context.login, source=self.name)

    async def fetch(
        self,
        track: Track,
        resolution: Resolution,
        path: Path,
        context: SourceContext,
        progress: Progress,
    ) -> Fetched:
        """Fetch a `Transport.SOURCE` track to *path*; sources that make such tracks override this.

        Partial files stay beside *path* and are gone on with by the next call.

        Raises:
            JobError: It failed.
        """
        del resolution, path, context, progress
        raise Unknown(f"{self.name} has no transfer of its own for {track.role.value} tracks")
