"""The line in which a filter of jobs is typed."""

from __future__ import annotations

from textual.message import Message

from tui.filter import Filter, parse_filter
from tui.widgets.search_bar import SearchBar

EXAMPLES = "words  state:fail  source:youtube  !not"


class FilterBar(SearchBar):
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

    def __init__(self, *, is_ascii: bool = False) -> None:
        super().__init__(EXAMPLES, is_ascii=is_ascii)

    def on_search_bar_typed(self, event: SearchBar.Typed) -> None:
        """What was typed, as a filter."""
        event.stop()
        self.post_message(self.Changed(parse_filter(event.text)))
