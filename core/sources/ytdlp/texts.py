"""What means which class of error when yt-dlp fails: exception types, then texts, then HTTP statuses. Data.

Texts come from the sites through yt-dlp and change: tests hold `quoted` to the installed yt-dlp's sources,
and the messages in the ten sites' extractors to having a class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.domain.errors import (
    AuthRequired,
    DiskFull,
    FormatNotFound,
    GeoBlocked,
    HttpFailure,
    JobError,
    MediaFailure,
    NetworkFailure,
    NotFound,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    RateLimited,
    Unknown,
    UnsupportedSource,
)

#: What an exception class alone says.
BY_TYPE: Mapping[str, type[JobError]] = {
    "GeoRestrictedError": GeoBlocked,
    "UserNotLive": NotYetAvailable,
    "UnsupportedError": UnsupportedSource,
    "MemoryError": ParserFailure,
}


@dataclass(frozen=True)
class Row:
    """Texts (lower case) that mean one error class."""

    error: type[JobError]
    #: Found word for word in yt-dlp's own sources, which a test holds it to.
    quoted: tuple[str, ...] = ()
    #: Sent by sites.
    from_sites: tuple[str, ...] = ()
    #: What to do, where it is known better than by the class.
    hint: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the texts, from the beginning of a word."""
        return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, (*self.quoted, *self.from_sites)))})")


#: The first row that has a text of any cause decides, so the narrow ones stand first. What needs a login
#: comes after what no login helps with: one that was refused for nothing would be taken for a bad one.
BY_TEXT: tuple[Row, ...] = (
    Row(ProtectedContent, quoted=("drm protected", "known to use drm protection")),
    Row(
        RateLimited,
        quoted=("has been rate-limited", "exceeded the rate limit", "your ip is likely being blocked"),
        from_sites=("too many requests",),
    ),
    Row(
        NotYetAvailable,
        quoted=(
            "not started yet", "not yet started", "has not started", "premieres in", "is not currently live",
            "live event is scheduled for", "video is processing", "not downloadable yet",
        ),
        from_sites=("will begin in", "begins in", "is being processed", "still processing"),
    ),
    Row(
        NotFound,
        quoted=("replay is disabled", "protected by a password", "wrong video password"),
        from_sites=("private video", "because of its privacy settings"),
    ),
    Row(
        UnsupportedSource,
        quoted=("embed-only video without embedding url",),
        hint="It plays inside other pages only: give the link of such a page.",
    ),
    Row(
        GeoBlocked,
        quoted=("your ip address is blocked", "your ip address is unable to access"),
        hint="The site refuses this machine's address. Set a proxy for this source: [sources.NAME] proxy = …",
    ),
    Row(
        HttpFailure,
        quoted=("blocked due to its tls fingerprint",),
        hint="The site lets browsers in only. Install the extra reeldeck[impersonate], which speaks as one.",
    ),
    Row(
        AuthRequired,
        quoted=(
            "only available for registered users", "use --cookies", "log in", "login required", "logged into",
            "login is required", "requires login", "requiring login", "login details are needed",
            "requires authentication", "authentication is required", "not authorized", "fresh cookies",
            "members-only", "members only", "subscriber-only", "confirm your age", "age-restricted",
            "age restricted", "requiring a captcha challenge",
        ),
        # A bot check too: a login gets past it, and without one nothing but another address does.
        from_sites=(
            "sign in to confirm", "not a bot", "join this channel", "available to this channel's members",
            "premium members", "requires payment", "limits who can view",
        ),
    ),
    Row(
        GeoBlocked,
        quoted=("not available from your location", "in your country", "in your region", "geo restriction"),
        from_sites=("not available in your location",),
    ),
    Row(
        UnsupportedSource,
        quoted=(
            "unsupported url", "no suitable extractor", "is not a valid url", "no longer supported since",
            "not supported and will not be supported", "invalid facebook redirect url",
            "url was given without video id", "no vimeo embed or video id", "input url is missing",
        ),
    ),
    Row(
        FormatNotFound,
        quoted=(
            "requested format is not available", "no video formats found", "invalid format specification",
        ),
    ),
    Row(Unknown, quoted=("ffmpeg is not installed", "ffprobe not found", "ffmpeg not found")),
    Row(DiskFull, quoted=("no space left",), from_sites=("disk quota exceeded",)),
    # Fragments of a download that stay away; yt-dlp keeps only the words of what was met.
    Row(
        HttpFailure,
        quoted=("not found, unable to continue",),
        from_sites=("[download] got error: http error",),
    ),
    Row(NetworkFailure, quoted=("[download] got error",)),
    Row(MediaFailure, quoted=("the downloaded file is empty",)),
    Row(
        NotFound,
        quoted=(
            "has been removed", "was removed", "no longer available", "no longer exists", "video unavailable",
            "is unavailable", "video not available", "video is not available", "been deleted", "was deleted",
            "is private", "does not exist", "http error 404", "not found", "livestream has ended",
            "this channel does not have a", "has not been made available to anyone",
        ),
        from_sites=(
            "has been terminated", "http error 410", "isn't available anymore", "isn't available any more",
            "content isn't available", "copyright", "suspended account", "has been suspended",
        ),
    ),
    Row(
        UnsupportedSource,
        quoted=(
            "no video could be found", "no media found", "there is no video in this post", "is not a video",
            "does not have any videos posted",
        ),
    ),
)  # fmt: skip

#: What remains of HTTP statuses when no text was more exact.
BY_STATUS: Mapping[int, type[JobError]] = {
    401: AuthRequired,
    404: NotFound,
    408: NetworkFailure,
    410: NotFound,
    429: RateLimited,
    451: GeoBlocked,
}
