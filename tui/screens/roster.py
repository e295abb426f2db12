"""A page with a short list, and all about the row under its cursor beside or below it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from tui.deck import Deck
from tui.present import RULE, Line, pad
from tui.screens.page import PageScreen
from tui.screens.scrolling import CursorActions
from tui.situation import Situation
from tui.widgets.frame import WIDE, PageFrame
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster, Row

#: Where the detail stands below the list, so many lines are kept for everything else.
OTHER_LINES = 12


class RosterScreen(CursorActions, PageScreen):
    """What a page shows is for its subclass to say: `headline`, `heads`, `rows`, `detail`, `placeholder`.

    Args:
        deck: What all screens share.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide"), (180, "-vast")]
    #: While the page is shown the engine is asked this often; None: as often as for any page.
    REFRESH_S: ClassVar[float | None] = None
    #: The page that is marked in the header, where it is another than PAGE.
    TAB: ClassVar[str] = ""
    #: Most lines below the list, where there is no room beside it.
    BELOW_LINES: ClassVar[int] = 10
    #: How the list is drawn.
    ROSTER: ClassVar[type[Roster]] = Roster

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        ascii_only = deck.is_ascii
        self.top = LineBar(id="title", is_ascii=ascii_only)
        self.heads_bar = LineBar(id="heads", is_ascii=ascii_only)
        self.roster = self.ROSTER(id="roster", is_ascii=ascii_only)
        self.below = LineBar(id="below", is_ascii=ascii_only)
        self.view = PageFrame(
            deck,
            top=self.top,
            heads=self.heads_bar,
            rows=self.roster,
            below=self.below,
            above=self.above(),
        )
        self.pane = self.view.pane

    # For the subclass

    def above(self) -> Sequence[Widget]:
        """What may stand between the top line and the list."""
        return ()

    def headline(self) -> Line:
        """What the page holds, in a few words."""
        raise NotImplementedError

    def heads(self, width: int) -> Line:
        """The line above the rows."""
        raise NotImplementedError

    def rows(self, width: int, now: float) -> list[Row]:
        """What is listed."""
        raise NotImplementedError

    def detail(self, width: int, now: float) -> list[Line]:
        """All about the row under the cursor; nothing without rows."""
        raise NotImplementedError

    def placeholder(self) -> Sequence[Line]:
        """What stands in place of rows when there are none."""
        raise NotImplementedError

    # The page

    def compose(self) -> ComposeResult:
        """One view fills the screen."""
        yield self.view

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.roster.focus()
        if self.REFRESH_S is not None:
            self.set_interval(self.REFRESH_S, self._refresh)

    def on_screen_resume(self) -> None:
        """What is shown first is what was known last; newer follows."""
        self.deck.sync.look()

    def on_resize(self) -> None:
        """Every width changes what fits."""
        self.call_after_refresh(self.paint)

    def on_roster_resized(self) -> None:
        """… as does a detail that came to stand beside the list."""
        self.call_after_refresh(self.paint)

    def _refresh(self) -> None:
        if self.is_current:
            self.deck.sync.look()

    def situation(self) -> Situation:
        """Actions are for the row under the cursor."""
        return Situation(
            is_connected=self.deck.is_live,
            shown=self.roster.count,
            can_undo=self.deck.undo.is_open(time.time()),
        )

    def paint(self) -> None:
        """Show what the deck holds now."""
        width, now = self.size.width, time.time()
        if not width or not self.view.size.width:
            return
        self.view.paint_head(self.TAB or self.PAGE, now)
        self.top.show([pad(self.headline(), width)])
        list_width = self.roster.size.width
        if list_width:
            self.heads_bar.show([((" ", "head"), *self.heads(list_width - 1))])
            self.roster.show_placeholder(self.placeholder())
            self.roster.show_rows(self.rows(list_width - 1, now))
        self._paint_row(now)

    def _paint_row(self, now: float) -> None:
        """Bring up to date what depends on the cursor."""
        width = self.size.width
        if width >= WIDE and self.pane.size.width:
            self.pane.show(self.detail(self.pane.size.width, now))
        else:
            height = max(0, min(self.BELOW_LINES, self.size.height - OTHER_LINES))
            rule: Line = ((RULE * width, "rule"),)
            self.below.styles.height = height
            self.below.show([rule, *self.detail(width, now)][:height])
        self.view.paint_foot(self.PAGE, self.situation(), self.deck.said(now))

    def on_roster_moved(self) -> None:
        """The detail follows the cursor."""
        self.pane.scroll_home(animate=False)
        self._paint_row(time.time())

    # Actions

    @property
    def cursor(self) -> Roster:
        """The list."""
        return self.roster

    def do_back(self) -> None:
        """From the detail to the list, from the list to the jobs."""
        if self.pane.has_focus:
            self.roster.focus()
        else:
            self.do_show_jobs()
