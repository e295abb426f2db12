"""The library from outside the engine's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx

from core.client import wire
from core.client.asking import Asks
from core.domain.delivery import Delivery
from core.domain.errors import EngineUnreachable
from core.domain.library import Copies, FacetCounts, Imported, LibraryEntry, LibraryPage, MediaItem, TagCount
from core.domain.snapshot import Page

#: Before a copy is deleted, the file that stays is read whole.
DELETE_S = 600.0
#: Telegram is asked for the chat.
SEND_S = 120.0
#: The engine breaks its silence more often.
SILENCE_S = 35.0


class _Streams(Protocol):
    def _stream(
        self, method: str, path: str, *, silence_s: float, body: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]: ...


class LibraryClient:
    """The part of `HttpEngineClient` that is about finished files."""

    async def library(
        self: Asks, query: str = "", *, limit: int = 50, after: str | None = None
    ) -> LibraryPage:
        """What was fetched, searched; a page, the best first."""
        parameters: dict[str, str | int | None] = {"q": query, "limit": limit, "after": after}
        return wire.library_page(await self._ask("GET", "/library", parameters=parameters))

    async def library_entry(self: Asks, item_id: int) -> LibraryEntry:
        """All about an item. Raises NoSuchEntry."""
        return wire.library_value(LibraryEntry, await self._ask("GET", f"/library/{item_id}"))

    async def send_item(self: Asks, item_id: int, chat: str, *, topic_id: int | None = None) -> Delivery:
        """Let an item's file go to a chat, which its id, @name or link names."""
        body = {"chat": chat, "topic_id": topic_id}
        path = f"/library/{item_id}/send"
        return wire.delivery(await self._ask("POST", path, body=body, timeout_s=SEND_S))

    async def tag_item(
        self: Asks, item_id: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> MediaItem:
        """Give an item tags, and take others from it; the item as it is then."""
        body = {"add_tags": list(add), "remove_tags": list(remove)}
        return wire.library_value(MediaItem, await self._ask("PATCH", f"/library/{item_id}", body=body))

    async def facets(self: Asks, query: str = "") -> FacetCounts:
        """How many of the files that a search finds are of which kind and source, and have which tags."""
        return wire.library_value(
            FacetCounts, await self._ask("GET", "/library/facets", parameters={"q": query})
        )

    async def tags(self: Asks) -> Sequence[TagCount]:
        """Every tag, those of the most items first."""
        data = await self._ask("GET", "/library/tags")
        return [TagCount(str(each["name"]), int(each["count"])) for each in data["items"]]

    async def import_folder(
        self: _Streams, folder: str, *, is_moving: bool = False
    ) -> AsyncIterator[Imported]:
        """Enter the sounds and films below a folder; figures now and then, the last ones with `is_done`."""
        body = {"folder": folder, "move": is_moving}
        async with self._stream("POST", "/library/import", body=body, silence_s=SILENCE_S) as response:
            async for line in response.aiter_lines():
                if line:  # an empty one breaks a silence
                    figures = wire.imported(wire.document(line))
                    yield figures
                    if figures.is_done:
                        return
        raise EngineUnreachable("the import broke off", hint="Ask for it again: it goes on from there.")

    async def copies(self: Asks, *, limit: int = 100, after: str | None = None) -> Page[Copies]:
        """A page of what is there more than once."""
        data = await self._ask("GET", "/library/copies", parameters={"limit": limit, "after": after})
        return Page([wire.library_value(Copies, each) for each in data["items"]], data["next"])

    async def delete_copy(self: Asks, item_id: int) -> MediaItem:
        """Delete a file of which another one is there; the item that stands for both now."""
        data = await self._ask("DELETE", f"/library/copies/{item_id}", timeout_s=DELETE_S)
        return wire.library_value(MediaItem, data)
