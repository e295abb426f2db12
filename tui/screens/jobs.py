"""The home screen: what keys and clicks do to the list of jobs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Collection
from functools import partial

from textual.app import ComposeResult
from textual.timer import Timer

from core.domain.errors import ReeldeckError
from core.domain.job import Job
from tui.actions import bindings_of
from tui.deck import Deck
from tui.filter import Filter
from tui.outbox import About
from tui.screens.columns import ColumnsScreen
from tui.screens.detail import DetailScreen
from tui.screens.job_actions import JobActionsScreen
from tui.screens.scrolling import CursorActions
from tui.state import SORTS, VIEWS
from tui.widgets.click_bar import ClickBar
from tui.widgets.filter_bar import FilterBar
from tui.widgets.frame import WIDE
from tui.widgets.job_table import JobTable
from tui.widgets.jobs_view import JobsView

#: A cursor that rests so long wants to know its job's events. Whoever steps through the list is quicker: what
#: is fetched would hold up the next key.
REST_S = 0.3
#: After a movement rows stay in their places for this long.
HOLD_S = 2.0
#: Older jobs are searched once typing has paused this long.
SEARCH_S = 0.4
_HEAD_SORTS = {
    "TITLE": "title",
    "SOURCE": "source",
    "ID": "added",
    "ADDED": "added",
    "STATE": "activity",
    "SIZE": "size",
}


class JobsScreen(CursorActions, JobActionsScreen):
    """Shows and controls jobs.

    Args:
        deck: What all screens share.
    """

    PAGE = "jobs"
    BINDINGS = bindings_of(PAGE)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide"), (180, "-vast")]

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self.view = JobsView(deck)
        self._pauses: dict[str, Timer] = {}
        self._awaited: int | None = None  # the job whose timeline is about to be loaded

    def compose(self) -> ComposeResult:
        """One view fills the screen."""
        yield self.view

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.view.table.focus()

    def targets(self) -> list[Job]:
        """The marked jobs that are shown, else the one under the cursor."""
        return self.deck.index.targets()

    def on_screen_resume(self) -> None:
        """Another page may have chosen a filter meanwhile."""
        wanted = self.deck.index.filter
        if wanted.text != self.view.filter_bar.text:
            self.view.filter_bar.fill(wanted.text)
            self._rearranged()
            self._later("search", SEARCH_S, self._search)

    def paint(self) -> None:
        """Show what the deck holds now."""
        self.view.paint(self.situation())
        self._want_timeline()

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        super().repaint()
        self.view.table.repaint()

    def on_resize(self) -> None:
        """Every width changes what fits."""
        self.call_after_refresh(self.paint)

    # The list moves

    def on_job_table_cursor_moved(self) -> None:
        """Somebody moves: rows stay put meanwhile, the detail follows."""
        self.deck.index.hold()
        self._later("hold", HOLD_S, self._release)
        self.view.paint_cursor(self.situation())
        self._want_timeline()

    def on_job_table_near_end(self) -> None:
        """Older jobs are about to be needed."""
        if self.deck.sync.has_older:
            self.run_worker(self._try(self.deck.sync.older()), group="older")

    def on_job_table_opened(self) -> None:
        """A double click."""
        self.do_open()

    def _release(self) -> None:
        self.deck.index.release()
        self.paint()

    def _want_timeline(self) -> None:
        job_id = self.deck.index.cursor_id
        if job_id is None or job_id == self._awaited or not self.deck.is_live:
            return
        if not self.deck.has_timeline(job_id) or self._lacks_deliveries(job_id):
            self._awaited = job_id
            self._later("timeline", REST_S, self._load_timeline)

    def _lacks_deliveries(self, job_id: int) -> bool:
        return self.deck.wants_deliveries(About(job_id=job_id), time.time())

    def _load_timeline(self) -> None:
        self._awaited = None
        job_id = self.deck.index.cursor_id
        if job_id is not None and not self.deck.has_timeline(job_id):
            self.run_worker(self.deck.load_timeline(job_id), group="timeline", exclusive=True)
        if job_id is not None and self._lacks_deliveries(job_id):
            self.run_worker(self.deck.load_deliveries(About(job_id=job_id)), group="deliveries")

    def _later(self, name: str, delay_s: float, call: object) -> None:
        """Call once things have been quiet for a while."""
        if name in self._pauses:
            self._pauses[name].stop()
        self._pauses[name] = self.set_timer(delay_s, call)  # type: ignore[arg-type] # a bound method

    async def _try(self, work: Awaitable[None]) -> None:
        try:
            await work
        except ReeldeckError as error:
            self.deck.say_error(error)

    # Clicks

    def on_click_bar_clicked(self, event: ClickBar.Clicked) -> None:
        """Tabs and column heads do what they say."""
        if event.bar.id == "tabs":
            name = next((text for text in event.texts if text in VIEWS), None)
            if name:
                self._show_view(name)
        elif event.bar.id == "heads":
            name = _HEAD_SORTS.get(event.texts[0].rstrip("↑↓")) if event.texts else None
            if name:
                index = self.deck.index
                index.set_sort(name, is_reversed=name == index.sort and not index.is_reversed)
                self._rearranged()

    # The filter

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Show what matches; older jobs that do are asked for a little later."""
        if event.wanted != self.deck.index.filter:
            self._set_filter(event.wanted)

    def on_search_bar_kept(self) -> None:
        """Back to the list."""
        self.view.table.focus()

    def _set_filter(self, wanted: Filter) -> None:
        self.deck.index.set_filter(wanted)
        self._rearranged()
        if not wanted.is_empty:
            self._later("search", SEARCH_S, self._search)

    def _search(self) -> None:
        self.run_worker(
            self._try(self.deck.sync.search(self.deck.index.filter)), group="search", exclusive=True
        )

    def _rearranged(self) -> None:
        """Another part or order of the list: the cursor keeps its job where that is still shown."""
        self.view.table.apply(self.deck.index.take_changes())
        self.view.table.show_cursor()
        self.paint()

    # Actions

    def _mark_again(self, marks: frozenset[int]) -> None:
        self.deck.index.marks |= marks & self.deck.index.known.keys()
        self.view.table.repaint()
        self.paint()

    def _filter_again(self, wanted: Filter) -> None:
        self.view.filter_bar.fill(wanted.text)
        self._set_filter(wanted)

    def do_open(self) -> None:
        """Everything about the job under the cursor."""
        job = self.deck.index.cursor_job
        if job:
            self.app.push_screen(DetailScreen(self.deck, job.id))

    def do_filter(self) -> None:
        """Type a filter."""
        self.view.filter_bar.open()
        self.paint()

    def do_sort(self) -> None:
        """By the next column."""
        names = list(SORTS)
        self.deck.index.set_sort(names[(names.index(self.deck.index.sort) + 1) % len(names)])
        self.deck.say(f"Sorted by {self.deck.index.sort}")
        self._rearranged()

    def do_columns(self) -> None:
        """Choose what the list shows."""
        shown, is_ascii = self.view.table.columns.shown, self.deck.is_ascii

        def choose(columns: Collection[str] | None) -> None:
            self.deck.columns = columns
            self.view.table.choose(columns)
            self.paint()

        now = shown if self.deck.columns is None else self.deck.columns
        self.app.push_screen(ColumnsScreen(now, choose, is_ascii=is_ascii))

    def do_reverse(self) -> None:
        """The other way round."""
        index = self.deck.index
        index.set_sort(index.sort, is_reversed=not index.is_reversed)
        self._rearranged()

    def do_mark(self) -> None:
        """Mark, and go on to the next row."""
        index = self.deck.index
        if index.cursor_id is not None:
            index.toggle_mark(index.cursor_id)
        self.view.table.move(1)

    def do_mark_all(self) -> None:
        """Mark what is shown."""
        self.deck.index.mark_shown()
        self.paint()

    def do_next_view(self) -> None:
        """The tab to the right."""
        self._step_view(1)

    def do_previous_view(self) -> None:
        """The tab to the left."""
        self._step_view(-1)

    def _step_view(self, by: int) -> None:
        names = list(VIEWS)
        self._show_view(names[(names.index(self.deck.index.view) + by) % len(names)])

    def _show_view(self, name: str) -> None:
        self.deck.index.set_view(name)
        self.deck.index.move_to(0)
        self._rearranged()

    @property
    def cursor(self) -> JobTable:
        """The list."""
        return self.view.table

    def do_back(self) -> None:
        """One thing at a time: marks, then the filter, then the tab."""
        index = self.deck.index
        if self.view.pane.has_focus:
            self.view.table.focus()
        elif index.marks and not self.view.filter_bar.has_focus_within:
            self.deck.undo.offer(partial(self._mark_again, frozenset(index.marks)), time.time())
            index.clear_marks()
            self.paint()
        elif self.view.filter_bar.display:
            if not index.filter.is_empty:
                self.deck.undo.offer(partial(self._filter_again, index.filter), time.time())
            self.view.filter_bar.clear()
            self._set_filter(Filter())
            self.view.table.focus()
        elif index.view != "All":
            self._show_view("All")
        else:
            self.deck.notice = None
            self.paint()
