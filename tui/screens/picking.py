"""A dialog in which one row of a list is chosen."""

from __future__ import annotations

from typing import ClassVar

from tui.screens.dialog import Dialog
from tui.widgets.roster import Roster


class PickingScreen(Dialog):
    """Its subclass says how the list is painted, `paint_rows`, and what is answered with: `choose`.

    Args:
        roster: The list. The subclass puts it into its box.
    """

    BINDINGS = [
        ("escape", "dismiss(None)", "Close"),
        ("down", "move(1)", "Down"),
        ("up", "move(-1)", "Up"),
        ("pagedown", "move(10)", "Page down"),
        ("pageup", "move(-10)", "Page up"),
    ]
    #: Lines of the dialog and around it that are not rows.
    OTHER_LINES: ClassVar[int] = 11
    #: As many rows as are shown where there is room.
    MOST_LINES: ClassVar[int] = 16

    def __init__(self, roster: Roster) -> None:
        super().__init__()
        self.roster = roster

    # For the subclass

    def paint_rows(self, width: int) -> None:
        """Show what is known, in lines of *width* cells."""
        raise NotImplementedError

    def choose(self) -> None:
        """Answer with what is under the cursor, if it can be."""
        raise NotImplementedError

    # The dialog

    def on_mount(self) -> None:
        """Its width is known once it has been laid out."""
        self.call_after_refresh(self.paint)

    def on_resize(self) -> None:
        """Lines are cut anew."""
        self.call_after_refresh(self.paint)

    def on_roster_resized(self) -> None:
        """… when the list has another width, too."""
        self.paint()

    def paint(self) -> None:
        """Show what is known, once there is room for it."""
        width = self.roster.size.width - 1
        if width > 0:
            self.paint_rows(width)

    def make_room_for(self, count: int) -> None:
        """As high a list as *count* rows want, and the terminal has lines for."""
        room = self.app.size.height - self.OTHER_LINES
        self.roster.styles.height = max(3, min(count, self.MOST_LINES, room))

    def on_roster_opened(self) -> None:
        """A double click."""
        self.choose()

    def action_move(self, by: int) -> None:
        """Move the cursor; somebody who types goes on."""
        self.roster.move(by)
