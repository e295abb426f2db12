"""Files that nobody fetched, entered into the library; and entries that find their lost files again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from core.domain.errors import NoSuchEntry
from core.domain.library import MediaItem
from core.store import items
from core.store.copies import move_jobs
from core.store.rows import Reader, to_cell
from core.store.transaction import Transaction
from core.store.writer import Writer


class Entries:
    """Enters files by their paths."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def known(self, file_path: str, *, size_bytes: int, modified: float) -> MediaItem | None:
        """The item of the file at this path, if that is entered as it is."""
        rows = await self._reader.rows(
            f"SELECT {items.ITEM} FROM media_items"  # noqa: S608 -- constants
            # What was fetched is known by its size alone: nobody noted its time.
            " WHERE file_path = ? AND removed IS NULL AND size_bytes = ? AND COALESCE(modified, ?) = ?",
            *(file_path, size_bytes, modified, modified),
        )
        return items.item_of(rows[0]) if rows else None

    async def enter(self, facts: Mapping[str, Any]) -> int:
        """Enter a file that was read, in place of another that was entered at that path; its id.

        *facts* are fields of `MediaItem` but `id`, and `modified`; what is left out is not known.
        """
        return await self._writer.run(partial(_enter, facts=dict(facts)))

    async def move(self, item: MediaItem, file_path: str, *, modified: float, now: float) -> None:
        """The file of *item* is at another path; jobs that have it have it there.

        Raises:
            NoSuchEntry: There is no such item any more.
        """
        command = partial(_move, item=item, file_path=file_path, modified=modified, now=now)
        await self._writer.run(command)


async def _enter(transaction: Transaction, *, facts: dict[str, Any]) -> int:
    day = items.day_of(facts.get("date"), facts["modified"])
    cells = dict.fromkeys(items.WRITTEN) | facts | {"day": day}
    cells = {name: to_cell(name, value) for name, value in cells.items()}
    if (item_id := await items.put(transaction, cells)) is not None:
        return item_id
    # Somebody else entered it meanwhile.
    row = await transaction.row("SELECT id FROM media_items WHERE file_path = ?", cells["file_path"])
    assert row is not None
    return int(row["id"])


async def _move(
    transaction: Transaction, *, item: MediaItem, file_path: str, modified: float, now: float
) -> None:
    # Whatever is entered there is not there any more: this file is.
    await items.remove(transaction, file_path, but=item.id)
    moved = await transaction.execute(
        "UPDATE media_items SET file_path = ?, modified = ?, removed = NULL WHERE id = ?",
        file_path,
        modified,
        item.id,
    )
    if not moved:
        raise NoSuchEntry(f"the library has no item {item.id} any more")
    if item.file_path != file_path:
        await move_jobs(transaction, item.sha256, item.file_path, file_path, now=now)
