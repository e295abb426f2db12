"""The line in which words are typed that narrow a list, with what they find beside it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from tui.present import Line, join_sides
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

#: After the last key, before the list follows.
DEBOUNCE_S = 0.08
#: What is found stands at the right end, in so many cells.
FOUND_CELLS = 20


class SearchBar(Horizontal):
    """Hidden until somebody types there, and while nothing is typed.

    Args:
        examples: What can be typed, shown while nothing is.
        is_ascii: Draw with ASCII only.
    """

    class Typed(Message):
        """Something else stands there.

        Args:
            text: What stands there now.
        """

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Kept(Message):
        """Typing is over; the text stays."""

    def __init__(self, examples: str, *, is_ascii: bool = False) -> None:
        super().__init__(id="filter")
        self._label = LineBar(id="filter-label", is_ascii=is_ascii)
        self._found = LineBar(id="filter-found", is_ascii=is_ascii)
        self._input = SafeInput(id="filter-input", placeholder=examples)
        self._timer: Timer | None = None
        self.display = False

    @property
    def text(self) -> str:
        """What stands there, with single spaces."""
        return " ".join(self._input.value.split())

    @property
    def typed(self) -> str:
        """What stands there, as it was typed."""
        return self._input.value

    def compose(self) -> ComposeResult:
        """A sign, the text, the count."""
        yield self._label
        yield self._input
        yield self._found

    def on_mount(self) -> None:
        """The sign never changes."""
        self._label.show([((" /", "key"),)])

    def open(self) -> None:
        """Begin to type."""
        self.display = True
        self._input.focus()

    def clear(self) -> None:
        """Nothing is typed any more."""
        self._input.value = ""
        self.display = False

    def fill(self, text: str) -> None:
        """Show a text that somebody chose elsewhere."""
        with self._input.prevent(Input.Changed):
            self._input.value = text
        self.display = bool(text)

    def show_found(self, line: Line) -> None:
        """How much the text finds."""
        self._found.show([join_sides((), (*line, (" ", "text")), FOUND_CELLS)])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Follow the typing."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_S, self._tell)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the text and goes to the list."""
        event.stop()
        self._tell()
        self.display = bool(self._input.value.strip())
        self.post_message(self.Kept())

    def _tell(self) -> None:
        if self._timer:
            self._timer.stop()
        self.post_message(self.Typed(self._input.value))
