"""yt-dlp's failures as errors of the tree, by tables: types first, then what texts say, then HTTP statuses.

Texts come from the sites through yt-dlp and change, so every path ends in a class that says what is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from core.domain.errors import (
    ERRORS,
    AuthRequired,
    BlockedAddress,
    DiskFull,
    ExtractorFailure,
    ExtractorOutdated,
    FormatNotFound,
    GeoBlocked,
    HttpFailure,
    JobError,
    MediaFailure,
    NetworkFailure,
    NotFound,
    NotYetAvailable,
    ProtectedContent,
    RateLimited,
    Unknown,
    UnsupportedSource,
)

#: yt-dlp comes out about once a month; sites change faster than one that is older than this.
OUTDATED_AFTER_DAYS = 60
_MAX_DETAIL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One link of the chain of exceptions behind a failure, as the worker describes it."""

    #: Names of its class and the classes above it.
    types: tuple[str, ...]
    text: str
    #: yt-dlp's own word for "this is the site's answer, not a bug"; None where it says nothing.
    expected: bool | None = None
    #: HTTP status.
    status: int | None = None
    retry_after: str | None = None
    #: Code that the engine's proxy put on its own answer.
    proxy_error: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cause:
        """From the worker's message."""
        return cls(**{**data, "types": tuple(data["types"])})


#: What an exception class alone says.
BY_TYPE: Mapping[str, type[JobError]] = {
    "GeoRestrictedError": GeoBlocked,
    "UserNotLive": NotYetAvailable,
    "UnsupportedError": UnsupportedSource,
}


@dataclass(frozen=True)
class Row:
    """Texts (lower case) that mean one error class."""

    error: type[JobError]
    #: Found word for word in yt-dlp's own sources, which a test holds it to.
    quoted: tuple[str, ...] = ()
    #: Sent by sites.
    from_sites: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the texts, from the beginning of a word."""
        return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, (*self.quoted, *self.from_sites)))})")


#: The first row that has a text of any cause decides, so the narrow ones stand first.
BY_TEXT: tuple[Row, ...] = (
    Row(ProtectedContent, quoted=("drm protected", "known to use drm protection")),
    Row(
        RateLimited,
        quoted=("has been rate-limited", "exceeded the rate limit"),
        from_sites=("too many requests",),
    ),
    Row(
        NotYetAvailable,
        quoted=("not started yet", "premieres in", "is not currently live", "has not started"),
        from_sites=("will begin in", "begins in", "is being processed", "still processing"),
    ),
    Row(
        AuthRequired,
        quoted=(
            "only available for registered users", "use --cookies", "log in", "login required",
            "login is required", "requires login", "requires authentication", "not authorized",
            "members-only", "members only", "confirm your age", "age-restricted", "age restricted",
        ),
        from_sites=("sign in to confirm", "not a bot", "join this channel"),
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
            "not supported and will not be supported",
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
            "has been removed", "was removed", "no longer available", "video unavailable", "been deleted",
            "was deleted", "private video", "is private", "does not exist", "http error 404", "not found",
        ),
        from_sites=("has been terminated", "http error 410", "isn't available anymore"),
    ),
    Row(UnsupportedSource, quoted=("no video could be found in this tweet", "no media found")),
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
_NETWORK_TYPES = frozenset(
    {
        "TransportError",
        "IncompleteRead",
        "ContentTooShortError",
        "EOFError",
        "TimeoutError",
        "ConnectionError",
    }
)
#: If the engine's proxy refuses a CONNECT, yt-dlp sees the status line only: its reason is the error's code.
_TUNNEL = re.compile(r"tunnel connection failed: \d{3} ([a-z_]+)")
_STATUS = re.compile(r"http error (\d{3})\b")
_REPORTED = "ERROR: "
_ADVICE = re.compile(r"; please report this issue|\. Use --|\s*\(caused by| You might want to use a VPN")
_BUG_WORDS = "please report this issue"
_WAIT = re.compile(r"(?:begins?|premieres|starts?) in (\d+|an?|one|a few) (second|minute|hour|day)s?")
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def classify(causes: Sequence[Cause], *, version: str, today: date | None = None) -> JobError:
    """The error of the tree for what the worker reported.

    Args:
        causes: Outermost first, at least one.
        version: The worker's yt-dlp.
        today: For the age of *version*.
    """
    text = "\n".join(cause.text for cause in causes).lower().replace("\u2019", "'")
    if refusal := _refused_by_proxy(causes, text):
        return refusal
    status = _status(causes, text)
    found = _error_class(causes, text, status) or _unexplained(causes, text, version, today)
    is_about_ytdlp = found in {ExtractorFailure, ExtractorOutdated}
    return found(
        _detail(causes),
        hint=f"{found.default_hint} (yt-dlp {version})" if is_about_ytdlp else None,
        remote_status=status,
        retry_after_s=_retry_after_s(causes) if found in {RateLimited, NotYetAvailable} else None,
    )


def _refused_by_proxy(causes: Sequence[Cause], text: str) -> JobError | None:
    """What the engine's own proxy said instead of the site."""
    tunnel = _TUNNEL.search(text)
    codes = [*(cause.proxy_error for cause in causes), tunnel[1].upper() if tunnel else None]
    for code in filter(None, codes):
        error = ERRORS.get(code)
        if error is BlockedAddress:
            return BlockedAddress("the link, or something behind it, leads to such an address")
        if error and issubclass(error, JobError):
            return error("the site, or something it leads to, cannot be reached")
    return None


