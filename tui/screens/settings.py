"""The page of settings: limits and switches that may change while the engine runs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence

from core.domain.errors import ReeldeckError
from core.domain.limit import RunningLimit
from core.domain.text import for_terminal
from tui.actions import bindings_of
from tui.deck import Deck
from tui.limits import (
    MAINTENANCE,
    limit_detail,
    limit_heads,
    limit_row,
    no_limits,
    switch_detail,
    switch_row,
    value_text,
)
from tui.present import SEPARATOR, Line
from tui.screens.roster import RosterScreen
from tui.screens.set_limit import SetLimitScreen
from tui.widgets.roster import Row


class SettingsScreen(RosterScreen):
    """Shows and changes what holds now. What is not here is changed in the configuration, at the next start.

    Args:
        deck: What all screens share.
    """

    PAGE = "settings"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._limits: Sequence[RunningLimit] | None = None
        self._problem = ""
        self._is_loading = False

    def on_screen_resume(self) -> None:
        """Another dashboard may have changed some."""
        self._load()

    def _load(self) -> None:
        if self.deck.is_live and not self._is_loading:
            self._is_loading = True
            self.run_worker(self._fetch(), group="limits")

    async def _fetch(self) -> None:
        try:
            self._limits, self._problem = await self.deck.client.limits(), ""
        except ReeldeckError as error:
            self._problem = for_terminal(f"{error}. {error.hint}")
        finally:
            self._is_loading = False
        self.paint()

    @property
    def is_in_maintenance(self) -> bool:
        """Nothing new is taken."""
        return bool(self.deck.sync.status.get("limits", {}).get(MAINTENANCE))

    # The page

    def headline(self) -> Line:
        """How many differ from the configuration."""
        changed = sum(limit.is_changed for limit in self._limits or ())
        line: Line = ((" Settings", "strong"), ("  what may change while the engine runs", "dim"))
        if changed:
            line = (*line, (f"  {SEPARATOR}  ", "dim"), (f"{changed} changed", "accent"))
        return line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return limit_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:  # noqa: ARG002 -- limits do not age
        """The switch, then one for each limit."""
        if self._limits is None:
            return []
        rows: list[Row] = [(MAINTENANCE, switch_row(width, is_on=self.is_in_maintenance))]
        return rows + [(limit.name, limit_row(limit, width)) for limit in self._limits]

    def detail(self, width: int, now: float) -> list[Line]:  # noqa: ARG002 -- as above
        """The setting under the cursor."""
        if self.roster.key == MAINTENANCE:
            return switch_detail(width, is_on=self.is_in_maintenance, key=self.key)
        limit = self._chosen()
        return limit_detail(limit, width, self.key) if limit else []

    def placeholder(self) -> Sequence[Line]:
        """Why there is nothing yet."""
        return no_limits(self._problem)

    def paint(self) -> None:
        """A connection that is back brings what was not there yet."""
        if self._limits is None and not self._problem and self.is_mounted:
            self._load()
        super().paint()

    def _chosen(self) -> RunningLimit | None:
        return next((limit for limit in self._limits or () if limit.name == self.roster.key), None)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_change()

    # Actions

    def do_change(self) -> None:
        """Turn the switch over, or type another value."""
        limit = self._chosen()
        if self.roster.key == MAINTENANCE:
            self._turn_maintenance()
        elif limit is not None and limit.is_switch:
            self._set(limit, 1 - limit.value)
        elif limit is not None:

            def typed(value: int | None) -> None:
                if value is not None:
                    self._set(limit, value)

            self.app.push_screen(SetLimitScreen(limit, is_ascii=self.deck.is_ascii), typed)

    def do_raise_limit(self) -> None:
        """One more; of a rate, a tenth more."""
        self._step(1)

    def do_lower_limit(self) -> None:
        """One less; of a rate, a tenth less."""
        self._step(-1)

    def _step(self, by: int) -> None:
        limit = self._chosen()
        if limit is not None:
            step = max(1, limit.value // 10) if limit.value >= 20 else 1
            value = max(limit.least, min(limit.value + by * step, limit.most))
            if value != limit.value:
                self._set(limit, value)

    def do_reset_limit(self) -> None:
        """As it is configured."""
        limit = self._chosen()
        if limit is not None and limit.is_changed:
            self._set(limit, None)

    def _set(self, limit: RunningLimit, value: int | None, *, is_undo: bool = False) -> None:
        before = limit.value if limit.is_changed else None

        async def work() -> None:
            now = await self.deck.client.set_limit(limit.name, value)
            self._limits = [now if each.name == now.name else each for each in self._limits or ()]
            if not is_undo:
                self.deck.undo.offer(lambda: self._set(now, before, is_undo=True), time.time())
            self.deck.say(f"{now.name}: {value_text(now, now.value)}", "good")

        self._command(work())

    def _turn_maintenance(self) -> None:
        is_on = not self.is_in_maintenance

        async def work() -> None:
            await self.deck.client.set_maintenance(is_on=is_on)
            self.deck.say("Nothing new is taken" if is_on else "Links are taken again", "good")

        def act() -> None:
            self._command(work())

        if is_on:
            question = "Take nothing new until this is switched off again? What was taken goes on."
            self.ask(question, "take nothing new", 1, act)
        else:
            act()

    def _command(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except ReeldeckError as error:
                self.deck.say_error(error)
            self.deck.sync.look()
            self.paint()

        self.run_worker(run(), group="command")

    def do_back(self) -> None:
        """From the detail to the list, from the list to where it was opened."""
        if self.pane.has_focus:
            self.roster.focus()
        else:
            self.dismiss()

    def do_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss()
