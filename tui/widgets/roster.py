"""A short list of rows with a cursor that stays on its row, whatever comes and goes around it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.paragraphs import fold
from tui.present import CURSOR, Line, clip, width_of
from tui.theme import look_of
from tui.widgets.lines import LinePane, paint

#: What a row is known by, and how it looks without the cell of the cursor.
Row = tuple[Hashable, Line]


class Roster(LinePane, inherit_bindings=False):
    """Rows and a cursor. Keys are the screen's, or a subclass's.

    Args:
        id: The widget's id.
        is_ascii: Draw with ASCII only.
    """

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, roster: Roster) -> None:
            super().__init__()
            self.roster = roster

        @property
        def control(self) -> Roster:
            """Lets handlers choose by the roster's id."""
            return self.roster

    class Resized(Moved):
        """Rows are to be made anew: they fit another width."""

    class Opened(Moved):
        """A row was double-clicked."""

    def __init__(self, *, id: str, is_ascii: bool = False) -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id, is_ascii=is_ascii)
        self._keys: tuple[Hashable, ...] = ()
        self._row = 0
        self._placeholder: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._keys)

    @property
    def row(self) -> int:
        """The number of the row under the cursor; 0 without rows."""
        return self._row

    @property
    def key(self) -> Hashable | None:
        """The key of the row under the cursor, None without rows."""
        return self._keys[self._row] if self._keys else None

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show *rows*; the cursor keeps its key, or else its place."""
        before = self.key
        self._keys = tuple(key for key, _ in rows)
        row = self._keys.index(before) if before in self._keys else min(self._row, max(0, len(rows) - 1))
        if row != self._row:
            self._row = row
            self.refresh()
        self.show([line for _, line in rows])
        self._keep_in_sight()

    def show_placeholder(self, lines: Sequence[Line]) -> None:
        """What stands in the middle while there are no rows."""
        if self._placeholder != tuple(lines):
            self._placeholder = tuple(lines)
            if not self._keys:
                self.refresh()

    def move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self._row + by)

    def move_to(self, wanted: int) -> None:
        """Move the cursor to a row, or to the nearest there is."""
        row = max(0, min(wanted, len(self._keys) - 1))
        if row == self._row:
            return
        for each in (self._row, row):
            self.refresh(Region(0, each - self.scroll_offset.y, self.size.width, 1))
        self._row = row
        self._keep_in_sight()
        self.post_message(self.Moved(self))

    def _keep_in_sight(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= self._row < top + height:
            y = self._row if self._row < top else self._row - height + 1
            self.scroll_to(y=y, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        if not self._keys:
            return self._placeholder_strip(y)
        row = y + self.scroll_offset.y
        if row >= len(self.lines):
            return self._draw()
        if row != self._row:
            return self._draw(self.lines[row])
        look = look_of(self.app)
        line: Line = ((CURSOR, "mark"), *self.lines[row])
        if look.is_native:
            line = tuple((text, "strong") for text, _ in line)  # colours in reverse would be blots
        base = self.rich_style + look["row.cursor" if self.has_focus else "row.idle"]
        return paint(line, look, self.size.width, base, is_ascii=self._is_ascii)

    def _draw(self, line: Line = (), *, base: Style | None = None) -> Strip:
        return super()._draw(((" ", "text"), *line), base=base)

    def _placeholder_strip(self, y: int) -> Strip:
        width = self.size.width
        lines = fold(self._placeholder, width - 2)
        number = y - max(0, (self.size.height - len(lines)) // 2 - 1)
        if not 0 <= number < len(lines):
            return self._draw()
        left = max(0, (width - max(map(width_of, lines))) // 2 - 1)
        return self._draw(clip(((" " * left, "text"), *lines[number]), width - 1))

    def on_resize(self) -> None:
        """Whoever makes the rows knows how they are divided."""
        self.post_message(self.Resized(self))

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """… and without."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y + self.scroll_offset.y < len(self._keys):
            return
        self.move_to(offset.y + self.scroll_offset.y)
        if event.chain == 2:
            self.post_message(self.Opened(self))
