"""Refuse new jobs beyond the configured limits, saying which limit and when to try again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable

from core.config.settings import Limits
from core.domain.errors import LimitReached
from core.domain.job import JobStatus, Request
from core.store.store import Store

HOUR_S = 3600.0


class Admission:
    """Judges the requests of one batch, one after the other, before any of them is stored.

    Args:
        store: Knows the jobs that are there.
        limits: The configured ones.
        now: When the batch came, seconds since the epoch.
    """

    def __init__(self, store: Store, limits: Limits, *, now: float) -> None:
        self._store = store
        self._limits = limits
        self._since = now - HOUR_S
        #: Keys of the jobs that were let in, of all and of each user and chat: those of one key are one job.
        self._let_in: set[str] = set()
        self._by_whom: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        #: What the store has said: it is asked once about each user and chat.
        self._stored: dict[tuple[str, int], int] = {}

    async def admit(self, request: Request, job_key: str) -> None:
        """Let in a request for the job of this key.

        Raises:
            LimitReached: With the limit's name and the time to come back.
        """
        waiting = sum(count for status, count in self._store.counts.items() if not JobStatus(status).is_final)
        waiting += _others(self._let_in, job_key)
        if waiting >= self._limits.max_queue_length:
            raise LimitReached(
                f"{waiting} jobs are waiting and max_queue_length is {self._limits.max_queue_length}",
                hint="Wait until some have finished, cancel some, or raise limits.max_queue_length.",
            )
        await self._admit_user(request.user_id, job_key)
        await self._admit_chat(request.chat_id, job_key)
        self._let_in.add(job_key)
        for name, number in (("user", request.user_id), ("chat", request.chat_id)):
            if number is not None:
                self._by_whom[name, number].add(job_key)

    async def _admit_user(self, user_id: int | None, job_key: str) -> None:
        if user_id is None:
            return
        jobs, fresh = self._store.jobs, _others(self._by_whom["user", user_id], job_key)
        if self._limits.max_active_jobs_per_user:
            active = fresh + await self._once("active", user_id, lambda: jobs.unfinished_of(user_id))
            if active >= self._limits.max_active_jobs_per_user:
                raise LimitReached(
                    f"{active} of your jobs are unfinished and max_active_jobs_per_user allows no more",
                    hint="Wait until one has finished, or cancel one.",
                )
        if self._limits.max_jobs_per_user_per_hour:
            added = fresh + await self._once(
                "user", user_id, lambda: jobs.created_since(user_id=user_id, since=self._since)
            )
            if added >= self._limits.max_jobs_per_user_per_hour:
                raise _per_hour(f"you added {added} jobs in the last hour", "max_jobs_per_user_per_hour")

    async def _admit_chat(self, chat_id: int | None, job_key: str) -> None:
        if chat_id is None or not self._limits.max_jobs_per_chat_per_hour:
            return
        jobs, fresh = self._store.jobs, _others(self._by_whom["chat", chat_id], job_key)
        added = fresh + await self._once(
            "chat", chat_id, lambda: jobs.created_since(chat_id=chat_id, since=self._since)
        )
        if added >= self._limits.max_jobs_per_chat_per_hour:
            raise _per_hour(f"this chat added {added} jobs in the last hour", "max_jobs_per_chat_per_hour")

    async def _once(self, what: str, number: int, ask: Callable[[], Awaitable[int]]) -> int:
        if (what, number) not in self._stored:
            self._stored[what, number] = await ask()
        return self._stored[what, number]


def _others(keys: set[str], key: str) -> int:
    return len(keys) - (key in keys)


def _per_hour(what: str, limit: str) -> LimitReached:
    return LimitReached(
        f"{what} and {limit} allows no more", hint="Try again within the hour.", retry_after_s=HOUR_S
    )
