"""Searches of the library. Each question holds the connection for some milliseconds, whatever there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.domain.delivery import Delivery
from core.domain.errors import InvalidRequest, NoSuchEntry
from core.domain.folding import stem_of
from core.domain.job import Job
from core.domain.library import Bound, Facet, LibraryQuery, MediaItem, Words
from core.domain.snapshot import Page
from core.store import forwarding, items
from core.store.rows import Reader, chunked, placeholders
from core.store.typos import MIN_WORD_CHARS, distance, may_differ, pieces_of
from core.store.writer import Writer

MAX_PAGE = 500
#: Items that one question looks at, the newest first.
WINDOW = 4_000
#: Matches are rated where no more items than this have the words: rating asks how common each word is, which
#: takes longer than finding it. Of very many the newest come first: they are as good as the others.
RATED = 20_000
#: Beginnings of words are looked for from so many letters on.
_MIN_PREFIX_CHARS = 2
#: What a match in title, lecturer, series, and link counts; facets do not.
_RANK = "bm25(media_text, 10.0, 5.0, 5.0, 1.0, 0.0)"
#: Words that are compared with a mistyped one, and that are looked for instead.
_COMPARED, _NEAR = 200, 4
_ITEM = ", ".join(items.ITEM_COLUMNS)
_CURSOR = re.compile(r"([01])\.([012])\.(\d{1,18})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: among the items below an id, after so many of the best of their window."""

    is_rated: bool
    #: Which of the search's expressions is gone through.
    phase: int
    below: int
    skip: int = 0

    def __str__(self) -> str:
        return f"{self.is_rated:d}.{self.phase}.{self.below}.{self.skip}"


