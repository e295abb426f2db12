"""How to get a cookie file out of a browser."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.actions import keys_on
from tui.deck import Deck
from tui.logins import how_to_lines
from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar, LinePane

#: Lines of the box and around it.
CHROME_LINES = 7


class HowToScreen(Dialog):
    """A page to read.

    Args:
        deck: What all screens share.
    """

    BINDINGS = [("escape,q,enter,h", "dismiss(None)", "Close")]

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._key = keys_on("auth", deck.keys)
        self._pane = LinePane(id="how-to-pane", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="how-to-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """The text, the way out."""
        with Vertical(id="how-to", classes="box"):
            yield self._pane
            yield self._keys

    def on_mount(self) -> None:
        """Keys scroll it where it does not fit."""
        self._pane.focus()
        keys: Line = ((" Esc", "key"), (" close", "label"))
        self._keys.show([keys])
        self.call_after_refresh(self._lay_out)

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        lines = how_to_lines(self._pane.size.width, self._key)
        self._pane.styles.height = max(1, min(len(lines), self.size.height - CHROME_LINES))
        self._pane.show(lines)
