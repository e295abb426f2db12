"""What is asked of the library from outside, handed on to whoever knows it: `core.domain.interface`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from core.domain.delivery import Delivery
from core.domain.library import Copies, FacetCounts, Imported, LibraryEntry, LibraryPage, MediaItem, TagCount
from core.domain.snapshot import Page
from core.engine.importing import Importer
from core.engine.items import ItemDesk
from core.engine.library import LibraryDesk


class LibraryFace:
    """Hands on what is asked about finished files. `Engine` makes what it hands it on to."""

    _library: LibraryDesk
    _items: ItemDesk
    _importer: Importer

    async def library(self, query: str = "", *, limit: int = 50, after: str | None = None) -> LibraryPage:
        """What was fetched, searched; a page, the best first."""
        return await self._library.search(query, limit=limit, after=after)

    async def library_entry(self, item_id: int) -> LibraryEntry:
        """All about an item of the library."""
        return await self._items.entry(item_id)

    async def send_item(self, item_id: int, chat: str, *, topic_id: int | None = None) -> Delivery:
        """Let an item's file go to a chat, which its id, @name or link names."""
        return await self._items.send(item_id, chat, topic_id=topic_id)

    async def facets(self, query: str = "") -> FacetCounts:
        """How many of the files that a search finds are of which kind and source, and have which tags."""
        return await self._library.facets(query)

    async def tag_item(
        self, item_id: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> MediaItem:
        """Give an item tags, and take others from it; the item as it is then."""
        return await self._items.tag(item_id, add=add, remove=remove)

    async def tags(self) -> Sequence[TagCount]:
        """Every tag, those of the most items first."""
        return await self._items.tags()

    def import_folder(self, folder: str, *, is_moving: bool = False) -> AsyncIterator[Imported]:
        """Enter the sounds and films below a folder; figures now and then."""
        return self._importer.run(folder, is_moving=is_moving)

    async def copies(self, *, limit: int = 100, after: str | None = None) -> Page[Copies]:
        """A page of what is there more than once."""
        return await self._items.copies(limit=limit, after=after)

    async def delete_copy(self, item_id: int) -> MediaItem:
        """Delete a file of which another one is there; the item that stands for both now."""
        return await self._items.delete_copy(item_id)
