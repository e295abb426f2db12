"""How a job can fail, and what the engine does then."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from core.domain.errors.base import ReeldeckError


class RetryPolicy(StrEnum):
    """What the engine does with a job that failed this way."""

    BACKOFF = "backoff"
    """Again after the next step of the back-off, up to `retries.max_retries`."""
    AT_RETRY_AFTER = "retry_after"
    """Again when the server says so, else by back-off."""
    ONCE = "once"
    """One more try, then FAILED."""
    ONCE_CLEAN = "once_clean"
    """One more try with everything fetched so far thrown away."""
    NEXT_PROFILE = "next_profile"
    """With the next auth profile; parked when none is left."""
    PARK = "park"
    """Waits for what it needs (a start time, disk space), without using up a retry."""
    NEVER = "never"
    """Cannot heal by itself."""


class JobError(ReeldeckError):
    """A job's attempt failed.

    Args:
        detail: As in `ReeldeckError`.
        hint: As in `ReeldeckError`.
        retry_after_s: Seconds the server asked us to wait, or until the thing becomes available.
        remote_status: HTTP status the remote server answered with.
    """

    policy: ClassVar[RetryPolicy]

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        remote_status: int | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after_s = retry_after_s
        self.remote_status = remote_status

    @property
    def retry_policy(self) -> RetryPolicy:
        """How this very failure may be retried."""
        return self.policy


class NetworkFailure(JobError):
    """The connection failed, broke, or could not be made."""

    code = "NETWORK_ERROR"
    exit_code = 10
    http_status = 502
    policy = RetryPolicy.BACKOFF
    summary = "The network connection failed"
    default_hint = "It is tried again by itself. If it goes on, check that this machine reaches the site."


class HttpFailure(JobError):
    """The server answered with an error status that no other class describes."""

    code = "HTTP_ERROR"
    exit_code = 11
    http_status = 502
    policy = RetryPolicy.BACKOFF
    summary = "The server answered with an error"
    default_hint = "Open the link in a browser: if it fails there too, the site has a problem. Retry later."

    @property
    def retry_policy(self) -> RetryPolicy:
        """5xx may heal; any other status is an answer, and stays."""
        if self.remote_status is not None and self.remote_status < 500:
            return RetryPolicy.NEVER
        return RetryPolicy.BACKOFF


class RateLimited(JobError):
    """The server asked for fewer requests (HTTP 429 or its own words)."""

    code = "RATE_LIMIT"
    exit_code = 12
    http_status = 429
    policy = RetryPolicy.AT_RETRY_AFTER
    summary = "The site asks us to slow down"
    default_hint = (
        "It is tried again when the site allows it. Lower max_parallel for this source if it recurs."
    )


class AuthRequired(JobError):
    """The media needs a login that we do not have, or the login was refused."""

    code = "AUTH_ERROR"
    exit_code = 13
    http_status = 401
    policy = RetryPolicy.NEXT_PROFILE
    summary = "The site wants a login"
    default_hint = "Export the site's cookies from your browser and add them: reeldeck auth add SOURCE FILE"


class GeoBlocked(JobError):
    """Not offered where this machine is."""

    code = "GEO_BLOCK"
    exit_code = 14
    http_status = 451
    policy = RetryPolicy.NEVER
    summary = "Not available in this machine's country"
    default_hint = "Set a proxy in another country for this source: [sources.NAME] proxy = …"


class NotFound(JobError):
    """Removed, private, or never there."""

    code = "NOT_FOUND"
    exit_code = 15
    http_status = 404
    policy = RetryPolicy.NEVER
    summary = "Nothing is there (any more)"
    default_hint = (
        "Check the link. If it is private, add a login that may see it: reeldeck auth add SOURCE FILE"
    )


class NotYetAvailable(JobError):
    """Scheduled, live only, or still being processed by the site."""

    code = "NOT_YET_AVAILABLE"
    exit_code = 16
    http_status = 425
    policy = RetryPolicy.PARK
    summary = "Not available yet"
    default_hint = "The job waits and looks again by itself."


class ExtractorFailure(JobError):
    """yt-dlp failed in a way that a second try may heal."""

    code = "EXTRACTOR_ERROR"
    exit_code = 17
    http_status = 502
    policy = RetryPolicy.ONCE
    summary = "The site could not be read"
    default_hint = "See the job's events. A newer yt-dlp may know the site better: reeldeck ytdlp update"


class ExtractorOutdated(JobError):
    """The installed yt-dlp does not understand the site any more."""

    code = "EXTRACTOR_UPDATE_REQUIRED"
    exit_code = 18
    http_status = 502
    policy = RetryPolicy.NEVER
    summary = "The site changed and yt-dlp must be updated"
    default_hint = "Update it: reeldeck ytdlp update, then retry the job."


class FloodWait(JobError):
    """Telegram asked us to wait."""

    code = "FLOOD_WAIT"
    exit_code = 19
    http_status = 429
    policy = RetryPolicy.PARK
    summary = "Telegram asks us to wait"
    default_hint = "It goes on by itself when the wait is over."


class SessionLost(JobError):
    """Telegram does not know the account's login (any more), or there is none."""

    code = "TELEGRAM_LOGIN"
    exit_code = 31
    http_status = 503
    policy = RetryPolicy.PARK
    summary = "The Telegram account is not logged in"
    default_hint = "Log in: reeldeck telegram login"


