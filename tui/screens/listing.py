"""A page that is opened from another one: rows that the engine is asked for, and all about one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Hashable, Sequence
from typing import ClassVar, Generic, TypeVar

from core.domain.errors import ReeldeckError
from core.domain.text import for_terminal
from tui.administration import Columns, heads
from tui.deck import Deck
from tui.paragraphs import nothing_yet
from tui.present import SEPARATOR, Line
from tui.screens.roster import RosterScreen
from tui.widgets.roster import Row

Entry = TypeVar("Entry")


class ListingScreen(RosterScreen, Generic[Entry]):
    """What it lists is for its subclass to say: `fetch`, `key_of`, `row_of`, `detail_of`, `nothing`.

    Args:
        deck: What all screens share.
    """

    #: What it shows, as its first line calls it, and what is loaded.
    TITLE_TEXT: ClassVar[str]
    ABOUT: ClassVar[str] = ""
    WHAT: ClassVar[str]
    COLUMNS: ClassVar[Columns]

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        #: None until they were told.
        self.entries: Sequence[Entry] | None = None
        self._problem: ReeldeckError | None = None
        self._is_loading = False
        #: Something has changed since they were asked for.
        self._is_stale = False
        self._was_live = deck.is_live

    # For the subclass

    async def fetch(self) -> Sequence[Entry]:
        """What is listed. Raises the engine's errors."""
        raise NotImplementedError

    def key_of(self, entry: Entry) -> Hashable:
        """What an entry is known by."""
        raise NotImplementedError

    def row_of(self, entry: Entry, width: int, now: float) -> Line:
        """An entry as a line."""
        raise NotImplementedError

    def detail_of(self, entry: Entry, width: int, now: float) -> list[Line]:
        """All about an entry."""
        raise NotImplementedError

    def nothing(self) -> Sequence[Line]:
        """What stands there when nothing is listed."""
        raise NotImplementedError

    def summary(self) -> Line:
        """What is worth a word on the first line."""
        return ()

    # The page

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        key = self.roster.key
        return next((entry for entry in self.entries or () if self.key_of(entry) == key), None)

    def on_screen_resume(self) -> None:
        """Somebody else may have changed some."""
        self.load()

    def load(self) -> None:
        """Ask for all of it again; while an answer is on its way, once that is there."""
        if self._is_loading:
            self._is_stale = True
        else:
            self._is_loading = True
            self.run_worker(self._fetch(), group="listing")

    async def _fetch(self) -> None:
        try:
            self.entries, self._problem = await self.fetch(), None
        except ReeldeckError as error:
            self._problem = error
            if self.entries is not None:
                self.deck.say_error(error)
        finally:
            self._is_loading = False
        self.paint()
        if self._is_stale:
            self._is_stale = False
            self.load()

    def command(self, work: Awaitable[str]) -> None:
        """Do something, say what came of it, and show what it changed."""

        async def run() -> None:
            try:
                self.deck.say(for_terminal(await work), "good")
            except ReeldeckError as error:
                self.deck.say_error(error)
            self.load()

        self.run_worker(run(), group="command")

    def headline(self) -> Line:
        """What it is, how many there are."""
        line: Line = ((f" {self.TITLE_TEXT}", "strong"),)
        if self.entries:
            line = (*line, (f"  {len(self.entries)}", "dim"))
        summary = self.summary() or (((self.ABOUT, "dim"),) if self.ABOUT else ())
        return (*line, (f"  {SEPARATOR}  ", "dim"), *summary) if summary else line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return heads(self.COLUMNS, width)

    def rows(self, width: int, now: float) -> list[Row]:
        """One for each entry."""
        return [(self.key_of(entry), self.row_of(entry, width, now)) for entry in self.entries or ()]

    def detail(self, width: int, now: float) -> list[Line]:
        """The entry under the cursor."""
        return self.detail_of(self.chosen, width, now) if self.chosen is not None else []

    def placeholder(self) -> Sequence[Line]:
        """Loading, refused, lost, or nothing there."""
        if self.entries is not None:
            return self.nothing()
        if self._problem is None or self.deck.is_lost:
            return nothing_yet(self.WHAT, is_lost=self.deck.is_lost)
        return [
            ((f"This cannot be shown: {for_terminal(str(self._problem))}", "strong"),),
            (),
            ((for_terminal(self._problem.hint), "dim"),),
        ]

    def paint(self) -> None:
        """A connection that is back brings what was not there yet."""
        is_back, self._was_live = self.deck.is_live and not self._was_live, self.deck.is_live
        if is_back and self.is_mounted:
            self.load()
        super().paint()

    # Actions

    def do_back(self) -> None:
        """From the detail to the list, from the list to where it was opened."""
        if self.pane.has_focus:
            self.roster.focus()
        else:
            self.dismiss()

    def do_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss()
