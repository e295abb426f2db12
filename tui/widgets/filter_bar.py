"""The line in which a filter is typed, with what it finds beside it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from tui.filter import Filter, parse_filter
from tui.present import Line
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

#: After the last key, before the list follows.
DEBOUNCE_S = 0.08
EXAMPLES = "words  state:fail  source:youtube  !not"


class FilterBar(Horizontal):
    """Hidden until somebody filters, and while nothing is filtered.

    Args:
        is_ascii: Draw with ASCII only.
    """

    class Changed(Message):
        """The filter is another one.

        Args:
            wanted: The filter now.
        """

        def __init__(self, wanted: Filter) -> None:
            super().__init__()
            self.wanted = wanted

    class Kept(Message):
        """Typing is over; the filter stays."""

    def __init__(self, *, is_ascii: bool = False) -> None:
        super().__init__(id="filter")
        self._label = LineBar(id="filter-label", is_ascii=is_ascii)
        self._found = LineBar(id="filter-found", is_ascii=is_ascii)
        self._input = SafeInput(id="filter-input", placeholder=EXAMPLES)
        self._timer: Timer | None = None
        self.display = False

    @property
    def text(self) -> str:
        """The filter as it was typed, spaced as a filter keeps it."""
        return " ".join(self._input.value.split())

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
        """No filter any more."""
        self._input.value = ""
        self.display = False

    def fill(self, text: str) -> None:
        """Show a filter that somebody chose elsewhere."""
        with self._input.prevent(Input.Changed):
            self._input.value = text
        self.display = bool(text)

    def show_found(self, line: Line) -> None:
        """How many jobs the filter finds."""
        self._found.show([line])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Follow the typing."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_S, self._tell)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the filter and goes to the list."""
        event.stop()
        self._tell()
        self.display = bool(self._input.value.strip())
        self.post_message(self.Kept())

    def _tell(self) -> None:
        if self._timer:
            self._timer.stop()
        self.post_message(self.Changed(parse_filter(self._input.value)))