class SizeLimit(JobError):
    """Larger than the configured limit."""

    code = "SIZE_LIMIT"
    exit_code = 20
    http_status = 413
    policy = RetryPolicy.NEVER
    summary = "Larger than the limit"
    default_hint = "Choose a lower quality, or raise limits.max_file_size_bytes."


class FormatNotFound(JobError):
    """The wanted format or quality does not exist."""

    code = "FORMAT_NOT_FOUND"
    exit_code = 21
    http_status = 404
    policy = RetryPolicy.NEVER
    summary = "The wanted format is not offered"
    default_hint = "Ask for another quality, or leave it out to take the best."


class ParserFailure(JobError):
    """A page or playlist no longer looks as its parser expects."""

    code = "PARSER_ERROR"
    exit_code = 22
    http_status = 502
    policy = RetryPolicy.NEVER
    summary = "The page or playlist could not be understood"
    default_hint = "The site may have changed. Report the link so that its parser can be mended."


class ProtectedContent(JobError):
    """DRM."""

    code = "PROTECTED_CONTENT"
    exit_code = 23
    http_status = 403
    policy = RetryPolicy.NEVER
    summary = "Protected against copying (DRM)"
    default_hint = "Reeldeck does not break protection. Nothing can be done here."


class UnsupportedSource(JobError):
    """No source can handle the link."""

    code = "UNSUPPORTED_SOURCE"
    exit_code = 24
    http_status = 415
    policy = RetryPolicy.NEVER
    summary = "No media was found behind this link"
    default_hint = "Give the link of the video or file itself. `reeldeck doctor` lists what is supported."


class BlockedAddress(JobError):
    """The link, or something it leads to, points at a private or special address."""

    code = "BLOCKED_ADDRESS"
    exit_code = 25
    http_status = 403
    policy = RetryPolicy.NEVER
    summary = "The address is not on the public internet"
    default_hint = "If that machine is yours and meant, name its network in network.allow_addresses."


class DiskFull(JobError):
    """Not enough room, or a folder that cannot be written to."""

    code = "DISK_FULL"
    exit_code = 26
    http_status = 507
    policy = RetryPolicy.PARK
    summary = "The disk cannot take the file"
    default_hint = "Free some space; jobs go on by themselves once limits.min_free_disk_bytes is met."


class MediaFailure(JobError):
    """ffmpeg failed, or the result is not what it should be."""

    code = "MEDIA_ERROR"
    exit_code = 27
    http_status = 502
    policy = RetryPolicy.ONCE_CLEAN
    summary = "The media is damaged or could not be processed"
    default_hint = "It is fetched once more from the start. If that fails too, the original is damaged."


class StageTimeout(JobError):
    """A stage took longer than its limit."""

    code = "TIMEOUT"
    exit_code = 28
    http_status = 504
    policy = RetryPolicy.BACKOFF
    summary = "It took too long"
    default_hint = "It is tried again. Raise the matching value in [timeouts] for slow sources."


class Stalled(JobError):
    """No progress for longer than `timeouts.stall_s`."""

    code = "STALE"
    exit_code = 29
    http_status = 504
    policy = RetryPolicy.BACKOFF
    summary = "The transfer stood still"
    default_hint = "It is tried again from where it stopped."


class Unknown(JobError):
    """A fault in Reeldeck itself, or one that no class describes."""

    code = "UNKNOWN"
    exit_code = 30
    policy = RetryPolicy.ONCE
    summary = "Something unexpected went wrong"
    default_hint = "Look at `reeldeck logs --job ID` and report it with those lines."
