"""Whether Telegram is reached, and the pace at which it is tried again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from telethon.network.connection import ConnectionTcpFull

#: The first wait, doubled with every failure up to the last.
FIRST_WAIT_S, LAST_WAIT_S = 0.5, 60.0
#: A connection that held this long shows that nothing is wrong with connecting; one that held longer than a
#: blink is not waited for longer than it held.
HELD_S, BLINK_S = 10.0, 1.0


class Link:
    """What Telethon's connections say of themselves.

    Telethon itself tries again for ever, at a fixed pace and however short a connection lived; these
    connections wait here first.

    Args:
        changed: Called when the first connection is there and when the last one is gone.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._open: set[Any] = set()
        #: Before the next try, give or take a fifth.
        self._wait_s = 0.0

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return bool(self._open)

    async def turn(self) -> None:
        """Wait until it is time for another try."""
        if self._wait_s:
            await asyncio.sleep(self._wait_s * random.uniform(0.8, 1.2))  # noqa: S311 -- spreads, hides nothing

    def failed(self) -> None:
        """A connection could not be made."""
        self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), LAST_WAIT_S)

    def opened(self, connection: Any) -> None:
        """A connection was made."""
        was_up = self.is_up
        self._open.add(connection)
        if not was_up:
            self._changed()

    def closed(self, connection: Any, *, broke: bool, held_s: float) -> None:
        """A connection is gone."""
        if broke and held_s > HELD_S:
            self._wait_s = 0.0
        elif broke:
            self.failed()
            self._wait_s = min(self._wait_s, held_s) if held_s > BLINK_S else self._wait_s
        self._open.discard(connection)
        if not self.is_up:
            self._changed()

    @property
    def connections(self) -> type[ConnectionTcpFull]:
        """The class of connections for a client, all of which report here."""
        link = self

        class Reporting(ConnectionTcpFull):  # type: ignore[misc]  # Telethon has no types
            """A connection of Telethon's that tells of its life."""

            _since, _broke = 0.0, False

            async def connect(self, timeout: float | None = None, ssl: Any = None) -> None:  # noqa: ASYNC109 -- Telethon's
                await link.turn()
                try:
                    await super().connect(timeout=timeout, ssl=ssl)
                except (OSError, TimeoutError):
                    link.failed()
                    raise
                self._since, self._broke = time.monotonic(), False
                link.opened(self)

            async def recv(self) -> Any:
                try:
                    return await super().recv()
                except Exception:
                    self._broke = True
                    raise

            async def disconnect(self) -> None:
                await super().disconnect()
                link.closed(self, broke=self._broke, held_s=time.monotonic() - self._since)

        return Reporting
