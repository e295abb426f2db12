"""The part of the engine in memory that knows finished files. A test puts them into `media`."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery
from core.domain.errors import InvalidRequest, NoSuchEntry, ReeldeckError
from core.domain.job import Kind
from core.domain.library import Copies, FacetCounts, Imported, LibraryEntry, LibraryPage, MediaItem, TagCount
from core.domain.snapshot import Page


def an_item(number: int = 1, **facts: Any) -> MediaItem:
    """An item; what is not told is as for a talk."""
    values: dict[str, Any] = {
        "id": number, "job_id": number, "source_type": "direct", "media_id": None, "url": "https://a.example/x",
        "title": "A talk", "artist": "Ann", "album": None, "track_number": None, "date": "2024-05-01",
        "kind": Kind.AUDIO, "container": "mp3", "duration_s": 754.0, "size_bytes": 5 * 2**20, "width": None,
        "height": None, "file_path": f"/archive/{number}.mp3", "sha256": None, "user_id": None,
        "chat_id": None, "created": 1_700_000_000.0,
    }  # fmt: skip
    return MediaItem(**values | facts)


class FakeLibrary:
    """Finished files."""

    def __init__(self) -> None:
        super().__init__()
        #: What every search of the library finds, and the words it says it looked for instead.
        self.media: list[MediaItem] = []
        self.meant: str | None = None
        #: Paths of files that are not there any more.
        self.gone: set[str] = set()
        #: What an import says, in order; an error is raised at its place.
        self.imported: list[Imported | ReeldeckError] = [Imported(), Imported(is_done=True)]

    # EngineInterface

    async def library(self, query: str = "", *, limit: int = 50, after: str | None = None) -> LibraryPage:
        self._called("library", query, limit, after)
        first = int(after or 0)
        following = str(first + limit) if len(self.media) > first + limit else None
        return LibraryPage(self.media[first : first + limit], following, self.meant)

    async def library_entry(self, item_id: int) -> LibraryEntry:
        self._called("library_entry", item_id)
        item = self._item(item_id)
        return LibraryEntry(item, item.file_path not in self.gone, self._copies_of(item))

    async def send_item(self, item_id: int, chat: str, *, topic_id: int | None = None) -> Delivery:
        self._called("send_item", item_id, chat, topic_id)
        item = self._item(item_id)
        found = await self.find_chat(chat)
        topic = topic_id or found.topic_id or None
        return self.add_delivery(item.job_id or 0, found.chat_id, topic_id=topic, reply_to=None)

    async def tag_item(
        self, item_id: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> MediaItem:
        self._called("tag_item", item_id, tuple(add), tuple(remove))
        item = self._item(item_id)
        changed = dataclasses.replace(item, tags=tuple(sorted({*item.tags, *add} - set(remove))))
        self.media[self.media.index(item)] = changed
        return changed

    async def facets(self, query: str = "") -> FacetCounts:
        self._called("facets", query)
        return FacetCounts(
            counted=len(self.media),
            is_all=True,
            kind=dict(Counter(item.kind.value for item in self.media)),
            source=dict(Counter(item.source_type for item in self.media)),
            tag=dict(Counter(tag for item in self.media for tag in item.tags)),
        )

    async def tags(self) -> Sequence[TagCount]:
        self._called("tags")
        counts = Counter(tag for item in self.media for tag in item.tags)
        return [TagCount(name, count) for name, count in counts.most_common()]

    async def import_folder(self, folder: str, *, is_moving: bool = False) -> AsyncIterator[Imported]:
        self._called("import_folder", folder, is_moving)
        for figures in self.imported:
            if isinstance(figures, ReeldeckError):
                raise figures
            yield figures

    async def copies(self, *, limit: int = 100, after: str | None = None) -> Page[Copies]:
        self._called("copies", limit, after)
        same: dict[str, list[MediaItem]] = defaultdict(list)
        for item in self.media:
            if item.sha256 is not None:
                same[item.sha256].append(item)
        found = [Copies(key, same[key]) for key in sorted(same) if len(same[key]) > 1 and key > (after or "")]
        return Page(found[:limit], found[limit - 1].sha256 if len(found) > limit else None)

    async def delete_copy(self, item_id: int) -> MediaItem:
        self._called("delete_copy", item_id)
        item = self._item(item_id)
        if not (others := self._copies_of(item)):
            raise InvalidRequest(f"item {item_id} is the only file of its kind")
        self.media.remove(item)
        return dataclasses.replace(others[0])

    def _item(self, item_id: int) -> MediaItem:
        for item in self.media:
            if item.id == item_id:
                return item
        raise NoSuchEntry(f"the library has no item {item_id}")

    def _copies_of(self, item: MediaItem) -> list[MediaItem]:
        return [
            each
            for each in self.media
            if each.sha256 is not None and each.sha256 == item.sha256 and each is not item
        ]

    # The engine in memory has these

    def _called(self, method: str, *arguments: Any) -> None:
        raise NotImplementedError

    async def find_chat(self, name: str) -> ChatRules:
        raise NotImplementedError

    def add_delivery(self, job_id: int, chat_id: int = -100, **facts: Any) -> Delivery:
        raise NotImplementedError
