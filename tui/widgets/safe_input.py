"""A one-line input that lets nothing through that a terminal would obey."""

from __future__ import annotations

from textual import events
from textual.suggester import Suggester
from textual.widgets import Input

from core.domain.text import for_terminal


class SafeInput(Input):
    """Does not blink: an idle dashboard sends nothing."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 -- Textual's name
        placeholder: str = "",
        value: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(
            id=id,
            placeholder=placeholder,
            value=value,
            suggester=suggester,
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Whatever is put here, by whomever: a filter may hold the name of a source or of a login."""
        return for_terminal(value)

    def _on_paste(self, event: events.Paste) -> None:
        """What was copied may come from anywhere: line breaks become spaces, escapes become visible."""
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(for_terminal(event.text))
