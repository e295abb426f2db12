"""Asks before something that cannot be undone."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.paragraphs import wrap
from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

WIDTH = 58
#: From this many things on a `y` is too easily pressed: their number must be typed.
TYPE_FROM = 20


class ConfirmScreen(Dialog):
    """Answers True only for a clear yes.

    Args:
        question: One sentence with number and consequence.
        verb: What `y` does, in a word.
        count: How many things it concerns.
        is_ascii: Draw with ASCII only.
    """

    BINDINGS = [("y", "dismiss(True)", "Yes"), ("n,escape,enter,q", "dismiss(False)", "No")]

    def __init__(self, question: str, verb: str, *, count: int, is_ascii: bool = False) -> None:
        super().__init__()
        self._question = wrap(question, WIDTH - 6)
        self._verb = verb
        self._count = count
        self._text = LineBar(id="confirm-text", is_ascii=is_ascii)
        self._keys = LineBar(id="confirm-keys", is_ascii=is_ascii)
        self._input = SafeInput(id="confirm-count", placeholder=f"type {count} and Enter to {verb}")

    @property
    def needs_count(self) -> bool:
        """The number must be typed."""
        return self._count >= TYPE_FROM

    def compose(self) -> ComposeResult:
        """The question, the ways to answer it."""
        with Vertical(id="confirm", classes="box"):
            yield self._text
            if self.needs_count:
                yield self._input
            yield self._keys

    def on_mount(self) -> None:
        """The safe answer is the one that Enter gives."""
        no = "keep them" if self._count != 1 else "keep it"
        keys: Line = (("Enter", "key"), (f" {no}", "label"), ("     y", "key"), (f" {self._verb}", "label"))
        if self.needs_count:
            keys = (("Esc", "key"), (f" {no}", "label"))
            self._input.focus()
        lines: list[Line] = [((text, "strong"),) for text in self._question]
        self._text.styles.height = len(lines)
        self._text.show(lines)
        self._keys.show([keys])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The right number is a yes; anything else is none."""
        self.dismiss(event.value.strip() == str(self._count))
