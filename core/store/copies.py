"""Items of the library that hold the very same bytes."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial

from core.domain.errors import NoSuchEntry
from core.domain.library import Copies, MediaItem
from core.domain.snapshot import Page
from core.domain.tags import tag_key
from core.store import items
from core.store.pages import bad_cursor
from core.store.rows import JOB, Reader, job_of, placeholders
from core.store.tags import change_tags
from core.store.transaction import Transaction
from core.store.writer import Writer

MAX_PAGE = 500
#: Items that one question goes through, in the order of their digests: ten milliseconds or so.
WINDOW = 50_000
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CopyList:
    """Finds items with the same content, and makes one of two."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def of(self, item: MediaItem) -> list[MediaItem]:
        """The other items with the content of *item*, the oldest first."""
        if item.sha256 is None:
            return []
        same = await self.with_content(item.sha256)
        return [each for each in same if each.id != item.id and each.removed is None]

    async def with_content(self, sha256: str) -> list[MediaItem]:
        """The items of this content, the oldest first."""
        rows = await self._reader.rows(
            f"SELECT {items.ITEM} FROM media_items WHERE sha256 = ? ORDER BY id",  # noqa: S608 -- constants
            sha256,
        )
        return [items.item_of(row) for row in rows]

    async def page(self, *, limit: int, after: str | None) -> Page[Copies]:
        """What is there more than once, in the order of the digests.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        if after is not None and not _DIGEST.fullmatch(after):
            raise bad_cursor()
        limit, begin = min(max(limit, 1), MAX_PAGE), after or ""
        digests: list[str] = []
        while len(digests) <= limit:
            end = await self._window_end(begin)
            digests += await self._repeated(begin, end, limit + 1 - len(digests))
            if end is None:
                break
            begin = end
        shown = digests[:limit]
        return Page(await self._listed(shown), shown[-1] if len(digests) > limit else None)

    async def _window_end(self, begin: str) -> str | None:
        """The digest that a window behind *begin* ends with; None when it is the last one."""
        rows = await self._reader.rows(
            "SELECT sha256 FROM media_items WHERE sha256 > ? ORDER BY sha256 LIMIT 1 OFFSET ?",
            *(begin, WINDOW - 1),
        )
        return str(rows[0]["sha256"]) if rows else None

    async def _repeated(self, begin: str, end: str | None, limit: int) -> list[str]:
        until = "" if end is None else " AND sha256 <= ?"
        rows = await self._reader.rows(
            f"SELECT sha256 FROM media_items WHERE sha256 > ?{until} AND removed IS NULL"  # noqa: S608 -- constants
            " GROUP BY sha256 HAVING COUNT(*) > 1 ORDER BY sha256 LIMIT ?",
            *(begin, *(() if end is None else (end,)), limit),
        )
        return [row["sha256"] for row in rows]

    async def _listed(self, digests: list[str]) -> list[Copies]:
        rows = await self._reader.rows(
            f"SELECT {items.ITEM} FROM media_items WHERE sha256 IN ({placeholders(len(digests))})"  # noqa: S608 -- placeholders
            " AND removed IS NULL ORDER BY id",
            *digests,
        )
        found: dict[str, list[MediaItem]] = defaultdict(list)
        for row in rows:
            found[row["sha256"]].append(items.item_of(row))
        return [Copies(digest, found[digest]) for digest in digests]

    async def merge(self, item_id: int, *, into: MediaItem, now: float) -> str:
        """Let *into* stand for an item of the same content; the path of the file that nobody needs any more.

        Jobs that had brought it have the file of *into* from now on.

        Raises:
            NoSuchEntry: There is no such item any more, or it is another content.
        """
        return await self._writer.run(partial(_merge, item_id=item_id, into=into, now=now))


async def _merge(transaction: Transaction, *, item_id: int, into: MediaItem, now: float) -> str:
    row = await transaction.row(
        f"SELECT {items.ITEM} FROM media_items WHERE id = ? AND sha256 = ?",  # noqa: S608 -- constants
        *(item_id, into.sha256),
    )
    if row is None:
        raise NoSuchEntry(f"the library has no item {item_id} with that content")
    path, tags = str(row["file_path"]), items.item_of(row).tags
    await move_jobs(transaction, into.sha256, path, into.file_path, now=now)
    await items.remove(transaction, path)
    if tags:
        await change_tags(transaction, item_id=into.id, wanted={tag_key(name): name for name in tags})
    return path


async def move_jobs(transaction: Transaction, sha256: str | None, old: str, new: str, *, now: float) -> None:
    """Jobs that have the file at *old* have it at *new*; found by its content, as paths have no index."""
    rows = await transaction.rows(
        f"UPDATE jobs SET file_path = ?, updated = ? WHERE sha256 = ? AND file_path = ? RETURNING {JOB}",  # noqa: S608 -- constants
        *(new, now, sha256, old),
    )
    for row in rows:
        transaction.changed(job_of(row))
