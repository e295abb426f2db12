"""What has been fetched, searched the way people type."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from core.domain.library import FacetCounts, LibraryPage, LibraryQuery, Words
from core.library.query import parse
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: The switch that says up to which job the library was filled; `None` there = all of them.
FILLED = "library_filled"
#: Jobs that are entered in one transaction.
BATCH = 100
#: Words of a search for which near ones are looked up: each takes some milliseconds.
WIDENED = 8
#: Begins the cursor of a search for what is near.
_NEAR = "~"


class LibraryDesk:
    """Answers searches, and fills the library from jobs that an older version has finished."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def search(self, text: str, *, limit: int, after: str | None) -> LibraryPage:
        """What *text* finds; where nothing has its words, what has words that are near.

        Raises:
            InvalidRequest: *text* cannot be understood, or *after* did not come from a page.
        """
        query = await self._parsed(text)
        if after is None or not after.startswith(_NEAR):
            page = await self._store.library.search(query, limit=limit, after=after)
            if page.items or after is not None:
                return LibraryPage(page.items, page.next)
        wider = await self._near(query)
        if wider == query:
            return LibraryPage(())
        cursor = after.removeprefix(_NEAR) if after is not None else None
        page = await self._store.library.search(wider, limit=limit, after=cursor)
        following = _NEAR + page.next if page.next else None
        return LibraryPage(page.items, following, _told(wider) if page.items else None)

    async def facets(self, text: str) -> FacetCounts:
        """How many of the files that *text* finds are of which kind and source, and have which tags.

        Raises:
            InvalidRequest: *text* cannot be understood.
        """
        return await self._store.library.facets(await self._parsed(text))

    async def _parsed(self, text: str) -> LibraryQuery:
        return parse(text, await self._chat_titles() if "chat" in text.lower() else {})

    async def _chat_titles(self) -> Mapping[int, str]:
        rules = await self._store.chats.all()
        return {each.chat_id: each.title for each in rules if each.title and not each.topic_id}

    async def _near(self, query: LibraryQuery) -> LibraryQuery:
        """*query* with all that its words may have been meant for. What is in quotes was meant."""
        near = [await self._widened(words) for words in query.words[:WIDENED]]
        return replace(query, words=(*near, *query.words[WIDENED:]))

    async def _widened(self, words: Words) -> Words:
        if words.is_negated or not words.is_prefix or len(words.phrases[0]) > 1:
            return words
        (word,) = words.phrases[0]
        near = await self._store.library.near(word)
        return replace(words, phrases=tuple((each,) for each in near)) if near else words

    async def fill(self) -> None:
        """Enter what older versions have fetched, a little at a time; goes on where it was stopped."""
        job_id: int | None = await self._store.switches.get(FILLED, 0)
        if job_id is None:
            return
        while (job_id := await self._store.library.add_after(job_id, limit=BATCH)) is not None:
            await self._store.switches.set(FILLED, job_id)
        await self._store.switches.set(FILLED, None)
        log.info("the library holds what was fetched before")


def _told(query: LibraryQuery) -> str:
    """The words that were looked for, the likeliest of each."""
    return " ".join(" ".join(words.phrases[0]) for words in query.words if not words.is_negated)
