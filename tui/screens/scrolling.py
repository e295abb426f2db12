"""Moving through lists, and with the same keys through pages of lines."""

from __future__ import annotations

from tui.widgets.job_table import JobTable
from tui.widgets.lines import LinePane
from tui.widgets.roster import Roster

#: Further than any list reaches; a cursor stops at its end.
_END = 2**31


class CursorActions:
    """The `do_…` of the moving keys, for screens with a list that has a cursor."""

    @property
    def cursor(self) -> JobTable | Roster:
        """The list."""
        raise NotImplementedError

    def do_down(self) -> None:
        """One row down."""
        self.cursor.move(1)

    def do_up(self) -> None:
        """One row up."""
        self.cursor.move(-1)

    def do_page_down(self) -> None:
        """Half a page down."""
        self.cursor.move(max(1, self.cursor.size.height // 2))

    def do_page_up(self) -> None:
        """Half a page up."""
        self.cursor.move(-max(1, self.cursor.size.height // 2))

    def do_top(self) -> None:
        """The first row."""
        self.cursor.move_to(0)

    def do_bottom(self) -> None:
        """The last row."""
        self.cursor.move_to(_END)


class ScrollActions:
    """The `do_…` of the moving keys, for screens that show a `pane`."""

    pane: LinePane

    def do_down(self) -> None:
        """One line down."""
        self.pane.scroll_relative(y=1, animate=False)

    def do_up(self) -> None:
        """One line up."""
        self.pane.scroll_relative(y=-1, animate=False)

    def do_page_down(self) -> None:
        """Half a page down."""
        self.pane.scroll_relative(y=self.pane.size.height // 2, animate=False)

    def do_page_up(self) -> None:
        """Half a page up."""
        self.pane.scroll_relative(y=-(self.pane.size.height // 2), animate=False)

    def do_top(self) -> None:
        """To the beginning."""
        self.pane.scroll_home(animate=False)

    def do_bottom(self) -> None:
        """To the end."""
        self.pane.scroll_end(animate=False)
