"""Retries inside a transfer, of one piece or segment; those of a whole job are the engine's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.domain.errors import JobError, RetryPolicy

T = TypeVar("T")

MAX_RETRIES = 5
#: The first wait is at most this, each further one at most four times the one before.
BASE_WAIT_S = 0.1
MAX_WAIT_S = 5.0
#: A server that asks for a longer wait is left to the engine, which can do something else meanwhile.
MAX_RETRY_AFTER_S = 60.0

_TRANSIENT = frozenset({RetryPolicy.BACKOFF, RetryPolicy.AT_RETRY_AFTER})


def is_transient(error: JobError) -> bool:
    """Whether asking again may help."""
    return error.retry_policy in _TRANSIENT


class Retries:
    """A budget of retries. Progress refills it."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = MAX_RETRIES if limit is None else limit
        self._used = 0

    def refill(self) -> None:
        """Bytes came: the next failure is a new one."""
        self._used = 0

    async def wait_after(self, error: JobError) -> None:
        """Wait as long as is due before another try, with full jitter or as the server said.

        Raises:
            JobError: *error* itself, when another try is of no use, not allowed any more, or too far away.
        """
        wait_s = error.retry_after_s
        if not is_transient(error) or self._used >= self._limit or (wait_s or 0) > MAX_RETRY_AFTER_S:
            raise error
        if wait_s is None:
            wait_s = random.uniform(0, min(BASE_WAIT_S * 4**self._used, MAX_WAIT_S))  # noqa: S311 -- jitter
        self._used += 1
        await asyncio.sleep(wait_s)


async def retried(ask: Callable[[], Awaitable[T]]) -> T:
    """Call *ask* until it works or the budget is used up."""
    retries = Retries()
    while True:
        try:
            return await ask()
        except JobError as error:
            await retries.wait_after(error)
