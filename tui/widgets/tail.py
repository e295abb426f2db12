"""A list whose rows come at its end and go at its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from tui.present import Line
from tui.widgets.roster import Roster


class Tail(Roster):
    """Draws what is in sight once, instead of comparing rows: when one comes, all the others move."""

    def show(self, lines: Sequence[Line]) -> None:
        """Show *lines*."""
        if self._lines == tuple(lines):
            return
        self._lines = tuple(lines)
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()
