"""One of a few words, changed with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from core.domain.text import for_terminal


class Choice(Widget, can_focus=True):
    """Shows all values in a row, the chosen one marked.

    Args:
        label: What is chosen.
        values: What there is to choose from.
        id: The widget's id.
        value: The one that is chosen at first; by default the first.
    """

    BINDINGS = [("left,h", "step(-1)", "Previous"), ("right,l,space", "step(1)", "Next")]

    class Changed(Message):
        """Another value is chosen."""

    def __init__(self, label: str, values: Sequence[str], *, id: str, value: str = "") -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id)
        self._label = label
        self._values = values
        self._chosen = values.index(value) if value in values else 0

    @property
    def value(self) -> str:
        """The chosen one."""
        return self._values[self._chosen]

    def offer(self, values: Sequence[str]) -> None:
        """Offer other values; the chosen one stays chosen where it is among them, else the first is."""
        chosen = values.index(self.value) if self.value in values else 0
        self._values, self._chosen = values, chosen
        self.refresh()

    def action_step(self, by: int) -> None:
        """Choose the next one."""
        self._chosen = (self._chosen + by) % len(self._values)
        self.refresh()
        self.post_message(self.Changed())

    def render(self) -> RenderResult:
        """Marked by brackets and by weight, not by colour alone."""
        parts: list[Content | tuple[str, str] | str] = [(f"{self._label:<9}", "$dim")]
        for value in self._values:
            is_chosen = value == self.value
            style = "bold $accent" if is_chosen and self.has_focus else "bold" if is_chosen else "$dim"
            shown = for_terminal(value)
            parts.append((f"[{shown}]" if is_chosen else f" {shown} ", style))
        return Content.assemble(*parts)
