"""Widgets that show lines of spans, and repaint only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from core.domain.text import cell_width
from tui.present import TO_ASCII, Line
from tui.theme import Look, look_of


def paint(line: Line, look: Look, width: int, base: Style, *, is_ascii: bool = False) -> Strip:
    """*line* as what Textual draws: exactly *width* cells, on the background of *base*.

    Spans are plain text here and stay so: nothing in them is read as markup.
    """
    segments = [
        Segment(text.translate(TO_ASCII) if is_ascii else text, base + look[name])
        for text, name in line
        if text
    ]
    return Strip(segments).adjust_cell_length(width, base).simplify()


def difference(old: Strip, new: Strip) -> tuple[int, int] | None:
    """The first and the last-but-one cell in which two strips of one width differ; None when they do not."""
    before, after = list(old), list(new)
    start = end = 0
    while before and after and before[0] == after[0]:
        start += before.pop(0).cell_length
        after.pop(0)
    if not before and not after:
        return None
    while before and after and before[-1] == after[-1]:
        end += before.pop().cell_length
        after.pop()
    if before and after:
        start += _same_cells(before[0], after[0])
        end += min(_same_cells(before[-1], after[-1], is_end=True), new.cell_length - end - start)
    return start, new.cell_length - end


def _same_cells(old: Segment, new: Segment, *, is_end: bool = False) -> int:
    """How many cells of one look two segments have in common at one of their ends."""
    if old.style != new.style:
        return 0
    step = -1 if is_end else 1
    pairs = zip(old.text[::step], new.text[::step], strict=False)
    return sum(cell_width(one) for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class LineBar(Widget):
    """A few fixed lines. Its height is set by the style sheet.

    Args:
        id: The widget's id.
        is_ascii: Draw with ASCII only.
    """

    def __init__(self, *, id: str | None = None, is_ascii: bool = False) -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id)
        self._is_ascii = is_ascii
        self._lines: tuple[Line, ...] = ()
        self._strips: dict[int, Strip] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show *lines*; what stays the same is not drawn again."""
        old, self._lines = self._lines, tuple(lines)
        if old == self._lines:
            return
        for y in range(max(len(old), len(self._lines))):
            drawn = self._strips.pop(y, None)
            if drawn is None:
                self.refresh(Region(0, y, self.size.width, 1))
                continue
            changed = difference(drawn, self._draw(y))
            if changed is None:
                self._strips[y] = drawn
            else:
                self.refresh(Region(changed[0], y, changed[1] - changed[0], 1))

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        known = self._strips.get(y)
        if known is None or known.cell_length != self.size.width:
            known = self._strips[y] = self._draw(y)
        return known

    def notify_style_update(self) -> None:
        """Textual's call when the style sheet gives other colours."""
        super().notify_style_update()
        self._strips.clear()

    def _draw(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        return paint(line, look_of(self.app), self.size.width, self.rich_style, is_ascii=self._is_ascii)


class LinePane(ScrollView, can_focus=True):
    """Any number of lines, scrolled.

    Args:
        id: The widget's id.
        is_ascii: Draw with ASCII only.
    """

    def __init__(self, *, id: str | None = None, is_ascii: bool = False) -> None:  # noqa: A002 -- Textual's name
        super().__init__(id=id)
        self._is_ascii = is_ascii
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show *lines*; those that stay the same are not drawn again."""
        old, self._lines = self._lines, tuple(lines)
        if old == self._lines:
            return
        if len(old) != len(self._lines):
            self.virtual_size = Size(self.size.width, len(self._lines))
        base = self.rich_style  # found in all that is around the pane: not once a line
        for row in range(max(len(old), len(self._lines))):
            before, after = old[row : row + 1], self._lines[row : row + 1]
            if before != after:
                drawn = [self._draw(*line, base=base) for line in (before, after)]
                start, end = difference(*drawn) or (0, 0)
                self.refresh(Region(start, row - self.scroll_offset.y, end - start, 1))

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        row = y + self.scroll_offset.y
        return self._draw(*self._lines[row : row + 1])

    def _draw(self, line: Line = (), *, base: Style | None = None) -> Strip:
        base = base or self.rich_style
        return paint(line, look_of(self.app), self.size.width, base, is_ascii=self._is_ascii)
