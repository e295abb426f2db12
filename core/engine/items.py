"""Single files of the library: all about one, sent to a chat, and those that are there more than once."""

from __future__ import annotations

import asyncio
import logging
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from core.domain.delivery import Delivery
from core.domain.errors import InvalidRequest, MediaFailure, NoTelegram, NotFound
from core.domain.library import Copies, LibraryEntry, MediaItem, TagCount
from core.domain.snapshot import Page
from core.engine.telegram.chats import ChatDesk
from core.media.digest import sha256
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")


class ItemDesk:
    """Knows the files of the library one by one.

    Args:
        store: Where they are entered.
        chats: Knows the chats that they can be sent to.
    """

    def __init__(self, store: Store, chats: ChatDesk) -> None:
        self._store = store
        self._chats = chats

    async def entry(self, item_id: int) -> LibraryEntry:
        """All about an item.

        Raises:
            NoSuchEntry: There is none.
        """
        item = await self._store.library.get(item_id)
        return LibraryEntry(item, await _is_there(item), await self._store.copies.of(item))

    async def send(self, item_id: int, chat: str, *, topic_id: int | None) -> Delivery:
        """Let an item's file go to a chat; while it is on its way there, asking again changes nothing.

        Raises:
            NoSuchEntry: There is no such item.
            NotFound: Its file is gone.
            InvalidRequest: There is no such chat, or Telegram is off.
        """
        item = await self._store.library.get(item_id)
        if item.removed is not None:
            raise NotFound(
                "the file was kept long enough and deleted",
                hint=f"Fetch it again: reeldeck add --force {shlex.quote(item.url)}",
            )
        if not await _is_there(item):
            raise NotFound(
                "the file is not where it was put", hint="If it was moved: reeldeck library import FOLDER"
            )
        if self._chats.status()["state"] == "off":
            raise NoTelegram("no Telegram account is connected")
        found = await self._chats.find(chat)
        topic = topic_id or found.topic_id or None
        return await self._store.library.forward(item_id, found.chat_id, topic, now=time.time())

    async def tag(self, item_id: int, *, add: Sequence[str], remove: Sequence[str]) -> MediaItem:
        """Give an item tags, and take others from it; the item as it is then.

        Raises:
            NoSuchEntry: There is no such item.
            InvalidRequest: Something cannot be a tag, or there would be too many.
        """
        return await self._store.tags.change(item_id, add=add, remove=remove)

    async def tags(self) -> Sequence[TagCount]:
        """Every tag, those of the most items first."""
        return await self._store.tags.all()

    async def copies(self, *, limit: int, after: str | None) -> Page[Copies]:
        """A page of what is there more than once.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        return await self._store.copies.page(limit=limit, after=after)

    async def delete_copy(self, item_id: int) -> MediaItem:
        """Delete a file of which another one is there; the item that stays, which stands for both.

        The other one is read before, whole: it must still be what it was.

        Raises:
            NoSuchEntry: There is no such item.
            InvalidRequest: There is no other file like it.
        """
        item = await self._store.library.get(item_id)
        for other in await self._store.copies.of(item):
            if await self._is_intact(other):
                path = Path(await self._store.copies.merge(item_id, into=other, now=time.time()))
                await asyncio.to_thread(path.unlink, missing_ok=True)
                log.info("a copy was deleted", extra={"item": item_id, "kept": other.id})
                return other
        raise InvalidRequest(
            f"item {item_id} is the only file of its kind",
            hint="Only a file of which there is another, unchanged, is deleted: reeldeck library duplicates",
        )

    async def _is_intact(self, item: MediaItem) -> bool:
        if not await _is_there(item):
            return False
        try:
            return await sha256(Path(item.file_path)) == item.sha256
        except MediaFailure:
            return False


async def _is_there(item: MediaItem) -> bool:
    return await asyncio.to_thread(Path(item.file_path).is_file)
