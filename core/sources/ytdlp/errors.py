"""yt-dlp's failures as errors of the tree: by the tables of `texts`, and what these do not know as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.domain.errors import (
    ERRORS,
    BlockedAddress,
    ExtractorFailure,
    ExtractorOutdated,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotYetAvailable,
    RateLimited,
)
from core.sources.ytdlp.install import UPDATE
from core.sources.ytdlp.texts import BY_STATUS, BY_TEXT, BY_TYPE

#: yt-dlp comes out about once a month; sites change faster than one that is older than this.
OUTDATED_AFTER_DAYS = 60
_MAX_DETAIL = 300
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
#: libcurl (curl_cffi) tells of it nothing but the status, which the proxy gives for a blocked address alone.
_CURL_BLOCKED = "connect tunnel failed, response 403"
_STATUS = re.compile(r"http error (\d{3})\b")
_REPORTED = "ERROR: "
_ADVICE = re.compile(r"; please report this issue|\. Use --|\s*\(caused by| You might want to use a VPN")
_BUG_WORDS = "please report this issue"
_WAIT = re.compile(
    r"(?:begins? in|premieres in|starts? in|for up to) (\d+|an?|one|a few) (second|minute|hour|day)s?"
)
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


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
    found, hint = _judged(causes, text, status)
    if found is None:
        found, hint = _unexplained(causes, text, version, today)
    return found(
        _detail(causes),
        hint=hint,
        remote_status=status,
        retry_after_s=_retry_after_s(causes) if found in {RateLimited, NotYetAvailable} else None,
    )


def _refused_by_proxy(causes: Sequence[Cause], text: str) -> JobError | None:
    """What the engine's own proxy said instead of the site."""
    tunnel = _TUNNEL.search(text)
    codes = [*(cause.proxy_error for cause in causes), tunnel[1].upper() if tunnel else None]
    if _CURL_BLOCKED in text:
        codes.append(BlockedAddress.code)
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


def _judged(
    causes: Sequence[Cause], text: str, status: int | None
) -> tuple[type[JobError] | None, str | None]:
    """The class that the tables know, and a hint where one is better than the class's own."""
    types = {name for cause in causes for name in cause.types}
    for name, error in BY_TYPE.items():
        if name in types:
            return error, None
    for row in BY_TEXT:
        if row.pattern.search(text):
            return row.error, row.hint
    if status is not None:
        return BY_STATUS.get(status, HttpFailure), None
    return (NetworkFailure if types & _NETWORK_TYPES else None), None


def _unexplained(
    causes: Sequence[Cause], text: str, version: str, today: date | None
) -> tuple[type[JobError], str]:
    """A bug of yt-dlp, a site it does not understand, or words that the tables do not know yet."""
    is_bug = _BUG_WORDS in text or any(cause.expected is False for cause in causes)
    released = version_date(version)
    age = (today or datetime.now(UTC).date()) - released if released else timedelta()
    if is_bug and age.days > OUTDATED_AFTER_DAYS:
        told = f"yt-dlp {version} is {age.days} days old. Update it: {UPDATE}, then retry the job."
        return ExtractorOutdated, told
    return ExtractorFailure, f"A newer yt-dlp than {version} may know the site better: {UPDATE}"


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
