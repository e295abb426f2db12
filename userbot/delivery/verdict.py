"""What becomes of a delivery that failed: another try, and when, or none. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.errors import JobError, ReeldeckError, RetryPolicy

#: An outage of Telegram must not fail deliveries: both have to be exceeded.
PATIENCE_S = 24 * 3600.0
PATIENCE_TRIES = 30
#: Between tries at most, where Telegram has not named a time.
LONGEST_WAIT_S = 3600.0
#: What may be a whim of the file or of Telegram gets so many tries, waits included.
FEW_TRIES = 3

_PATIENT = frozenset({RetryPolicy.BACKOFF, RetryPolicy.AT_RETRY_AFTER, RetryPolicy.PARK})
_FEW = frozenset({RetryPolicy.ONCE, RetryPolicy.ONCE_CLEAN})


def next_try_s(
    error: ReeldeckError, *, attempt: int, age_s: float, backoff_s: Sequence[float]
) -> float | None:
    """Seconds to the next try, None for none.

    Args:
        error: Why it failed.
        attempt: Tries so far, counted from 1.
        age_s: How long ago it was asked for.
        backoff_s: Waits after the first failures; later ones double.
    """
    if not isinstance(error, JobError):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s
    policy = error.retry_policy
    is_patient = policy in _PATIENT and (attempt < PATIENCE_TRIES or age_s < PATIENCE_S)
    if not is_patient and not (policy in _FEW and attempt < FEW_TRIES):
        return None
    steps = [*backoff_s] or [60.0]
    if attempt <= len(steps):
        return min(steps[attempt - 1], LONGEST_WAIT_S)
    return float(min(steps[-1] * 2.0 ** min(attempt - len(steps), 30), LONGEST_WAIT_S))
