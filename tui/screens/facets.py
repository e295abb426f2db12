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
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster, Row

#: Lines of the dialog and around it that are not counts.
OTHER_LINES = 11
MOST_LINES = 16


class FacetsScreen(Dialog):
    """Answers with what is to be added to the search (`kind:audio`), or None.

    Args:
        deck: What all screens share.
        text: The search.
    """

    BINDINGS = [
        ("escape,q,f", "dismiss(None)", "Close"),
        ("down,j", "move(1)", "Down"),
        ("up,k", "move(-1)", "Up"),
        ("pagedown", "move(10)", "Page down"),
        ("pageup", "move(-10)", "Page up"),
        ("enter", "choose", "Choose"),
    ]

    def __init__(self, deck: Deck, text: str) -> None:
        super().__init__()
        self._deck, self._text = deck, text
        self._counts: FacetCounts | ReeldeckError | None = None
        self._top = LineBar(id="facets-title", is_ascii=deck.is_ascii)
        self._list = Roster(id="facets-list", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="facets-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """What is counted, the counts."""
        with Vertical(id="facets", classes="box"):
            yield self._top
            yield self._list
            yield self._keys

    def on_mount(self) -> None:
        """The engine counts."""
        keys: Line = (
            ("Enter", "key"), (" show only these   ", "label"), ("↑ ↓", "key"), (" choose   ", "label"),
            ("Esc", "key"), (" close", "label"),
        )  # fmt: skip
        self._keys.show([keys])
        self._list.focus()
        self.call_after_refresh(self.paint)
        self.run_worker(self._load(), group="load")

    async def _load(self) -> None:
        try:
            self._counts = await self._deck.client.facets(self._text)
        except ReeldeckError as error:
            self._counts = error
        self.paint()

    def on_resize(self) -> None:
        """Lines are cut anew."""
        self.call_after_refresh(self.paint)

    def on_roster_resized(self) -> None:
        """… when the list has another width, too."""
        self.paint()

    def paint(self) -> None:
        """Show what is known."""
        width = self._list.size.width - 1
        if width <= 0:
            return
        counts = self._counts
        rows = list(facet_rows(counts, width)) if isinstance(counts, FacetCounts) else []
        self._list.styles.height = max(3, min(len(rows), MOST_LINES, self.app.size.height - OTHER_LINES))
        title = "Counting …"
        placeholder: Line = (("There is nothing to count", "dim"),)
        if isinstance(counts, ReeldeckError):
            title, placeholder = "It cannot be counted", ((for_terminal(f"{counts}. {counts.hint}"), "bad"),)
        elif counts is not None:
            what = "found" if self._text else "in the library"
            title = f"{count_text(counts.counted)} {what}" + ("" if counts.is_all else ", the newest of them")
        self._top.show([clip(((title, "strong"),), width)])
        self._list.show_placeholder([placeholder])
        self._list.show_rows(rows)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """What is under the cursor."""
        if self._list.key is not None:
            self.dismiss(self._list.key)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._list.move(by)


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
