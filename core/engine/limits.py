"""Refuse new jobs beyond the configured limits, saying which limit and when to try again."""

from __future__ import annotations

from core.config.settings import Limits
from core.domain.errors import LimitReached
from core.domain.job import JobStatus, Request
from core.store.store import Store

HOUR_S = 3600.0


async def admit(store: Store, limits: Limits, request: Request, *, now: float, more: int = 1) -> None:
    """Return when *more* jobs like *request* may be added.

    Raises:
        LimitReached: With the limit's name and the time to come back.
    """
    unfinished = sum(count for status, count in store.counts.items() if not JobStatus(status).is_final)
    if unfinished + more > limits.max_queue_length:
        raise LimitReached(
            f"{unfinished} jobs are waiting and max_queue_length is {limits.max_queue_length}",
            hint="Wait until some have finished, cancel some, or raise limits.max_queue_length.",
        )
    await _admit_user(store, limits, request, now=now)
    if request.chat_id is not None and limits.max_jobs_per_chat_per_hour:
        added = await store.jobs.created_since(chat_id=request.chat_id, since=now - HOUR_S)
        if added >= limits.max_jobs_per_chat_per_hour:
            raise _per_hour(f"this chat added {added} jobs in the last hour", "max_jobs_per_chat_per_hour")


async def _admit_user(store: Store, limits: Limits, request: Request, *, now: float) -> None:
    if request.user_id is None:
        return
    if limits.max_active_jobs_per_user:
        active = await store.jobs.unfinished_of(request.user_id)
        if active >= limits.max_active_jobs_per_user:
            raise LimitReached(
                f"{active} of your jobs are unfinished and max_active_jobs_per_user allows no more",
                hint="Wait until one has finished, or cancel one.",
            )
    if limits.max_jobs_per_user_per_hour:
        added = await store.jobs.created_since(user_id=request.user_id, since=now - HOUR_S)
        if added >= limits.max_jobs_per_user_per_hour:
            raise _per_hour(f"you added {added} jobs in the last hour", "max_jobs_per_user_per_hour")


def _per_hour(what: str, limit: str) -> LimitReached:
    return LimitReached(
        f"{what} and {limit} allows no more", hint="Try again within the hour.", retry_after_s=HOUR_S
    )
