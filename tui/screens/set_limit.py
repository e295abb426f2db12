"""The dialog in which another value of a limit is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.domain.limit import RunningLimit, range_text, typed_value
from core.domain.text import for_terminal
from tui.limits import value_text
from tui.paragraphs import wrap
from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

WIDTH = 58


class SetLimitScreen(Dialog):
    """Answers with a value within the limit's range, or None.

    Args:
        limit: What is changed.
        is_ascii: Draw with ASCII only.
    """

    def __init__(self, limit: RunningLimit, *, is_ascii: bool = False) -> None:
        super().__init__()
        self._limit = limit
        self._top = LineBar(id="set-limit-title", is_ascii=is_ascii)
        self._input = SafeInput(id="set-limit-input", placeholder=value_text(limit, limit.value))
        self._note = LineBar(id="set-limit-note", is_ascii=is_ascii)

    def compose(self) -> ComposeResult:
        """What it is, the value, what is wrong with it."""
        with Vertical(id="set-limit", classes="box"):
            yield self._top
            yield self._input
            yield self._note

    def on_mount(self) -> None:
        """Typing begins at once."""
        about: list[Line] = [((text, "dim"),) for text in wrap(self._limit.about, WIDTH - 6)]
        lines: list[Line] = [((for_terminal(self._limit.name), "strong"),), *about]
        self._top.styles.height = len(lines)
        self._top.show(lines)
        self._tell()
        self._input.focus()

    def _tell(self) -> None:
        text = self._input.value.strip()
        value = typed_value(self._limit, text)
        unit = "; 500K, 2.5M, 1G are bytes" if self._limit.name.endswith(("_bps", "_bytes")) else ""
        unit += " a second" if self._limit.name.endswith("_bps") else ""
        if text and value is None:
            lines: list[Line] = [((f"From {range_text(self._limit)}{unit}", "bad"),)]
        elif value is not None:
            lines = [((f"= {value_text(self._limit, value)}", "good"),)]
        else:
            lines = [((f"From {range_text(self._limit)}{unit}", "dim"),)]
        keys: Line = (
            ("Enter", "key"),
            (" set it   ", "label"),
            ("Esc", "key"),
            (" close", "label"),
        )
        self._note.show([*lines, (), keys])

    def on_input_changed(self) -> None:
        """Say what it means as it is typed."""
        self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Only what is within the range closes the dialog."""
        event.stop()
        value = typed_value(self._limit, event.value)
        if value is not None:
            self.dismiss(value)
