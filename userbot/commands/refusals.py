"""Writes down who tried to command what and where, and may not: one row a minute for each, however often."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.domain.job import ReplyTo
from core.domain.messenger import MessengerInterface
from userbot.permission import Refusal

WINDOW_S = 60.0
#: So many attempts are remembered; what is forgotten may be written down once more.
MAX_ATTEMPTS = 1000
#: Who tries more than this in a minute, of whatever kind, is only counted.
MAX_ROWS_EACH = 10


@dataclass(slots=True)
class _Window:
    opened: float
    #: Rows in it, and attempts since the last one.
    rows: int = 0
    unwritten: int = 0


class Refusals:
    """The record of refused commands.

    Args:
        engine: Keeps the record.
        clock: Seconds that only grow.
    """

    def __init__(self, engine: MessengerInterface, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        #: By person, and by person, chat and command.
        self._windows: OrderedDict[tuple[object, ...], _Window] = OrderedDict()

    async def note(self, name: str, why: Refusal, place: ReplyTo, user_id: int | None) -> None:
        """Write down an attempt, or count it for the next row of its kind.

        *user_id* is None for those who hide behind a chat: that chat stands for them.
        """
        who = user_id if user_id is not None else place.chat_id
        person, kind = self._window((who,)), self._window((who, place.chat_id, name))
        kind.unwritten += 1
        if kind.rows or person.rows >= MAX_ROWS_EACH:
            return
        person.rows, kind.rows = person.rows + 1, 1
        count, kind.unwritten = kind.unwritten, 0
        await self._engine.audit_command(
            actor=f"telegram:{who}",
            action="command.refused",
            target=str(place.chat_id),
            data={"command": name, "why": why.value, "message_id": place.message_id, "count": count},
        )

    def _window(self, key: tuple[object, ...]) -> _Window:
        """The minute of now of a person, or of one kind of attempt."""
        now = self._clock()
        window = self._windows.setdefault(key, _Window(now))
        if now - window.opened >= WINDOW_S:
            window.opened, window.rows = now, 0
        self._windows.move_to_end(key)
        if len(self._windows) > MAX_ATTEMPTS:
            self._windows.popitem(last=False)
        return window
