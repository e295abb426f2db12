"""What was commanded, in the record of changes; and whether a command stands there already.

After a restart, or a new connection, Telegram may tell of a message again. To cancel all jobs twice is not
what its owner meant, so a command that changes something is obeyed at most once.
"""

from __future__ import annotations

import re
import time

from core.domain.messenger import MessengerInterface
from userbot.commands.call import Call
from userbot.permission import FRESH_S

#: Arguments that are written down: words, numbers and settings, but no links and nothing in quotes.
_RECORDED = re.compile(r"[\w@#=,.-]{1,60}")
_MAX_RECORDED = 200
#: By so much the clocks of Telegram and of this machine may differ.
SKEW_S = 60.0
#: Rows that are looked through, newest first, and how many are read together.
_MAX_ROWS, _PAGE = 1000, 100


async def write_down(call: Call) -> None:
    """Enter a command into the record of changes."""
    shown = [word for word in call.arguments.split() if _RECORDED.fullmatch(word)]
    await call.engine.audit_command(
        actor=f"telegram:{call.user_id}",
        action=_action(call),
        target=str(call.place.chat_id),
        data={"arguments": " ".join(shown)[:_MAX_RECORDED], "message_id": call.place.message_id},
    )


class Past:
    """Commands that were obeyed before this object was made."""

    def __init__(self, engine: MessengerInterface) -> None:
        self._engine = engine
        self._since = time.time()

    async def holds(self, call: Call) -> bool:
        """Whether *call* is one that changes something, and was obeyed."""
        typed = call.message.date.timestamp()
        if not call.command.changes or typed > self._since + SKEW_S:
            return False
        after: str | None = None
        for _ in range(_MAX_ROWS // _PAGE):
            page = await self._engine.audit(limit=_PAGE, after=after)
            for row in page.items:
                if row.created < min(typed, self._since) - FRESH_S - SKEW_S:
                    return False
                place = (row.target, row.data.get("message_id"))
                if row.action == _action(call) and place == (str(call.place.chat_id), call.place.message_id):
                    return True
            if (after := page.next) is None:
                break
        return False


def _action(call: Call) -> str:
    return f"command.{call.command.name}"
