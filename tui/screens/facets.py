"""The dialog that tells what a search finds by kind, source and tag, and narrows it down to one of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical

from core.domain.errors import ReeldeckError
from core.domain.library import FacetCounts
from core.domain.text import for_terminal
from tui.deck import Deck
from tui.present import Line, clip, count_text, fit
from tui.screens.picking import PickingScreen
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster, Row


class FacetsScreen(PickingScreen):
    """Answers with what is to be added to the search (`kind:audio`), or None.

    Args:
        deck: What all screens share.
        text: The search.
    """

    BINDINGS = [
        ("q,f", "dismiss(None)", "Close"),
        ("j", "move(1)", "Down"),
        ("k", "move(-1)", "Up"),
        ("enter", "choose", "Choose"),
    ]

    def __init__(self, deck: Deck, text: str) -> None:
        super().__init__(Roster(id="facets-list", is_ascii=deck.is_ascii))
        self._deck, self._text = deck, text
        self._counts: FacetCounts | ReeldeckError | None = None
        self._top = LineBar(id="facets-title", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="facets-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """What is counted, the counts."""
        with Vertical(id="facets", classes="box"):
            yield self._top
            yield self.roster
            yield self._keys

    def on_mount(self) -> None:
        """The engine counts."""
        keys: Line = (
            ("Enter", "key"), (" show only these   ", "label"), ("↑ ↓", "key"), (" choose   ", "label"),
            ("Esc", "key"), (" close", "label"),
        )  # fmt: skip
        self._keys.show([keys])
        self.roster.focus()
        self.run_worker(self._load(), group="load")

    async def _load(self) -> None:
        try:
            self._counts = await self._deck.client.facets(self._text)
        except ReeldeckError as error:
            self._counts = error
        self.paint()

    def paint_rows(self, width: int) -> None:
        """What is counted, or why not."""
        counts = self._counts
        rows = list(facet_rows(counts, width)) if isinstance(counts, FacetCounts) else []
        self.make_room_for(len(rows))
        title = "Counting …"
        placeholder: Line = (("There is nothing to count", "dim"),)
        if isinstance(counts, ReeldeckError):
            title, placeholder = "It cannot be counted", ((for_terminal(f"{counts}. {counts.hint}"), "bad"),)
        elif counts is not None:
            what = "found" if self._text else "in the library"
            title = f"{count_text(counts.counted)} {what}" + ("" if counts.is_all else ", the newest of them")
        self._top.show([clip(((title, "strong"),), width)])
        self.roster.show_placeholder([placeholder])
        self.roster.show_rows(rows)

    def choose(self) -> None:
        """What it searches for, as words."""
        if self.roster.key is not None:
            self.dismiss(self.roster.key)

    def action_choose(self) -> None:
        """Enter."""
        self.choose()


def facet_rows(counts: FacetCounts, width: int) -> Iterator[Row]:
    """A line for each kind, source and tag, by the words that search for it."""
    groups: Mapping[str, Mapping[str, int]] = {
        "kind": counts.kind,
        "source": counts.source,
        "tag": counts.tag,
    }
    for name, each in groups.items():
        for value, count in each.items():
            # Quotes make no difference to what a tag is.
            plain = value.replace('"', " ")
            quoted = f'"{plain}"' if " " in plain else plain
            cells = max(0, width - 16)
            line: Line = (
                (f"{name:<8}", "dim"),
                (fit(value, cells), "text"),
                (fit(count_text(count), 7, right=True), "strong"),
            )
            yield f"{name}:{quoted}", line
