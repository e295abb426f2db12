"""Lines whose parts can be clicked: tabs, column heads, the footer."""

from __future__ import annotations

from textual import events
from textual.message import Message

from core.domain.text import cell_width
from tui.present import Line
from tui.widgets.lines import LineBar


class ClickBar(LineBar):
    """A line that tells which of its spans was clicked."""

    class Clicked(Message):
        """A part was clicked.

        Args:
            bar: Whose part.
            texts: The clicked span's text and, before it, those to its left, nearest first.
        """

        def __init__(self, bar: ClickBar, texts: list[str]) -> None:
            super().__init__()
            self.bar = bar
            self.texts = texts

        @property
        def control(self) -> ClickBar:
            """Lets handlers choose by the bar's id."""
            return self.bar

    def on_click(self, event: events.Click) -> None:
        """Find the span under the pointer."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self.lines):
            self.post_message(self.Clicked(self, texts_until(self.lines[offset.y], offset.x)))


def texts_until(line: Line, x: int) -> list[str]:
    """Texts of the span at cell *x* and of those before it, nearest first, without the space around them."""
    found: list[str] = []
    for text, _ in line:
        if x < 0:
            break
        found.insert(0, text.strip())
        x -= cell_width(text)
    return found
