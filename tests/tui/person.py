"""What a person sees of a dashboard and does there. Light: it is also used without pytest's fixtures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from tui.app import ReeldeckApp
from tui.state import JobIndex

#: A whole test takes a fraction of this, also on a busy machine.
PATIENCE_S = 20.0
#: After so many turns of the loop without a message there is none on its way.
CALM_TURNS = 8
#: Longer than between two paints.
PAINT_S = 0.03
CHARACTERS = {"slash": "/", "space": " ", "colon": ":", "comma": ",", "plus": "+", "minus": "-"}


@dataclass
class Dashboard:
    """What a person sees and does."""

    app: ReeldeckApp
    pilot: Pilot[None]

    @property
    def index(self) -> JobIndex:
        return self.app.deck.index

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await self.pilot.pause(0.005)
        except TimeoutError:
            pytest.fail(f"waited in vain; the screen shows:\n{self.text}")

    async def shows(self, *texts: str) -> None:
        """Wait until all of *texts* are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def press(self, *keys: str) -> None:
        """Press keys; returns when all that waited for the screens that they lead to has been dealt with.

        (Textual's own way waits after each key until the process is idle: up to two seconds a key where
        something goes on beside it, as on the page of the log.)
        """
        for key in keys:
            name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
            event = events.Key(name, key if len(key) == 1 else CHARACTERS.get(name))
            event.set_sender(self.app)
            self.app._driver.send_message(event)
            await self.settle()

    async def settle(self) -> None:
        """Let everything be handled that waits now, and what follows from it."""
        await self.pilot._wait_for_screen()
        calm = 0
        while calm < CALM_TURNS:
            await asyncio.sleep(0)
            pumps = [self.app, *self.app.screen.walk_children(with_self=True)]
            calm = 0 if any(pump.message_queue_size for pump in pumps) else calm + 1
        self.app.screen._on_timer_update()

    async def stands_still(self) -> None:
        """Wait until the screen is the same after two paints: a page that has just come is divided anew."""
        before: list[str] = []
        while before != self.lines:
            before = self.lines
            await self.settle()
            await self.pilot.pause(PAINT_S)

    async def paste(self, text: str) -> None:
        """What a terminal sends for a paste."""
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()
