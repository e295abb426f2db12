"""Moving through a page of lines with the same keys as through the list."""

from __future__ import annotations

from tui.widgets.lines import LinePane


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
