"""The manners of feedback: no call while Telegram says to wait, and none that a chat does not allow."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.domain.errors import FloodWait, Forbidden, NetworkFailure
from userbot.faults import SlowMode

log = logging.getLogger("reeldeck.telegram.feedback")
T = TypeVar("T")

#: A wait whose length Telegram does not name.
UNNAMED_WAIT_S = 60.0
#: An answer that has not come by then was lost: calls are safe to repeat.
ANSWER_WITHIN_S = 60.0
#: What a chat does not allow is tried again after this: its owners may have changed their mind.
FORBIDDEN_S = 3600.0
#: Longer waits are worth telling the owner.
LONG_WAIT_S = 60.0
_ALL = 0
#: Takes until when (seconds since the epoch) Telegram wants something to wait, and why.
OnRest = Callable[[float, str], None]


class Later(Exception):
    """Not before *at* (of the loop's clock). Control flow, not a failure."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at


class Patience:
    """Calls of some kinds, each kind with its own waits; a chat may forbid a kind, or slow it down.

    Args:
        gap_s: Seconds after each call, so that a burst of links is not one of calls.
        on_rest: Hears of waits that last.
    """

    def __init__(self, *, gap_s: float, on_rest: OnRest | None = None) -> None:
        self._gap_s = gap_s
        self._on_rest = on_rest
        #: By kind and chat, or all chats.
        self._open_at: dict[tuple[str, int], float] = {}
        self._forbidden_until: dict[tuple[str, int], float] = {}

    def opens_at(self, kind: str, chat_id: int) -> float:
        """When a call may be made, by the loop's clock; a time in the past is now."""
        return max(self._open_at.get((kind, chat_id), 0.0), self._open_at.get((kind, _ALL), 0.0))

    async def call(self, kind: str, chat_id: int, make: Callable[[], Awaitable[T]]) -> T | None:
        """What the call answers; None where the chat does not allow its kind.

        Raises:
            Later: Telegram wants calls of this kind to wait, since now or before.
            NetworkFailure: There was no answer.
        """
        clock = asyncio.get_running_loop().time
        if (at := self.opens_at(kind, chat_id)) > clock():
            raise Later(at)
        if self._forbidden_until.get((kind, chat_id), 0.0) > clock():
            return None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await make()
        except TimeoutError as error:
            raise NetworkFailure("Telegram did not answer") from error
        except FloodWait as wait:
            wait_s = wait.retry_after_s or UNNAMED_WAIT_S
            where = chat_id if isinstance(wait, SlowMode) else _ALL
            self._open_at[kind, where] = clock() + wait_s
            if where == _ALL and wait_s >= LONG_WAIT_S:
                self._tell(kind, wait, wait_s)
            raise Later(clock() + wait_s) from wait
        except Forbidden:
            log.info("a chat takes no feedback", extra={"chat_id": chat_id, "kind": kind})
            self._forbidden_until[kind, chat_id] = clock() + FORBIDDEN_S
            return None
        finally:
            await asyncio.sleep(self._gap_s)

    def _tell(self, kind: str, wait: FloodWait, wait_s: float) -> None:
        log.warning("telegram wants feedback to wait", extra={"kind": kind, "wait_s": wait_s})
        if self._on_rest is not None:
            self._on_rest(time.time() + wait_s, f"{wait.summary}: {kind}, {wait.detail}")
