"""Decide what becomes of a failed attempt. Owns no clock and no database."""

from __future__ import annotations

from dataclasses import dataclass

from core.config.settings import Retries
from core.domain.errors import DiskFull, FloodWait, JobError, RetryPolicy, SessionLost
from core.domain.events import EventType
from core.domain.job import WAITING_DISK, WAITING_LIVE, WAITING_RETRY
from core.engine.logins import LoginWanted

#: How long a job that is not yet available waits before it looks again, unless the site said when.
LOOK_AGAIN_S = 300.0
JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the job."""

    #: Written into the timeline.
    event: EventType
    #: `waiting_for` of the job that goes on later; None when it fails for good.
    waiting_for: str | None = None
    #: Seconds until it goes on; None when something else than time releases it.
    wait_s: float | None = None
    #: Whether this uses up one of the automatic retries.
    counts: bool = False
    #: Whether everything fetched so far is thrown away first.
    from_clean: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the job fails for good."""
        return self.waiting_for is None


def decide(error: JobError, *, retry_count: int, settings: Retries, chance: float) -> Decision:
    """What to do after *error*.

    Args:
        error: Why the attempt failed.
        retry_count: Automatic retries used up so far.
        settings: Limits and waits.
        chance: A random number from 0 to 1, for the jitter.
    """
    policy = error.retry_policy
    if isinstance(error, LoginWanted):
        return Decision(event=EventType.PARKED, waiting_for=error.waiting_for, wait_s=error.retry_after_s)
    if policy is RetryPolicy.PARK:
        return _park(error)
    if policy in {RetryPolicy.NEVER, RetryPolicy.NEXT_PROFILE}:
        return Decision(event=EventType.RETRY_SKIPPED)
    is_once = policy in {RetryPolicy.ONCE, RetryPolicy.ONCE_CLEAN}
    if retry_count >= (min(1, settings.max_retries) if is_once else settings.max_retries):
        return Decision(event=EventType.MAX_RETRIES_REACHED)
    step_s = settings.backoff_s[min(retry_count, len(settings.backoff_s) - 1)] if settings.backoff_s else 0.0
    wait_s = step_s * (1 + JITTER * (2 * chance - 1))
    if error.retry_after_s is not None:
        # Coming back earlier than asked gets addresses and accounts locked.
        wait_s = max(error.retry_after_s, 0.0 if policy is RetryPolicy.AT_RETRY_AFTER else wait_s)
    return Decision(
        event=EventType.RETRY_SCHEDULED,
        waiting_for=WAITING_RETRY,
        wait_s=wait_s,
        counts=True,
        from_clean=policy is RetryPolicy.ONCE_CLEAN,
    )


def _park(error: JobError) -> Decision:
    if isinstance(error, DiskFull):
        return Decision(event=EventType.PARKED, waiting_for=WAITING_DISK)
    waiting_for = WAITING_RETRY if isinstance(error, FloodWait | SessionLost) else WAITING_LIVE
    wait_s = error.retry_after_s if error.retry_after_s is not None else LOOK_AGAIN_S
    return Decision(event=EventType.PARKED, waiting_for=waiting_for, wait_s=wait_s)
