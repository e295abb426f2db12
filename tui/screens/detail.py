"""One job on the whole screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult

from core.domain.delivery import Delivery
from core.domain.job import Job
from tui.actions import bindings_of
from tui.chrome import footer
from tui.deck import Deck
from tui.deliveries import delivery_lines
from tui.describe import detail
from tui.outbox import About
from tui.present import join_sides, pad
from tui.screens.job_actions import JobActionsScreen
from tui.screens.scrolling import ScrollActions
from tui.screens.sending import SendingScreen, unsent
from tui.situation import Situation
from tui.widgets.banner import Banner
from tui.widgets.click_bar import ClickBar
from tui.widgets.lines import LineBar, LinePane


class DetailScreen(ScrollActions, SendingScreen, JobActionsScreen):
    """Everything about a job, live.

    Args:
        deck: What all screens share.
        job_id: The job.
    """

    PAGE = "detail"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck, job_id: int) -> None:
        super().__init__(deck)
        self._job_id = job_id
        self._top = LineBar(id="title", is_ascii=deck.is_ascii)
        self._banner = Banner(deck)
        self.pane = LinePane(id="detail", is_ascii=deck.is_ascii)
        self._message = LineBar(id="message", is_ascii=deck.is_ascii)
        self._footer = ClickBar(id="footer", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """Title, what is amiss, everything, keys."""
        yield self._top
        yield self._banner
        yield self.pane
        yield self._message
        yield self._footer

    def on_mount(self) -> None:
        """Its events may not be here yet."""
        self.pane.focus()
        self.run_worker(self.deck.load_timeline(self._job_id), group="timeline", exclusive=True)

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.call_after_refresh(self.paint)

    def targets(self) -> list[Job]:
        """This job, whatever is marked elsewhere."""
        job = self.deck.index.known.get(self._job_id)
        return [job] if job else []

    def situation(self) -> Situation:
        """What there is to send again as well."""
        return replace(super().situation(), unsent=len(unsent(self._deliveries())))

    def _deliveries(self) -> Sequence[Delivery]:
        return self.look(About(job_id=self._job_id))

    def do_send_again(self) -> None:
        """All of its deliveries that failed."""
        self.send_again(self._deliveries())

    def paint(self) -> None:
        """Show what the deck holds now; a job that was deleted closes its page."""
        job = self.deck.index.known.get(self._job_id)
        if job is None:
            if self.is_current:
                self.dismiss()
            return
        width, now = self.size.width, time.time()
        if not width or not self.pane.size.width:
            return
        self._top.show([pad(((" reeldeck", "brand"), (f"  job {job.id}", "dim")), width)])
        self._banner.paint(self.PAGE, now, width)
        events, speeds = self.deck.timeline(job.id), self.deck.speeds_of(job.id, now)
        size, held = self.pane.size, self.deck.held(job, now)
        sent = partial(delivery_lines, self._deliveries(), self.deck.chat_names(), now)
        self.pane.show(detail(job, events, speeds, now, size.width, height=size.height, held=held, sent=sent))
        undo = self.deck.undo.line(now, self.deck.keys)
        self._message.show([join_sides(self.deck.said(now), undo, width)])
        self._footer.show([footer(self.PAGE, self.situation(), width, self.deck.keys)])

    def do_back(self) -> None:
        """Back to the list."""
        self.dismiss()

    def do_close(self) -> None:
        """The same."""
        self.dismiss()
