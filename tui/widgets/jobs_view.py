"""The home screen's parts and how they are drawn: header, tabs, list, detail, one line of news, footer."""

from __future__ import annotations

import time
from functools import partial

from core.domain.wording import title_of
from tui import chrome
from tui.actions import keys_on
from tui.deck import Deck
from tui.deliveries import delivery_lines, summary
from tui.describe import detail, strip
from tui.outbox import About
from tui.present import Line, count_text
from tui.rows import column_heads
from tui.situation import Situation
from tui.sync import Link
from tui.widgets.click_bar import ClickBar
from tui.widgets.filter_bar import FilterBar
from tui.widgets.frame import WIDE, PageFrame
from tui.widgets.job_table import JobTable
from tui.widgets.lines import LineBar, LinePane


class JobsView(PageFrame):
    """Draws a deck. Decides nothing.

    Args:
        deck: What is drawn.
    """

    def __init__(self, deck: Deck) -> None:
        ascii_only = deck.is_ascii
        self.table = JobTable(deck.index, is_ascii=ascii_only)
        self.table.choose(deck.columns)
        self.filter_bar = FilterBar(is_ascii=ascii_only)
        self.tabs = ClickBar(id="tabs", is_ascii=ascii_only)
        self.heads = ClickBar(id="heads", is_ascii=ascii_only)
        self.strip = LineBar(id="strip", is_ascii=ascii_only)
        super().__init__(
            deck, top=self.tabs, heads=self.heads, rows=self.table, below=self.strip, above=[self.filter_bar]
        )

    def paint(self, situation: Situation) -> None:
        """Bring every part up to date; *situation* says which keys work."""
        deck, index = self.deck, self.deck.index
        if not self.size.width:
            return
        self.paint_head("jobs", time.time())
        is_lost = deck.sync.connection.link is Link.LOST
        self.table.dim(is_lost and deck.sync.is_loaded)
        self.table.apply(index.take_changes())
        key = keys_on("jobs", deck.keys)
        self.table.show_placeholder(
            chrome.empty_list(index, is_loaded=deck.sync.is_loaded, is_lost=is_lost, key=key)
        )
        self.heads.show([column_heads(self.table.columns, index.sort, is_reversed=index.is_reversed)])
        if self.filter_bar.display:
            self.filter_bar.show_found(self._found())
        self.paint_cursor(situation)

    def paint_cursor(self, situation: Situation) -> None:
        """Bring up to date what depends on the cursor, the marks or the last notice."""
        width, now, deck = self.size.width, time.time(), self.deck
        self._paint_job(now)
        has_older = deck.sync.has_older
        self.tabs.show([chrome.tabs(deck.index, deck.sync.counts, has_older=has_older, width=width)])
        self.paint_foot("jobs", situation, self._message(situation, now))

    def _found(self) -> Line:
        index = self.deck.index
        older = "+" if self.deck.sync.has_older else ""
        return ((f"{count_text(len(index))} of {count_text(len(index.known))}{older}", "dim"),)

    def _message(self, situation: Situation, now: float) -> Line:
        deck, width = self.deck, self.size.width
        if said := deck.said(now):
            return said
        if situation.marked:
            return (
                (f" {situation.marked} marked", "mark"),
                (" · keys act on them · ", "dim"),
                (keys_on("jobs", deck.keys)("back"), "key"),
                (" clears", "label"),
            )
        if deck.news:
            job = deck.index.known.get(deck.news.job_id) if deck.news.job_id is not None else None
            return chrome.news(deck.news, title_of(job) if job else "", now, width)
        return ()

    def _paint_job(self, now: float) -> None:
        job = self.deck.index.cursor_job
        is_wide = self.size.width >= WIDE
        widget: LinePane | LineBar = self.pane if is_wide else self.strip
        width = widget.size.width
        if job is None or not width:
            widget.show([])
            return
        events, speeds = self.deck.timeline(job.id), self.deck.speeds_of(job.id, now)
        held = self.deck.held(job, now)
        deliveries = self.deck.outbox.look(About(job_id=job.id), now)
        if is_wide:
            sent = partial(delivery_lines, deliveries, self.deck.chat_names(), now)
            widget.show(detail(job, events, speeds, now, width, held=held, sent=sent))
        else:
            told = summary(deliveries, now)
            opener = keys_on("jobs", self.deck.keys)("open")
            widget.show(strip(job, events, speeds, now, width, held=held, sent=told, opener=opener))
