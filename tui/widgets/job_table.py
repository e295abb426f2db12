"""The list of jobs, drawn line by line: it costs what the rows in sight cost, however many there are."""

from __future__ import annotations

import time
from collections.abc import Collection

from rich.style import Style
from textual import events
from textual.cache import FIFOCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.domain.job import Job
from tui.present import Line, width_of
from tui.rows import Columns, columns_for, row
from tui.state import Changes, JobIndex
from tui.theme import look_of
from tui.thrift import ThriftyScreen
from tui.widgets.lines import difference, paint

#: Drawn rows that are kept.
STRIPS = 1_000
#: Rows from the end at which older jobs are asked for.
NEAR_END = 50


class JobTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of an index. Keys are the screen's: they move the cursor, not the view.

    Args:
        index: What is shown.
        is_ascii: Draw with ASCII only.
    """

    class Opened(Message):
        """A row was double-clicked."""

    class CursorMoved(Message, bubble=True):
        """The cursor stands on another job, or the list was scrolled."""

        def can_replace(self, message: Message) -> bool:
            """Only the last of several counts."""
            return isinstance(message, type(self))

    class NearEnd(Message):
        """The end of the list is almost in sight."""

        def can_replace(self, message: Message) -> bool:
            """Once is enough."""
            return isinstance(message, type(self))

    def __init__(self, index: JobIndex, *, is_ascii: bool = False) -> None:
        super().__init__(id="jobs")
        self._index = index
        self._is_ascii = is_ascii
        self._is_dimmed = False
        self._columns = columns_for(80)
        self._chosen: Collection[str] | None = None
        # A drawn row is good for as long as the very job object, its mark and its cursor are the same.
        # (Textual's LRUCache never replaces a value; the oldest going first does as well here.)
        self._strips: FIFOCache[int, tuple[Job, bool, int, Strip]] = FIFOCache(STRIPS)
        self._today = time.localtime().tm_yday
        self._placeholder: tuple[Line, ...] = ()
        self._is_anchoring = False
        self._anchor = 0  # the cursor's line on the screen

    @property
    def columns(self) -> Columns:
        """How rows are divided at the present width."""
        return self._columns

    def choose(self, columns: Collection[str] | None) -> None:
        """Show these columns, as far as there is room; None: those that suit the width."""
        self._chosen = columns
        self._columns = columns_for(self.size.width or self._columns.width, columns)
        self.repaint()

    # Changes

    def apply(self, changes: Changes) -> None:
        """Draw what changed."""
        if changes.is_reordered:
            self._fit_size()
            self._keep_anchor()
            self._forget_old_days()
            self.refresh()
            return
        base = self.rich_style  # found in all that is around the list: not once a row
        for job_id in changes.touched:
            self._redraw(job_id, base)

    def show_placeholder(self, lines: list[Line]) -> None:
        """What stands in the middle while there are no rows."""
        if self._placeholder != tuple(lines):
            self._placeholder = tuple(lines)
            if not len(self._index):
                self.refresh()

    def dim(self, is_dimmed: bool) -> None:  # noqa: FBT001 -- it is the whole message
        """Show rows as old news, or as live again."""
        if is_dimmed != self._is_dimmed:
            self._is_dimmed = is_dimmed
            self.repaint()

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        self._strips.clear()
        self.refresh()

    def move(self, delta: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self._index.cursor_row + delta)

    def move_to(self, wanted: int) -> None:
        """Move the cursor to a row, and keep it in sight."""
        self._index.move_to(wanted)
        self.show_cursor()
        if isinstance(self.screen, ThriftyScreen):
            self.screen.repaint_now(self)
        self._tell()

    def show_cursor(self) -> None:
        """Scroll as far as needed to see the cursor, and draw what it changed."""
        cursor, height = self._index.cursor_row, max(1, self.size.height)
        top = self.scroll_offset.y
        if cursor < top:
            self.scroll_to(y=cursor, animate=False, immediate=True)
        elif cursor >= top + height:
            self.scroll_to(y=cursor - height + 1, animate=False, immediate=True)
        self._anchor = cursor - self.scroll_offset.y
        self.apply(self._index.take_changes())

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        job = self._index.at(y + self.scroll_offset.y)
        if job is not None:
            return self._strip(job)
        return (
            self._placeholder_strip(y)
            if not len(self._index)
            else Strip.blank(self.size.width, self.rich_style)
        )

    def _strip(self, job: Job, base: Style | None = None) -> Strip:
        is_marked = job.id in self._index.marks
        cursor = 0 if job.id != self._index.cursor_id else 2 if self.has_focus else 1
        known = self._strips.get(job.id)
        if known and known[0] is job and known[1] == is_marked and known[2] == cursor:
            return known[3]
        look = look_of(self.app)
        base = base or self.rich_style
        if cursor:
            base += look["row.cursor" if cursor == 2 else "row.idle"]
        line = row(job, self._columns, time.time(), is_marked=is_marked, is_cursor=bool(cursor))
        if cursor and look.is_native:
            line = tuple((text, "strong") for text, _ in line)  # colours in reverse would be blots
        if self._is_dimmed:
            line = tuple((text, "dim") for text, _ in line)
        strip = paint(line, look, self.size.width, base, is_ascii=self._is_ascii)
        self._strips[job.id] = (job, is_marked, cursor, strip)
        return strip

    def _placeholder_strip(self, y: int) -> Strip:
        first = max(0, (self.size.height - len(self._placeholder)) // 2 - 1)
        if not first <= y < first + len(self._placeholder):
            return Strip.blank(self.size.width, self.rich_style)
        line = self._placeholder[y - first]
        left = max(0, (self.size.width - max(map(width_of, self._placeholder))) // 2)
        spaced = ((" " * left, "text"), *line)
        return paint(spaced, look_of(self.app), self.size.width, self.rich_style, is_ascii=self._is_ascii)

    def _redraw(self, job_id: int, base: Style | None = None) -> None:
        row_number = self._index.row_of(job_id)
        if row_number is None:
            return
        y = row_number - self.scroll_offset.y
        if not 0 <= y < self.size.height:
            return
        known = self._strips.get(job_id)
        job = self._index.at(row_number)
        if known is None or job is None:
            self.refresh(Region(0, y, self.size.width, 1))
            return
        changed = difference(known[3], self._strip(job, base))
        if changed is not None:
            self.refresh(Region(changed[0], y, changed[1] - changed[0], 1))

    # Size and place

    def _fit_size(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._index))

    def _keep_anchor(self) -> None:
        """Rows came or went above: the job under the cursor stays where the eye has it.

        At the very top the list stays put, so that what is new is seen.
        """
        top, cursor = self.scroll_offset.y, self._index.cursor_row
        if top > 0 or cursor >= self.size.height > 0:
            self._is_anchoring = True
            self.scroll_to(y=max(0, cursor - self._anchor), animate=False, immediate=True)
            self._is_anchoring = False
        self._anchor = max(0, cursor - self.scroll_offset.y)

    def _forget_old_days(self) -> None:
        """Times of day turn into dates at midnight."""
        today = time.localtime().tm_yday
        if today != self._today:
            self._today = today
            self._strips.clear()

    def _tell(self) -> None:
        self.post_message(self.CursorMoved())
        if self.scroll_offset.y + self.size.height + NEAR_END >= len(self._index):
            self.post_message(self.NearEnd())

    def on_resize(self) -> None:
        """Divide rows anew."""
        self._columns = columns_for(self.size.width, self._chosen)
        self._strips.clear()
        self._fit_size()
        self.show_cursor()

    def notify_style_update(self) -> None:
        """Textual's call when the style sheet gives other colours."""
        super().notify_style_update()
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel may bring the end into sight."""
        super().watch_scroll_y(old_value, new_value)
        if not self._is_anchoring and self.is_mounted:
            self._anchor = self._index.cursor_row - round(new_value)
            self._tell()

    def on_focus(self) -> None:
        """The cursor's row looks different with focus."""
        self._redraw_cursor()

    def on_blur(self) -> None:
        """… and without."""
        self._redraw_cursor()

    def _redraw_cursor(self) -> None:
        if self._index.cursor_id is not None:
            self._redraw(self._index.cursor_id)

    async def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or self._index.at(offset.y + self.scroll_offset.y) is None:
            return
        self.move_to(offset.y + self.scroll_offset.y)
        if event.chain == 2:
            self.post_message(self.Opened())
