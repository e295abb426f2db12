"""The page of sources: what runs of each site, which of them rest, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from core.domain.errors import ReeldeckError
from core.domain.history import DayFigures
from core.domain.limit import RunningLimit
from tui.actions import bindings_of, keys_on
from tui.deck import Deck
from tui.history import DAYS
from tui.limits import value_text
from tui.paragraphs import nothing_yet
from tui.present import SEPARATOR, Line
from tui.screens.roster import RosterScreen
from tui.screens.set_limit import SetLimitScreen
from tui.sources import Source, rests_of, source_detail, source_heads, source_row
from tui.widgets.frame import WIDE
from tui.widgets.roster import Row

#: What ended is asked for this often.
HISTORY_S = 30.0


class SourcesScreen(RosterScreen):
    """Shows the sources as the engine's status tells of them.

    Args:
        deck: What all screens share.
    """

    PAGE = "sources"
    BINDINGS = bindings_of(PAGE)
    REFRESH_S = 2.0

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._days: Sequence[DayFigures] | None = None
        self._asked = 0.0

    def paint(self) -> None:
        """What ended is asked for now and then, while somebody looks."""
        super().paint()
        if self.deck.is_live and self.is_current and time.monotonic() - self._asked >= HISTORY_S:
            self._asked = time.monotonic()
            self.run_worker(self._load(), group="history")

    async def _load(self) -> None:
        # An engine of an earlier version cannot tell, and one that goes says so elsewhere.
        with suppress(ReeldeckError):
            self._days = await self.deck.client.history(days=DAYS)
            self.paint()

    @property
    def sources(self) -> Sequence[Source]:
        """As they were last told, those in trouble first."""
        found: Sequence[Source] = self.deck.sync.status.get("sources", ())
        return sorted(found, key=lambda source: not rests_of(source))

    def headline(self) -> Line:
        """How many there are, and how many rest."""
        count, rest = len(self.sources), sum(1 for source in self.sources if rests_of(source))
        flying = sum(source.get("in_flight", 0) for source in self.sources)
        most = self.deck.sync.status.get("limits", {}).get("max_parallel_jobs")
        line: Line = ((" Sources", "strong"), (f"  {count}", "dim"))
        if most:
            line = (*line, (f"  {SEPARATOR}  {flying} of at most {most} jobs run", "dim"))
        if rest:
            line = (*line, (f"  {SEPARATOR}  ", "dim"), (f"{rest} in trouble", "warn"))
        return line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return source_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:
        """One for each source."""
        return [(source.get("name"), source_row(source, now, width)) for source in self.sources]

    def detail(self, width: int, now: float) -> list[Line]:
        """The source under the cursor."""
        source = self._chosen()
        if source is None:
            return []
        keys = keys_on("jobs", self.deck.keys)
        return source_detail(source, now, width, keys, days=self._days, is_tall=self.size.width >= WIDE)

    def placeholder(self) -> Sequence[Line]:
        """An engine always has sources; it may not have told them yet."""
        return nothing_yet("sources", is_lost=self.deck.is_lost)

    def _chosen(self) -> Source | None:
        return next((source for source in self.sources if source.get("name") == self.roster.key), None)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_source_jobs()

    def do_cap(self) -> None:
        """Type another cap of the source under the cursor."""
        if self.roster.key is not None:
            self.run_worker(self._ask_cap(f"{self.roster.key}.bandwidth_bps"), group="command")

    async def _ask_cap(self, name: str) -> None:
        try:
            limits = await self.deck.client.limits()
        except ReeldeckError as error:
            self.deck.say_error(error)
            return
        limit = next((each for each in limits if each.name == name), None)
        if limit is None:
            self.deck.say("This engine cannot change it while it runs", "warn")
            return

        def typed(value: int | None) -> None:
            if value is not None:
                self._cap(limit, value)

        self.app.push_screen(SetLimitScreen(limit, is_ascii=self.deck.is_ascii), typed)

    def _cap(self, limit: RunningLimit, value: int | None) -> None:
        before = limit.value if limit.is_changed else None
        app, deck = self.app, self.deck

        async def work() -> None:
            try:
                now = await deck.client.set_limit(limit.name, value)
            except ReeldeckError as error:
                deck.say_error(error)
                return
            if value != before:
                deck.undo.offer(lambda: self._cap(now, before), time.time())
            deck.say(f"{now.name}: {value_text(now, now.value)}", "good")
            deck.sync.look()

        app.run_worker(work(), group="command")

    def do_source_jobs(self) -> None:
        """The jobs of the source under the cursor."""
        if self.roster.key is not None:
            self.show_jobs_that(f"source:{self.roster.key}")
