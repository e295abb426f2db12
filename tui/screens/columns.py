"""The dialog in which the columns of the list are chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.present import CURSOR, DOT, HOLLOW, Line
from tui.rows import CHOICES
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar

Choose = Callable[[Collection[str] | None], None]


class ColumnsScreen(Dialog):
    """Shows what a list may hold beside state, title and progress; the list behind it follows at once.

    Args:
        shown: Names of the columns that are shown now.
        choose: Called with the names that are wanted; None means: as it is by default.
        is_ascii: Draw with ASCII only.
    """

    BINDINGS = [
        ("down,j", "step(1)", "Down"),
        ("up,k", "step(-1)", "Up"),
        ("space", "turn", "Turn"),
        ("backspace", "usual", "Usual"),
        ("escape,enter,q,c", "dismiss(None)", "Close"),
    ]

    def __init__(self, shown: Collection[str], choose: Choose, *, is_ascii: bool = False) -> None:
        super().__init__()
        self._shown = frozenset(shown)
        self._choose = choose
        self._at = 0
        self._lines = LineBar(id="columns-lines", is_ascii=is_ascii)

    def compose(self) -> ComposeResult:
        """One line for each."""
        with Vertical(id="columns", classes="box"):
            yield self._lines

    def on_mount(self) -> None:
        """Its height is known."""
        self.paint()

    def paint(self) -> None:
        """Show which are chosen."""
        lines: list[Line] = [(("Columns", "strong"), ("  of the list", "dim")), ()]
        for number, (name, (_, about)) in enumerate(CHOICES.items()):
            is_here, is_on = number == self._at, name in self._shown
            lines.append(
                (
                    (CURSOR if is_here else " ", "mark"),
                    (f"{DOT if is_on else HOLLOW} ", "good" if is_on else "faint"),
                    (f"{name:<9}", "strong" if is_here else "text" if is_on else "dim"),
                    (about, "dim"),
                )
            )
        keys = (("Space", "on or off"), ("Bksp", "as usual"), ("Enter", "close"))
        lines += [(), tuple(part for key, text in keys for part in ((key, "key"), (f" {text}   ", "label")))]
        narrow: Line = (("What has no room waits for a wider terminal.", "faint"),)
        lines.append(narrow)
        self._lines.styles.height = len(lines)
        self._lines.show(lines)

    def action_step(self, by: int) -> None:
        """To the next one."""
        self._at = (self._at + by) % len(CHOICES)
        self.paint()

    def action_turn(self) -> None:
        """Show it, or no longer."""
        self._shown ^= {list(CHOICES)[self._at]}
        self._choose(self._shown)
        self.paint()

    def action_usual(self) -> None:
        """As it is by default, whatever was chosen."""
        self._choose(None)
        self.dismiss(None)
