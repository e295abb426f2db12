"""Searches of the library. Each question holds the connection for some milliseconds, whatever there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.domain.delivery import Delivery
from core.domain.job import Job
from core.domain.library import Bound, FacetCounts, LibraryQuery, MediaItem
from core.domain.snapshot import Page
from core.store import forwarding, items
from core.store.expressions import Reach, matching, stages, within_bounds
from core.store.pages import bad_cursor
from core.store.ranking import ranked, title_of
from core.store.rows import Reader, placeholders
from core.store.typos import MIN_WORD_CHARS, distance, may_differ, pieces_of
from core.store.writer import Writer

MAX_PAGE = 500
#: Matches are rated where there are no more. Of very many the newest come first: they are as good as others.
RATED = 200
#: Items whose properties are counted at most.
FACETED = 1_000
#: Words that are compared with a mistyped one, and that are looked for instead.
_COMPARED, _NEAR = 200, 4
#: Greater than every id.
_PAST_ALL = 10**18
_CURSOR = re.compile(r"([012])\.([0-3])\.(\d{1,18})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: among the items below an id."""

    reach: Reach
    below: int
    #: Which of the search's stages is gone through.
    stage: int = 0
    #: Of those that are rated, so many were on pages before.
    skip: int = 0

    def __str__(self) -> str:
        return f"{self.reach:d}.{self.stage}.{self.below}.{self.skip}"