def _status(causes: Sequence[Cause], text: str) -> int | None:
    in_words = _STATUS.search(text)
    by_cause = next((cause.status for cause in causes if cause.status), None)
    return by_cause or (int(in_words[1]) if in_words else None)


def _error_class(causes: Sequence[Cause], text: str, status: int | None) -> type[JobError] | None:
    types = {name for cause in causes for name in cause.types}
    for name, error in BY_TYPE.items():
        if name in types:
            return error
    for row in BY_TEXT:
        if row.pattern.search(text):
            return row.error
    if status is not None:
        return BY_STATUS.get(status, HttpFailure)
    if types & _NETWORK_TYPES:
        return NetworkFailure
    return None


def _unexplained(causes: Sequence[Cause], text: str, version: str, today: date | None) -> type[JobError]:
    """A bug of yt-dlp, a site it does not understand, or words that the tables do not know yet."""
    is_bug = _BUG_WORDS in text or any(cause.expected is False for cause in causes)
    if not is_bug:
        return ExtractorFailure
    released = version_date(version)
    age = (today or datetime.now(UTC).date()) - released if released else timedelta()
    return ExtractorOutdated if age.days > OUTDATED_AFTER_DAYS else ExtractorFailure


def version_date(version: str) -> date | None:
    """The day of a yt-dlp version such as `2026.10.26` or `2026.10.26.233141.dev0`."""
    try:
        year, month, day = (int(part) for part in version.split(".")[:3])
        return date(year, month, day)
    except ValueError:
        return None


def _retry_after_s(causes: Sequence[Cause]) -> float | None:
    for cause in causes:
        if cause.retry_after and cause.retry_after.strip().isdigit():
            return float(cause.retry_after)
        if wait := _WAIT.search(cause.text.lower()):
            amount = int(wait[1]) if wait[1].isdigit() else 1
            return float(amount * _UNIT_S[wait[2]])
    return None


def _detail(causes: Sequence[Cause]) -> str:
    """yt-dlp's own words on one line, without its advice to its own users."""
    by_extractor = (cause.text for cause in causes if "ExtractorError" in cause.types)
    reported = (cause.text for cause in reversed(causes) if cause.text.startswith(_REPORTED))
    text = next(by_extractor, None) or next(reported, None) or causes[0].text
    line = " ".join(text.removeprefix(_REPORTED).replace("[download] ", "").split())
    return _ADVICE.split(line)[0][:_MAX_DETAIL]
