"""Writes down who tried to command and may not: one row a minute for each of them, however often they try."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.domain.job import ReplyTo
from core.domain.messenger import MessengerInterface
from userbot.permission import Refusal

WINDOW_S = 60.0
#: So many people are remembered; who is forgotten may be written down once more.
MAX_PEOPLE = 1000


@dataclass(slots=True)
class _Window:
    written: float
    #: Attempts since the last row.
    count: int = 0


class Refusals:
    """The record of refused commands.

    Args:
        engine: Keeps the record.
        clock: Seconds that only grow.
    """

    def __init__(self, engine: MessengerInterface, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._windows: OrderedDict[int, _Window] = OrderedDict()

    async def note(self, name: str, why: Refusal, place: ReplyTo, user_id: int | None) -> None:
        """Write down an attempt, or count it for the next row of the same person.

        *user_id* is None for those who hide behind a chat: that chat stands for them.
        """
        now, who = self._clock(), user_id if user_id is not None else place.chat_id
        window = self._windows.get(who)
        if window is not None and now - window.written < WINDOW_S:
            window.count += 1
            return
        count = (window.count if window else 0) + 1
        self._windows[who] = _Window(now)
        self._windows.move_to_end(who)
        if len(self._windows) > MAX_PEOPLE:
            self._windows.popitem(last=False)
        await self._engine.audit_command(
            actor=f"telegram:{who}",
            action="command.refused",
            target=str(place.chat_id),
            data={"command": name, "why": why.value, "message_id": place.message_id, "count": count},
        )
