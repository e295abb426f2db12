"""Plain text to be selected by hand, for terminals that take no clipboard messages."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.deck import Deck
from tui.paragraphs import wrap
from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LinePane

#: Less than `for_terminal` cuts.
PIECE_CHARS = 2_000


class TextScreen(Dialog):
    """Shows a text without anything beside it, so that a selection holds nothing else.

    Args:
        deck: What all screens share.
        text: One or more lines.
        title: What it is.
    """

    BINDINGS = [("escape,q,enter,y,Y", "dismiss(None)", "Close")]

    def __init__(self, deck: Deck, text: str, title: str) -> None:
        super().__init__()
        self._text = text
        self._top = title
        self._pane = LinePane(id="text", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """The whole width belongs to the text."""
        with Vertical(id="text-box"):
            yield self._pane

    def on_mount(self) -> None:
        """Keys go to the scroller."""
        self._pane.focus()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        width = self.size.width
        lines: list[Line] = [((self._top, "head"), ("   Esc", "key"), (" closes", "label")), ()]
        for text in self._text.split("\n"):
            # In pieces: nothing of it may be cut as too long for one line of a screen.
            for start in range(0, len(text), PIECE_CHARS):
                lines += [((part, "text"),) for part in wrap(text[start : start + PIECE_CHARS], width)]
        self._pane.show(lines)
