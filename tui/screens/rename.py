"""The dialog in which a job's title is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

#: The API takes no more.
MOST_CHARS = 500


class RenameScreen(Dialog):
    """Answers with another title, or None.

    Args:
        job_id: Whose title it is.
        title: As it is now.
        is_ascii: Draw with ASCII only.
    """

    def __init__(self, job_id: int, title: str, *, is_ascii: bool = False) -> None:
        super().__init__()
        self._top = LineBar(id="rename-title", is_ascii=is_ascii)
        self._input = SafeInput(id="rename-input", value=title, placeholder="a title")
        self._keys = LineBar(id="rename-keys", is_ascii=is_ascii)
        self._job_id = job_id

    def compose(self) -> ComposeResult:
        """What it is, the title, the keys."""
        with Vertical(id="rename", classes="box"):
            yield self._top
            yield self._input
            yield self._keys

    def on_mount(self) -> None:
        """Typing goes on at the end of the title."""
        self._top.show([((f"The title of job {self._job_id}", "strong"),)])
        keys: Line = (("Enter", "key"), (" rename it   ", "label"), ("Esc", "key"), (" close", "label"))
        self._keys.show([keys])
        self._input.max_length = MOST_CHARS
        self._input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Nothing is no title."""
        event.stop()
        if title := event.value.strip():
            self.dismiss(title)