class Library:
    """Reads the items, and adds what older versions left out."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def search(
        self, query: LibraryQuery, *, limit: int = 50, after: str | None = None
    ) -> Page[MediaItem]:
        """What meets *query*: titles that begin with its words, those that hold them side by side, the rest.

        Within each the best come first; where very many match, and without words, the newest. While items
        are added, none comes twice.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        limit = min(max(limit, 1), MAX_PAGE)
        if after is not None:
            place, ids = _place(after), None
        else:
            place, ids = await self._begin(query)
        if place.reach is not Reach.RATED:
            return await self._newest_page(query, place, limit)
        if ids is None:
            ids = await self._newest(matching(query), (), place.below, RATED)
        return await self._rated_page(query, ids, place, limit)

    async def _begin(self, query: LibraryQuery) -> tuple[_Place, list[int]]:
        """How a search is gone through, which depends on how much it finds; and what is to be rated."""
        if not title_of(query):
            # All that is asked for are properties, and words of a field: one has them, or it has not.
            return _Place(Reach.EXACT, _PAST_ALL), []
        exact, wide = matching(query, exactly=True), matching(query)
        # Of one word there are many, and the first of these are soon found: longer words that begin so need
        # not be looked for. Few have all of several things: what has them is looked for once.
        is_narrow = len(query.words) + len(query.facets) > 1
        for match in dict.fromkeys((wide, exact) if is_narrow else (exact, wide)):
            ids = await self._newest(match, (), _PAST_ALL, RATED + 1)
            if match == wide and len(ids) <= RATED:
                return _Place(Reach.RATED, max(ids, default=0) + 1), ids
            if match == exact != wide and len(ids) > RATED:
                return _Place(Reach.EXACT, _PAST_ALL), []
        return _Place(Reach.WIDE, _PAST_ALL), []

    async def _rated_page(
        self, query: LibraryQuery, ids: Sequence[int], place: _Place, limit: int
    ) -> Page[MediaItem]:
        if query.bounds and ids:
            conditions, values = _conditions(query.bounds)
            rows = await self._reader.rows(
                f"SELECT id FROM media_items item WHERE id IN ({placeholders(len(ids))}){conditions}",  # noqa: S608 -- columns and operators are those of Bound
                *(*ids, *values),
            )
            ids = [row["id"] for row in rows]
        best = ranked(query, await self._texts(ids))
        following = place.skip + limit
        page = await self._items(best[place.skip : following])
        return Page(page, str(replace(place, skip=following)) if len(best) > following else None)

    async def _newest_page(self, query: LibraryQuery, place: _Place, limit: int) -> Page[MediaItem]:
        found: list[int] = []
        expressions = stages(query, place.reach)
        for stage in range(place.stage, len(expressions)):
            below = place.below if stage == place.stage else _PAST_ALL
            found += await self._newest(expressions[stage], query.bounds, below, limit + 1 - len(found))
            if len(found) > limit:
                following = replace(place, stage=stage, below=found[limit] + 1)
                return Page(await self._items(found[:limit]), str(following))
        return Page(await self._items(found))

    async def facets(self, query: LibraryQuery) -> FacetCounts:
        """How many of what meets *query* have which property, the commonest first."""
        match = within_bounds(query)
        ids = await self._newest(match, query.bounds, _PAST_ALL, FACETED + 1) if match else []
        found = await self._items(ids[:FACETED])
        return FacetCounts(
            counted=len(found),
            is_all=len(ids) <= FACETED,
            kind=_counted(item.kind.value for item in found),
            source=_counted(item.source_type for item in found),
            tag=_counted(tag for item in found for tag in item.tags),
        )

    async def _newest(self, match: str, bounds: tuple[Bound, ...], below: int, limit: int) -> list[int]:
        """The newest items below an id that match and are within bounds."""
        conditions, values = _conditions(bounds)
        # CROSS JOIN: the index first, whose order is that of the ids, and each item when it is reached.
        joined = " CROSS JOIN media_items item ON item.id = media_text.rowid" if bounds else ""
        rows = await self._reader.rows(
            f"SELECT media_text.rowid AS id FROM media_text{joined}"  # noqa: S608 -- columns and operators are those of Bound
            f" WHERE media_text MATCH ? AND media_text.rowid < ?{conditions}"
            " ORDER BY media_text.rowid DESC LIMIT ?",
            *(match, below, *values, limit),
        )
        return [row["id"] for row in rows]

    async def _texts(self, ids: Sequence[int]) -> list[tuple[int, Sequence[str]]]:
        """The words of items' columns; from the table below the index, which itself gives one at a time."""
        rows = await self._reader.rows(
            f"SELECT id, c0, c1, c2, c3 FROM media_text_content WHERE id IN ({placeholders(len(ids))})",  # noqa: S608 -- placeholders
            *ids,
        )
        return [(item_id, texts) for item_id, *texts in rows]

    async def _items(self, ids: Sequence[int]) -> list[MediaItem]:
        rows = await self._reader.rows(
            f"SELECT {items.ITEM} FROM media_items WHERE id IN ({placeholders(len(ids))})",  # noqa: S608 -- placeholders
            *ids,
        )
        found = {row["id"]: items.item_of(row) for row in rows}
        # One that was deleted since is left out.
        return [found[item_id] for item_id in ids if item_id in found]

    async def get(self, item_id: int) -> MediaItem:
        """One item.

        Raises:
            NoSuchEntry: There is none.
        """
        return await items.get(self._reader, item_id)

    async def forward(self, item_id: int, chat_id: int, topic_id: int | None, *, now: float) -> Delivery:
        """Let an item's file go to a chat; while it is on its way there, asking again changes nothing.

        Raises:
            NoSuchEntry: There is no such item.
        """
        command = partial(forwarding.forward, item_id=item_id, chat_id=chat_id, topic_id=topic_id, now=now)
        return await self._writer.run(command)

    async def item_of(self, job: Job) -> MediaItem | None:
        """The record of a job's file, whichever job brought it; None when there is none."""
        rows = await self._reader.rows(
            f"SELECT {items.ITEM} FROM media_items WHERE file_path = ? OR job_id = ?"  # noqa: S608 -- constants
            " ORDER BY file_path = ? DESC LIMIT 1",
            *(job.file_path, job.id, job.file_path),
        )
        return items.item_of(rows[0]) if rows else None

    async def near(self, word: str) -> list[str]:
        """Words of titles and names that *word* may be a slip of, the likeliest first; also itself."""
        if len(word) < MIN_WORD_CHARS or not word.isalpha():
            return []
        rows = await self._reader.rows(
            "SELECT word FROM library_pieces CROSS JOIN library_words ON id = library_pieces.rowid"
            " WHERE library_pieces MATCH ? ORDER BY rank LIMIT ?",
            *(" OR ".join(f'"{piece}"' for piece in pieces_of(word)), _COMPARED),
        )
        limit = may_differ(word)
        rated = [(distance(word, row["word"], limit), row["word"]) for row in rows]
        close = sorted((far, other) for far, other in rated if far <= limit)
        return [other for _, other in close[:_NEAR]]

    async def add_after(self, job_id: int, *, limit: int) -> int | None:
        """Enter the files of the next COMPLETED jobs after this one; the last one's id, None at the end."""
        return await self._writer.run(partial(items.add_after, job_id=job_id, limit=limit))


def _place(after: str) -> _Place:
    parts = _CURSOR.fullmatch(after)
    if parts is None:
        raise bad_cursor()
    reach, stage, below, skip = map(int, parts.groups())
    return _Place(Reach(reach), below, stage, skip)


def _counted(properties: Iterable[str]) -> dict[str, int]:
    return dict(Counter(properties).most_common())


def _conditions(bounds: Sequence[Bound]) -> tuple[str, list[float | str]]:
    """What follows other conditions on items, and its values."""
    each = (
        f" AND {'NOT ' if bound.is_negated else ''}(item.{bound.column} {bound.operator} ?)"
        for bound in bounds
    )
    return "".join(each), [bound.value for bound in bounds]
