"""The page of the library: what was fetched, searched as it is typed, sent again, found on the disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from textual.timer import Timer
from textual.widget import Widget

from core.domain.chat import ChatRules
from core.domain.errors import ReeldeckError
from core.domain.job import JobStatus
from core.domain.library import MediaItem
from core.domain.text import for_terminal
from tui.actions import bindings_of
from tui.deck import Deck
from tui.library import item_detail, item_heads, item_row, no_items, problem_lines
from tui.present import SEPARATOR, Line, count_text
from tui.screens.facets import FacetsScreen
from tui.screens.opening import OpeningScreen
from tui.screens.operating import OperatingScreen
from tui.screens.pick_chat import PickChatScreen
from tui.screens.roster import RosterScreen
from tui.screens.tag import TagScreen
from tui.search import LibrarySearch
from tui.situation import Situation
from tui.terminal import file_browser
from tui.widgets.lines import LineBar
from tui.widgets.roster import Row
from tui.widgets.search_bar import SearchBar

#: Rows from the end at which more are asked for.
NEAR_END = 15
#: A cursor that rests so long wants to know all about its file.
REST_S = 0.2
#: What came into the library meanwhile is asked for this long after it was heard of.
FRESH_S = 1.0
#: … and this soon, where nothing is known yet.
SOON_S = 0.01
EXAMPLES = 'words  by:"Ibn Kathir"  duration>1h  source:youtube  after:2024  -not'
#: Where what was typed begins.
INDENT = 3


class LibraryScreen(OpeningScreen, OperatingScreen, RosterScreen):
    """Searches the library.

    Args:
        deck: What all screens share.
    """

    PAGE = "library"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self.found = LibrarySearch(deck.client)
        self._was_live = False
        self._completed: int | None = None
        self._rest: Timer | None = None
        self._fresh: Timer | None = None

    def above(self) -> Sequence[Widget]:
        """Where words are typed, and what is wrong with them."""
        self.search = SearchBar(EXAMPLES, is_ascii=self.deck.is_ascii)
        self.problem = LineBar(id="problem", is_ascii=self.deck.is_ascii)
        self.problem.display = False
        return (self.search, self.problem)

    def on_screen_resume(self) -> None:
        """What came meanwhile is asked for."""
        self._is_new()
        self._ask()

    # Asking

    def _ask(self) -> None:
        if self.deck.is_live:
            self.run_worker(self._follow(self.found.ask()), group="search")

    async def _follow(self, work: Awaitable[None]) -> None:
        """Show what an answer changed; a refusal is said."""
        try:
            await work
        except ReeldeckError as error:
            self.deck.say_error(error)
        self.paint()

    def _want_entry(self) -> None:
        """All about the file under the cursor, once it rests there."""
        item = self._chosen()
        if self._rest is not None:
            self._rest.stop()
        if item is not None and item.id not in self.found.entries and self.deck.is_live:
            self._rest = self.set_timer(REST_S, partial(self._load_entry, item.id))

    def _load_entry(self, item_id: int) -> None:
        self.run_worker(self._follow(self.found.load(item_id)), group="entry", exclusive=True)

    # The page

    def headline(self) -> Line:
        """How much was found, and by which words where none had those that were typed."""
        gap, found = (f"  {SEPARATOR}  ", "dim"), self.found
        line: Line = ((" Library", "strong"),)
        if found.found is None:
            return line
        more = "+" if found.found.next else ""
        line = (*line, (f"  {count_text(len(found.items))}{more}", "dim"), gap)
        line = (*line, ("found, the best first" if found.text else "the newest first", "dim"))
        if found.found.meant:
            line = (*line, gap, ("near what was typed: ", "warn"), (for_terminal(found.found.meant), "text"))
        if more and not found.has_more:
            line = (*line, gap, ("words find the others", "dim"))
        return line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return item_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:  # noqa: ARG002 -- a file's day does not age
        """One for each file."""
        return [(item.id, item_row(item, width)) for item in self.found.items]

    def detail(self, width: int, now: float) -> list[Line]:
        """The file under the cursor."""
        item = self._chosen()
        return item_detail(item, self.found.entries.get(item.id), now, width) if item else []

    def placeholder(self) -> Sequence[Line]:
        """How to begin, or to go on."""
        return no_items(
            is_live=self.deck.is_live,
            is_asked=self.found.found is not None,
            text=self.found.text,
            key=self.key,
        )

    def situation(self) -> Situation:
        """Whether there is a file, and a job."""
        item = self._chosen()
        return replace(
            super().situation(),
            has_file=item is not None,
            has_job=item is not None and item.job_id is not None,
            has_chats=self.deck.account.is_on,
        )

    def paint(self) -> None:
        """Ask again where something came since."""
        if not self.is_mounted or not self.view.size.width:
            return
        self._notice_news()
        self.problem.display = self.found.error is not None
        if self.found.error is not None:
            self.problem.show(problem_lines(self.found.error, INDENT, self.size.width))
        if self.search.display:
            told = "…" if self.found.is_asking else f"{count_text(len(self.found.items))} found"
            self.search.show_found(((told, "dim"),))
        super().paint()
        self._want_entry()

    def _notice_news(self) -> None:
        """A connection that is back, or a job that has ended, may bring other files."""
        if self._is_new() and self.is_current and self._fresh is None:
            self._fresh = self.set_timer(FRESH_S if self.found.found else SOON_S, self._refresh_found)

    def _is_new(self) -> bool:
        """Since the last look there is a connection again, or another number of files."""
        is_live, completed = self.deck.is_live, self.deck.sync.counts.get(JobStatus.COMPLETED)
        is_new = (is_live and not self._was_live) or completed != self._completed
        self._was_live, self._completed = is_live, completed
        return is_new

    def _refresh_found(self) -> None:
        self._fresh = None
        self._ask()

    def _chosen(self) -> MediaItem | None:
        return next((item for item in self.found.items if item.id == self.roster.key), None)

    def on_roster_moved(self) -> None:
        """Near the end, more is asked for."""
        self._want_entry()
        if self.roster.row >= len(self.found.items) - NEAR_END and self.found.has_more:
            self.run_worker(self._follow(self.found.more()), group="more", exclusive=True)

    async def on_roster_opened(self) -> None:
        """A double click."""
        await self.do_open_folder()

    # Typing

    def on_search_bar_typed(self, event: SearchBar.Typed) -> None:
        """Each pause in typing asks."""
        if event.text != self.found.text:
            self.found.text = event.text
            self.roster.move_to(0)
            self._ask()

    def on_search_bar_kept(self) -> None:
        """Back to the list."""
        self.roster.focus()

    # Actions

    def do_filter(self) -> None:
        """Type words."""
        self.search.open()
        self.paint()

    def do_open_job(self) -> None:
        """The job that brought the file."""
        item = self._chosen()
        if item is not None and item.job_id is not None:
            self.open_job(item.job_id)

    def do_send_item(self) -> None:
        """Choose a chat, then send the file there."""
        item = self._chosen()
        if item is None:
            return

        def picked(chat: ChatRules | None) -> None:
            if chat is not None:
                self.run_worker(self._send(item, chat), group="command")

        self.app.push_screen(PickChatScreen(self.deck, title="Send to", verb="send it there"), picked)

    async def _send(self, item: MediaItem, chat: ChatRules) -> None:
        try:
            await self.deck.client.send_item(item.id, str(chat.chat_id), topic_id=chat.topic_id or None)
        except ReeldeckError as error:
            self.deck.say_error(error)
        else:
            name = self.deck.chat_names(chat)(chat.chat_id, chat.topic_id)
            self.deck.say(f"On its way to {name}", "good")
            self.deck.sync.look()

    def do_tag_item(self) -> None:
        """Write its tags."""
        if item := self._chosen():
            self.app.push_screen(TagScreen(self.deck, item), lambda _changed: self._ask())

    def do_facets(self) -> None:
        """What is found, by kind, source and tag; the search is narrowed to one of these."""

        def chosen(more: str | None) -> None:
            if more:
                self.found.text = f"{self.found.text} {more}".strip()
                self.search.fill(self.found.text)
                self.roster.move_to(0)
                self._ask()

        self.app.push_screen(FacetsScreen(self.deck, self.found.text), chosen)

    def do_copy_url(self) -> None:
        """The link that it came from."""
        if item := self._chosen():
            self.copy([item.url], "link", "copy_url")

    def do_copy_path(self) -> None:
        """Where it is."""
        if item := self._chosen():
            self.copy([item.file_path], "path", "copy_path")

    async def do_open_folder(self) -> None:
        """Show its folder in this machine's file browser; where there is none to be seen, copy its path."""
        item = self._chosen()
        if item is None:
            return
        folder = str(Path(item.file_path).parent)
        program = file_browser(os.environ)
        if program is None:
            self.copy([folder], "folder's path", "open_folder")
            return
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.DEVNULL)
        await asyncio.create_subprocess_exec(program, folder, start_new_session=True, **streams)
        self.deck.say(f"Opened {folder}")

    def do_back(self) -> None:
        """One thing at a time: the words, then the page."""
        if self.search.display:
            self.search.clear()
            self.found.text, self.found.error = "", None
            self.roster.focus()
            self._ask()
            self.paint()
        else:
            super().do_back()
