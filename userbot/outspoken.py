"""How often a chat is told in words of what went wrong: a hundred failures are no hundred messages."""

from __future__ import annotations

import asyncio


class Words:
    """A budget of texts for each chat.

    Args:
        at_once: So many in a row.
        refill_s: Seconds for each further one.
    """

    def __init__(self, *, at_once: int, refill_s: float) -> None:
        self._span_s = at_once * refill_s
        self._refill_s = refill_s
        #: By chat, when all that was said is made up for; by the loop's clock.
        self._paid_at: dict[int, float] = {}

    def allow(self, chat_id: int) -> bool:
        """Whether one more may be said now."""
        now = asyncio.get_running_loop().time()
        return self._paid_at.get(chat_id, now) - now <= self._span_s - self._refill_s

    def said(self, chat_id: int) -> None:
        """One was said."""
        now = asyncio.get_running_loop().time()
        self._paid_at[chat_id] = max(self._paid_at.get(chat_id, now), now) + self._refill_s
