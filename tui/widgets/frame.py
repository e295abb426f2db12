"""What is the same on every page: its parts from top to bottom, and how those around the list are drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tui import chrome
from tui.deck import Deck
from tui.present import Line, join_sides
from tui.situation import Situation
from tui.widgets.banner import Banner
from tui.widgets.click_bar import ClickBar
from tui.widgets.lines import LineBar, LinePane

#: From this width on the detail stands beside the list, below it in a few lines under it.
WIDE = 100


class PageFrame(Vertical):
    """Draws what stands around a list. Decides nothing.

    Args:
        deck: What is drawn.
        top: The line under the header.
        heads: The names of the list's columns.
        rows: The list.
        below: The detail under the list, where there is no room beside it.
        above: What may stand between the banner and the list.
    """

    def __init__(
        self,
        deck: Deck,
        *,
        top: LineBar,
        heads: LineBar,
        rows: Widget,
        below: LineBar,
        above: Sequence[Widget] = (),
    ) -> None:
        super().__init__(id="home")
        self.deck = deck
        self.header = ClickBar(id="header", is_ascii=deck.is_ascii)
        self.banner = Banner(deck)
        self.pane = LinePane(id="pane", is_ascii=deck.is_ascii)
        self.message = LineBar(id="message", is_ascii=deck.is_ascii)
        self.footer = ClickBar(id="footer", is_ascii=deck.is_ascii)
        self._top, self._heads, self._rows, self._below, self._above = top, heads, rows, below, above

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.header
        yield self._top
        yield self.banner
        yield from self._above
        with Horizontal(id="body"):
            with Vertical(id="list"):
                yield self._heads
                yield self._rows
            yield self.pane
        yield self._below
        yield self.message
        yield self.footer

    def paint_head(self, page: str, now: float) -> None:
        """The line of pages, and the banner while the engine is lost or something is amiss with it."""
        width = self.size.width
        self.header.show([self.deck.header(page, width, now)])
        self.banner.paint(page, now, width)

    def paint_foot(self, screen: str, situation: Situation, message: Line) -> None:
        """A message, and the keys of *screen*."""
        width = self.size.width
        undo = self.deck.undo.line(time.time(), self.deck.keys)
        self.message.show([join_sides(message, undo, width)])
        self.footer.show([chrome.footer(screen, situation, width, self.deck.keys)])
