"""The page of the log: what the engine wrote down, as it comes, the newest last."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.widget import Widget

from tui.actions import bindings_of
from tui.deck import Deck
from tui.log_file import LogFile
from tui.log_lines import LEVELS, Entry, LogFilter, log_detail, log_heads, log_row, no_lines
from tui.present import SEPARATOR, Line, count_text
from tui.screens.opening import OpeningScreen
from tui.screens.roster import RosterScreen
from tui.situation import Situation
from tui.widgets.roster import Row
from tui.widgets.search_bar import SearchBar
from tui.widgets.tail import Tail

#: Lines that are kept here; older ones stand in the file.
KEPT = 2_000
#: What is read at once: more than that is skipped, the newest stays.
MOST_BYTES = 2**20
#: While the page is shown the file is looked at this often; over SSH half as often.
LOOK_S = 0.5
EXAMPLES = "words  job:12  !not"


class LogScreen(OpeningScreen, RosterScreen):
    """Follows the engine's log file on this machine, as `reeldeck logs -f` does.

    Args:
        deck: What all screens share.
    """

    PAGE = "log"
    BINDINGS = bindings_of(PAGE)
    ROSTER = Tail
    BELOW_LINES = 7

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._file = (
            LogFile(deck.log_file, most_bytes=MOST_BYTES, earlier_bytes=MOST_BYTES) if deck.log_file else None
        )
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._shown: list[Entry] = []
        self._lines: dict[int, Line] = {}
        self._lines_width = 0
        self._count = 0
        self._is_following = True
        self._is_reading = False
        self._is_left = False
        self._problem = ""
        #: How many were known when somebody stopped following.
        self._stopped_at = 0

    @property
    def wanted(self) -> LogFilter:
        """Which lines are shown."""
        return self.deck.log_filter

    def above(self) -> Sequence[Widget]:
        """Where words are typed."""
        self.search = SearchBar(EXAMPLES, is_ascii=self.deck.is_ascii)
        return (self.search,)

    def on_mount(self) -> None:
        """Look at the file from now on."""
        self.set_interval(LOOK_S * (2 if self.app.has_class("-remote") else 1), self._look)

    def on_screen_resume(self) -> None:
        """What came meanwhile is read at once; another page may have chosen other lines."""
        self.search.fill(self.wanted.text)
        self._choose()
        self._look()

    def on_unmount(self) -> None:
        """Let go of the file; who reads it just now does that."""
        self._is_left = True
        if self._file is not None and not self._is_reading:
            self._file.close()

    # Reading

    def _look(self) -> None:
        if self._file is not None and self.is_current and self.is_mounted and not self._is_reading:
            self._is_reading = True
            self.run_worker(self._read(self._file), group="log")

    def _read_blocking(self, file: LogFile) -> list[dict[str, Any]]:
        try:
            return list(file.new_blocking())
        finally:
            if self._is_left:
                file.close()

    async def _read(self, file: LogFile) -> None:
        try:
            found = await asyncio.to_thread(self._read_blocking, file)
            problem = ""
        except OSError as error:
            found, problem = [], error.strerror or type(error).__name__
        finally:
            self._is_reading = False
        if not found and problem == self._problem:
            return
        self._problem = problem
        for fields in found:
            self._count += 1
            self._entries.append(Entry.of(self._count, fields))
        self._choose(found=len(found))
        self.paint()

    def _choose(self, *, found: int | None = None) -> None:
        """Find out which lines are shown, after *found* new ones or, with None, by another filter."""
        if found is None or found >= KEPT:
            self._shown = [entry for entry in self._entries if self.wanted.matches(entry)]
            return
        first = self._entries[0].number if self._entries else 0
        kept = [entry for entry in self._shown if entry.number >= first]
        new = [entry for entry in list(self._entries)[-found:] if self.wanted.matches(entry)] if found else []
        self._shown = kept + new

    # The page

    def headline(self) -> Line:
        """What is shown, and whether it moves."""
        gap = (f"  {SEPARATOR}  ", "dim")
        line: Line = ((" Log", "strong"), (f"  {count_text(len(self._shown))}", "dim"))
        line = (*line, gap, (f"{self.wanted.level.lower()} and above", "dim"))
        if self._is_following:
            return (*line, gap, ("follows", "good"))
        new = self._count - self._stopped_at
        more = f", {count_text(new)} new" if new else ""
        return (
            *line,
            gap,
            (f"stands still{more}: {self.key('follow')} or {self.key('bottom')} follows", "warn"),
        )

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return log_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:  # noqa: ARG002 -- what was written does not age
        """One for each line that is shown."""
        if width != self._lines_width or len(self._lines) > 2 * KEPT:
            self._lines, self._lines_width = {}, width
        for entry in self._shown:
            if entry.number not in self._lines:
                self._lines[entry.number] = log_row(entry, width)
        return [(entry.number, self._lines[entry.number]) for entry in self._shown]

    def detail(self, width: int, now: float) -> list[Line]:
        """All of the line under the cursor."""
        entry = self._chosen()
        return log_detail(entry, now, width, self.key) if entry else []

    def placeholder(self) -> Sequence[Line]:
        """Why there is nothing."""
        return no_lines(
            is_kept=self._file is not None,
            is_filtered=bool(self._entries),
            problem=self._problem,
            key=self.key,
        )

    def situation(self) -> Situation:
        """Whether the line is about a job."""
        entry = self._chosen()
        return replace(super().situation(), has_job=entry is not None and entry.job_id is not None)

    def _chosen(self) -> Entry | None:
        row = self.roster.row
        return self._shown[row] if self.roster.count and row < len(self._shown) else None

    def paint(self) -> None:
        """The newest line stays in sight while it is followed."""
        super().paint()
        if self._is_following and self._shown and self.roster.row != len(self._shown) - 1:
            self.roster.move_to(len(self._shown) - 1)
        if self.search.display:
            self.search.show_found((((f"{len(self._shown)} of {len(self._entries)}"), "dim"),))

    def on_roster_moved(self) -> None:
        """Who looks at an older line wants it to stay; the end is followed."""
        is_following = self.roster.row >= len(self._shown) - 1
        if is_following != self._is_following:
            self._follow(is_following=is_following)

    def _follow(self, *, is_following: bool) -> None:
        self._is_following, self._stopped_at = is_following, self._count
        self.paint()

    # Typing

    def on_search_bar_typed(self, event: SearchBar.Typed) -> None:
        """Show what has the words."""
        if event.text != self.wanted.text:
            self._show_only(replace(self.wanted, text=event.text))

    def on_search_bar_kept(self) -> None:
        """Back to the list."""
        self.roster.focus()

    def _show_only(self, wanted: LogFilter) -> None:
        self.deck.log_filter = wanted
        self._choose()
        self.paint()

    # Actions

    def do_filter(self) -> None:
        """Type words."""
        self.search.open()
        self.paint()

    def do_level(self) -> None:
        """Fewer lines, or all again."""
        level = LEVELS[(LEVELS.index(self.wanted.level) + 1) % len(LEVELS)]
        self._show_only(replace(self.wanted, level=level))

    def do_follow(self) -> None:
        """Stand still, or go to the newest line and on with it."""
        self._follow(is_following=not self._is_following)

    def do_open_job(self) -> None:
        """The job that the line is about."""
        entry = self._chosen()
        if entry is not None and entry.job_id is not None:
            self.open_job(entry.job_id)

    def do_job_log(self) -> None:
        """Only lines about the same job."""
        entry = self._chosen()
        if entry is not None and entry.job_id is not None:
            self.deck.log_filter = replace(self.wanted, text=f"job:{entry.job_id}")
            self.on_screen_resume()

    def do_copy_line(self) -> None:
        """The line under the cursor, as it was written."""
        if entry := self._chosen():
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at)) if entry.at else ""
            facts = " ".join(f"{name}={value}" for name, value in entry.facts)
            job = f"job_id={entry.job_id} " if entry.job_id is not None else ""
            self.copy([f"{at} {entry.level} {entry.what} {job}{facts}".strip()], "line", "copy_line")

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_open_job()

    def do_back(self) -> None:
        """One thing at a time: the words, then the page."""
        if self.search.display:
            self.search.clear()
            self._show_only(replace(self.wanted, text=""))
            self.roster.focus()
        else:
            super().do_back()
