"""A box over the screen that was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.screen import ModalScreen

from tui.thrift import ThriftyScreen
from tui.widgets.lines import LineBar, LinePane


def repaint_all(widgets: Sequence[LineBar | LinePane]) -> None:
    """Draw these again."""
    for widget in widgets:
        widget.repaint()


class Dialog(ThriftyScreen[Any], ModalScreen[Any]):
    """A box over the screen that was there; Esc closes it."""

    BINDINGS = [("escape", "dismiss(None)", "Close")]

    def take_early(self, char: str) -> None:
        """A key that was pressed before the dialog was there; most have no use for it."""

    def paint(self) -> None:
        """Dialogs show what they were opened with."""

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        repaint_all([*self.query(LineBar), *self.query(LinePane)])
