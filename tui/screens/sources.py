"""The page of sources: what runs of each site, which of them rest, and why."""

from __future__ import annotations

from collections.abc import Sequence

from tui.actions import bindings_of
from tui.present import SEPARATOR, Line
from tui.screens.roster import RosterScreen
from tui.sources import Source, rests_of, source_detail, source_heads, source_row
from tui.widgets.roster import Row


class SourcesScreen(RosterScreen):
    """Shows the sources as the engine's status tells of them.

    Args:
        deck: What all screens share.
    """

    PAGE = "sources"
    BINDINGS = bindings_of(PAGE)
    REFRESH_S = 2.0

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
        return source_detail(source, now, width) if source else []

    def placeholder(self) -> Sequence[Line]:
        """An engine always has sources; it may not have told them yet."""
        return [(("Loading sources …", "dim"),)]

    def _chosen(self) -> Source | None:
        return next((source for source in self.sources if source.get("name") == self.roster.key), None)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_source_jobs()

    def do_source_jobs(self) -> None:
        """The jobs of the source under the cursor."""
        if self.roster.key is not None:
            self.show_jobs_that(f"source:{self.roster.key}")