class Library:
    """Reads the items, and adds what older versions left out."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def search(
        self, query: LibraryQuery, *, limit: int = 50, after: str | None = None
    ) -> Page[MediaItem]:
        """What meets *query*: titles that begin with its words, those that hold them side by side, the rest.

        Within each the best come first; where very many are as good, and without words, the newest. While
        items are added, none comes twice.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        limit = min(max(limit, 1), MAX_PAGE)
        phases = expressions(query)
        newest = await self._newest()
        if after is None:
            count = await self._count(query)
            place = _Place(count is not None, 0, newest + 1)
        else:
            count, place = None, _place(after)
        # Of so few, one window holds all.
        are_few = count is not None and count <= WINDOW
        found: list[int] = []
        while count != 0 and place.phase < len(phases):
            match, wanted = phases[place.phase], limit + 1 - len(found)
            # What rates or passes over items does not stop early: it goes through a window at a time.
            is_bounded = (place.is_rated or bool(query.bounds)) and not are_few
            floor = await self._floor(match, place.below) if is_bounded else 0
            ids = await self._window(match, query.bounds, place, floor, wanted)
            found += ids
            if len(found) > limit:
                del found[limit:]
                if place.is_rated:
                    # They have no order but their place in it.
                    place = replace(place, skip=place.skip + wanted - 1)
                elif wanted > 1:
                    place = replace(place, below=found[-1])
                return Page(await self._items(found), str(place))
            place = (
                replace(place, below=floor, skip=0)
                if floor
                else replace(place, phase=place.phase + 1, below=newest + 1, skip=0)
            )
        return Page(await self._items(found))

    async def _newest(self) -> int:
        (row,) = await self._reader.rows("SELECT COALESCE(MAX(id), 0) AS newest FROM media_items")
        return int(row["newest"])

    async def _count(self, query: LibraryQuery) -> int | None:
        """At most so many items have the words; None without words, and where they are too many to rate."""
        forms = {
            form
            for words in query.words
            if not words.is_negated
            for phrase in words.phrases
            for word in phrase
            for form in _choices((word,), is_prefix=words.is_prefix)
        }
        left = RATED
        for some in chunked(sorted(forms)):
            each = ["SELECT 1 FROM media_text WHERE media_text MATCH ?"] * len(some)
            rows = await self._reader.rows(
                f"SELECT COUNT(*) AS n FROM ({' UNION ALL '.join(each)} LIMIT ?)",  # noqa: S608 -- constants
                *(*some, left + 1),
            )
            left -= rows[0]["n"]
            if left < 0:
                return None
        return RATED - left if forms else None

    async def _floor(self, match: str, below: int) -> int:
        """The id that the window below another ends with; 0 when it is the last one."""
        rows = await self._reader.rows(
            "SELECT rowid AS id FROM media_text WHERE media_text MATCH ? AND rowid < ?"
            " ORDER BY rowid DESC LIMIT 1 OFFSET ?",
            *(match, below, WINDOW - 1),
        )
        return int(rows[0]["id"]) if rows else 0

    async def _window(
        self, match: str, bounds: tuple[Bound, ...], place: _Place, floor: int, wanted: int
    ) -> list[int]:
        """The first items of a window that match."""
        conditions = ["media_text MATCH ?", "media_text.rowid < ?", "media_text.rowid >= ?"]
        conditions += [
            f"{'NOT ' if each.is_negated else ''}(item.{each.column} {each.operator} ?)" for each in bounds
        ]
        # CROSS JOIN: the index first, whose order is that of the ids, and each item when it is reached.
        joined = " CROSS JOIN media_items item ON item.id = media_text.rowid" if bounds else ""
        order = f"{_RANK}, media_text.rowid DESC" if place.is_rated else "media_text.rowid DESC"
        rows = await self._reader.rows(
            f"SELECT media_text.rowid AS id FROM media_text{joined} WHERE {' AND '.join(conditions)}"  # noqa: S608 -- columns and operators are those of Bound
            f" ORDER BY {order} LIMIT ? OFFSET ?",
            *(match, place.below, floor, *(each.value for each in bounds), wanted, place.skip),
        )
        return [row["id"] for row in rows]

    async def _items(self, ids: Sequence[int]) -> list[MediaItem]:
        rows = await self._reader.rows(
            f"SELECT {_ITEM} FROM media_items WHERE id IN ({placeholders(len(ids))})",  # noqa: S608 -- placeholders
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
        if found := await self._items([item_id]):
            return found[0]
        raise NoSuchEntry(f"the library has no item {item_id}", hint="Search for it: reeldeck search WORDS")

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
            f"SELECT {_ITEM} FROM media_items WHERE file_path = ? OR job_id = ?"  # noqa: S608 -- constants
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
            *(" OR ".join(map(_quoted, pieces_of(word))), _COMPARED),
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
        raise InvalidRequest("the cursor is not one that a page gave", hint="Begin again without `after`.")
    return _Place(parts[1] == "1", int(parts[2]), int(parts[3]), int(parts[4]))


def expressions(query: LibraryQuery) -> list[str]:
    """The questions to the index, in the order of their answers; none gives what another gives."""
    plain = [words for words in query.words if not words.is_negated and words.column is None]
    wanted = [_words(words) for words in query.words if not words.is_negated and words.column is not None]
    wanted += [_facet(each) for each in query.facets if not each.is_negated]
    unwanted = [_words(words) for words in query.words if words.is_negated]
    unwanted += [_facet(each) for each in query.facets if each.is_negated]
    if not plain:
        return [_but(wanted or [_quoted(items.ANY_ITEM)], unwanted)]
    title = _title(plain)
    begins = " OR ".join(f"title : ^ {phrase}" for phrase in title)
    holds = " OR ".join(f"title : {phrase}" for phrase in title)
    return [
        _but([begins, *wanted], unwanted),
        _but([holds, *wanted], [*unwanted, begins]),
        _but([*map(_words, plain), *wanted], [*unwanted, holds]),
    ]


def _but(wanted: list[str], unwanted: list[str]) -> str:
    """All of *wanted*, none of *unwanted*."""
    every = " AND ".join(f"({each})" for each in wanted)
    return f"({every}) NOT ({' OR '.join(f'({each})' for each in unwanted)})" if unwanted else every


def _title(plain: list[Words]) -> list[str]:
    """All that was typed, side by side."""
    if len(plain) == 1:
        return _forms(plain[0])
    words = tuple(word for each in plain for word in each.phrases[0])
    return [_phrase(words, is_prefix=plain[-1].is_prefix)]


def _words(words: Words) -> str:
    found = " OR ".join(_forms(words))
    return f"{words.column} : ({found})" if words.column else found


def _forms(words: Words) -> list[str]:
    choices = [choice for phrase in words.phrases for choice in _choices(phrase, is_prefix=words.is_prefix)]
    return list(dict.fromkeys(choices))


def _choices(phrase: tuple[str, ...], *, is_prefix: bool) -> list[str]:
    """A phrase, and the other forms of a single word. What is quoted has none."""
    if len(phrase) > 1 or not is_prefix:
        return [_phrase(phrase, is_prefix=is_prefix)]
    forms = [phrase[0], *filter(None, [stem_of(phrase[0])])]
    # The very word as well: what has it counts for more than what only begins so.
    return [_phrase((form,), is_prefix=beginning) for form in forms for beginning in (False, True)]


def _phrase(words: tuple[str, ...], *, is_prefix: bool) -> str:
    return _quoted(" ".join(words)) + (" *" if is_prefix and len(words[-1]) >= _MIN_PREFIX_CHARS else "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _facet(wanted: Facet) -> str:
    return " OR ".join(_quoted(items.facet(wanted.name, value)) for value in wanted.values)
