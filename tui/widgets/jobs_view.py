"""The home screen's parts and how they are drawn: header, tabs, list, detail, one line of news, footer."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui import chrome
from tui.actions import Situation
from tui.deck import Deck
from tui.describe import detail, strip
from tui.present import Line, count_text, pad, title_of
from tui.rows import column_heads
from tui.sync import Link
from tui.widgets.click_bar import ClickBar
from tui.widgets.filter_bar import FilterBar
from tui.widgets.job_table import JobTable
from tui.widgets.lines import LineBar, LinePane

#: From this width on the detail stands beside the list, below it in five lines under it.
WIDE = 100


class JobsView(Vertical):
    """Draws a deck. Decides nothing.

    Args:
        deck: What is drawn.
    """

    def __init__(self, deck: Deck) -> None:
        super().__init__(id="home")
        ascii_only = deck.is_ascii
        self._deck = deck
        self.table = JobTable(deck.index, is_ascii=ascii_only)
        self.filter_bar = FilterBar(is_ascii=ascii_only)
        self.tabs = ClickBar(id="tabs", is_ascii=ascii_only)
        self.heads = ClickBar(id="heads", is_ascii=ascii_only)
        self.footer = ClickBar(id="footer", is_ascii=ascii_only)
        self.header = ClickBar(id="header", is_ascii=ascii_only)
        self.banner = LineBar(id="banner", is_ascii=ascii_only)
        self.pane = LinePane(id="pane", is_ascii=ascii_only)
        self.strip = LineBar(id="strip", is_ascii=ascii_only)
        self.message = LineBar(id="message", is_ascii=ascii_only)
        self.banner.display = False

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.header
        yield self.tabs
        yield self.banner
        yield self.filter_bar
        with Horizontal(id="body"):
            with Vertical(id="list"):
                yield self.heads
                yield self.table
            yield self.pane
        yield self.strip
        yield self.message
        yield self.footer

    def paint(self, situation: Situation) -> None:
        """Bring every part up to date; *situation* says which keys work."""
        width, now, deck = self.size.width, time.time(), self._deck
        if not width:
            return
        connection, index = deck.sync.connection, deck.index
        is_lost = connection.link is Link.LOST
        self.header.show([deck.header("jobs", width, now)])
        self.banner.display = is_lost
        if is_lost:
            self.banner.show([chrome.banner(connection, now, width)])
        self.table.dim(is_lost and deck.sync.is_loaded)
        self.table.apply(index.take_changes())
        self.table.show_placeholder(chrome.empty_list(index, is_loaded=deck.sync.is_loaded, is_lost=is_lost))
        self.heads.show([column_heads(self.table.columns, index.sort, is_reversed=index.is_reversed)])
        if self.filter_bar.display:
            self.filter_bar.show_found(self._found())
        self.paint_cursor(situation)

    def paint_cursor(self, situation: Situation) -> None:
        """Bring up to date what depends on the cursor, the marks or the last notice."""
        width, now, deck = self.size.width, time.time(), self._deck
        self._paint_job(now)
        has_older = deck.sync.has_older
        self.tabs.show([chrome.tabs(deck.index, deck.sync.counts, has_older=has_older, width=width)])
        self.message.show([pad(self._message(situation, now), width)])
        self.footer.show([chrome.footer("jobs", situation, width)])

    def _found(self) -> Line:
        index = self._deck.index
        older = "+" if self._deck.sync.has_older else ""
        known = f"{count_text(len(index))} of {count_text(len(index.known))}{older} "
        return ((known.rjust(20), "dim"),)

    def _message(self, situation: Situation, now: float) -> Line:
        deck, width = self._deck, self.size.width
        if said := deck.said(now):
            return said
        if situation.marked:
            return (
                (f" {situation.marked} marked", "mark"),
                (" · keys act on them · ", "dim"),
                ("Esc", "key"),
                (" clears", "label"),
            )
        if deck.news:
            job = deck.index.known.get(deck.news.job_id) if deck.news.job_id is not None else None
            return chrome.news(deck.news, title_of(job) if job else "", now, width)
        return ()

    def _paint_job(self, now: float) -> None:
        job = self._deck.index.cursor_job
        is_wide = self.size.width >= WIDE
        widget: LinePane | LineBar = self.pane if is_wide else self.strip
        width = widget.size.width
        if job is None or not width:
            widget.show([])
            return
        events, speeds = self._deck.timeline(job.id), self._deck.speeds_of(job.id, now)
        held = self._deck.held(job, now)
        widget.show((detail if is_wide else strip)(job, events, speeds, now, width, held=held))
