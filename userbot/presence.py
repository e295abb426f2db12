"""How the account stands with Telegram, as everybody is shown it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from core.domain.job import iso

log = logging.getLogger("reeldeck.telegram")


class State(StrEnum):
    """What the account does."""

    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    """Telegram wants nothing to be asked before `wait_until`."""
    LOGIN_NEEDED = "login_needed"
    """Only its owner can go on: `reeldeck telegram login`."""
    FAILED = "failed"
    """The configuration cannot be used; nothing is tried again."""


class Presence:
    """The present state, and a way to wait for one."""

    def __init__(self) -> None:
        self.state = State.CONNECTING
        self._account: str | None = None
        self._wait_until: float | None = None
        self._detail = ""
        self._rest: tuple[float, str] = (0.0, "")
        self._changed = asyncio.Event()

    def rest(self, until: float, why: str) -> None:
        """Telegram lets the account do less until then (seconds since the epoch), online as it is."""
        self._rest = max(self._rest, (until, why))

    def set(
        self,
        state: State,
        *,
        account: str | None = None,
        wait_until: float | None = None,
        detail: str = "",
    ) -> None:
        """Change it; *account* stays as it was unless given, the others do not."""
        if state is not self.state:
            log.info("telegram: %s", state, extra={"detail": detail})
        self.state, self._wait_until, self._detail = state, wait_until, detail
        self._account = account or self._account
        # Wakes whoever waits now; who waits from now on waits for the next change.
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, *states: State) -> State:
        """Wait until it is one of these."""
        while self.state not in states:
            await self._changed.wait()
        return self.state

    def to_json(self) -> Mapping[str, Any]:
        """The shape of `telegram` in `GET /status`."""
        wait_until, detail = self._wait_until, self._detail
        if self.state is State.ONLINE and self._rest[0] > time.time():
            wait_until, detail = self._rest
        return {
            "state": self.state.value,
            "account": self._account,
            "wait_until": iso(wait_until),
            "detail": detail,
        }
