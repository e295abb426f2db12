"""A search of the library under way: what was asked last, and what is known of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.domain.errors import ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.library import LibraryEntry, LibraryPage, MediaItem

PAGE_ITEMS = 50
#: The most that one answer may hold.
ANSWER_ITEMS = 500
#: More are not shown: words find a file better than scrolling.
MOST_ITEMS = 1_000
#: Entries that are kept.
ENTRIES = 100


class LibrarySearch:
    """Asks the engine; an answer to an earlier question never replaces that to a later one.

    Args:
        client: The engine.
    """

    def __init__(self, client: EngineInterface) -> None:
        self._client = client
        self.text = ""
        #: The answer to the last search that was understood; None before the first.
        self.found: LibraryPage | None = None
        #: Why the last one was refused.
        self.error: ReeldeckError | None = None
        self.is_asking = False
        self._asked = 0
        self._entries: dict[int, LibraryEntry] = {}

    @property
    def items(self) -> Sequence[MediaItem]:
        """What was found, as far as it was asked for."""
        return self.found.items if self.found else ()

    @property
    def entries(self) -> Mapping[int, LibraryEntry]:
        """All about some items, as far as it was asked for."""
        return self._entries

    @property
    def has_more(self) -> bool:
        """There is more to be asked for."""
        return self.found is not None and self.found.next is not None and len(self.items) < MOST_ITEMS

    async def ask(self) -> None:
        """Search for `text`, for as many as are known now: an answer with a new file takes no others away."""
        self._asked += 1
        number, text = self._asked, self.text
        self.is_asking = True
        limit = max(PAGE_ITEMS, min(len(self.items), ANSWER_ITEMS))
        found: LibraryPage | ReeldeckError
        try:
            found = await self._client.library(text, limit=limit)
        except ReeldeckError as error:
            found = error
        if number != self._asked:
            return
        self.is_asking = False
        if isinstance(found, ReeldeckError):
            self.error = found
        else:
            self.error, self.found = None, found
            self._entries.clear()

    async def more(self) -> None:
        """Ask for the following page. Raises the engine's errors."""
        before = self.found
        if before is None or before.next is None:
            return
        page = await self._client.library(self.text, limit=PAGE_ITEMS, after=before.next)
        if self.found is before:
            self.found = replace(before, items=[*before.items, *page.items], next=page.next)

    async def load(self, item_id: int) -> None:
        """Ask for all about an item. Raises the engine's errors."""
        self._entries[item_id] = await self._client.library_entry(item_id)
        while len(self._entries) > ENTRIES:
            del self._entries[next(iter(self._entries))]
