"""The manners of feedback: no call while Telegram says to wait, and none that a chat does not allow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.domain.errors import FloodWait, Forbidden, NetworkFailure

log = logging.getLogger("reeldeck.telegram.feedback")
T = TypeVar("T")

#: A wait whose length Telegram does not name.
UNNAMED_WAIT_S = 60.0
#: An answer that has not come by then was lost: calls are safe to repeat.
ANSWER_WITHIN_S = 60.0


class Later(Exception):
    """Not before *at* (of the loop's clock). Control flow, not a failure."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at


class Patience:
    """Calls of some kinds, each kind with its own waits; a chat may forbid a kind.

    Args:
        gap_s: Seconds after each call, so that a burst of links is not one of calls.
    """

    def __init__(self, *, gap_s: float) -> None:
        self._gap_s = gap_s
        self._open_at: dict[str, float] = {}
        self._forbidden: set[tuple[int, str]] = set()

    async def call(self, kind: str, chat_id: int, make: Callable[[], Awaitable[T]]) -> T | None:
        """What the call answers; None where the chat does not allow its kind.

        Raises:
            Later: Telegram wants calls of this kind to wait, since now or before.
            NetworkFailure: There was no answer.
        """
        clock = asyncio.get_running_loop().time
        if (at := self._open_at.get(kind, 0.0)) > clock():
            raise Later(at)
        if (chat_id, kind) in self._forbidden:
            return None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await make()
        except TimeoutError as error:
            raise NetworkFailure("Telegram did not answer") from error
        except FloodWait as wait:
            self._open_at[kind] = clock() + (wait.retry_after_s or UNNAMED_WAIT_S)
            raise Later(self._open_at[kind]) from wait
        except Forbidden:
            log.info("a chat takes no feedback", extra={"chat_id": chat_id, "kind": kind})
            self._forbidden.add((chat_id, kind))
            return None
        finally:
            await asyncio.sleep(self._gap_s)
