"""Files of the library that are old enough to go; what was known of them stays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from core.domain.events import EventType
from core.store.rows import JOB, Reader, job_of
from core.store.transaction import Transaction
from core.store.writer import Writer

#: `source_type` of what nobody fetched: it was theirs before it was ours.
_IMPORTED = "import"


@dataclass(frozen=True, slots=True)
class Expired:
    """An item whose file may go."""

    id: int
    file_path: str


class Retention:
    """Finds such items, and enters that their files are gone."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def due(self, *, before: float, after_id: int, limit: int) -> list[Expired]:
        """Items fetched before a time, by their ids, that are not on their way to anybody."""
        rows = await self._reader.rows(
            "SELECT id, file_path FROM media_items item"
            " WHERE removed IS NULL AND id > ? AND created < ? AND source_type <> ? AND NOT EXISTS ("
            " SELECT 1 FROM jobs JOIN deliveries ON job_id = jobs.id"
            " WHERE jobs.sha256 = item.sha256 AND jobs.file_path = item.file_path"
            " AND state IN ('WAITING', 'READY', 'SENDING')) ORDER BY id LIMIT ?",
            *(after_id, before, _IMPORTED, limit),
        )
        return [Expired(row["id"], row["file_path"]) for row in rows]

    async def note(self, expired: Expired, *, days: float, now: float) -> None:
        """The file of an item is gone: it says so, and the jobs that had brought it have none any more."""
        await self._writer.run(partial(_note, expired=expired, days=days, now=now))


async def _note(transaction: Transaction, *, expired: Expired, days: float, now: float) -> None:
    item = await transaction.row(
        "UPDATE media_items SET removed = ? WHERE id = ? AND file_path = ? RETURNING sha256",
        *(now, expired.id, expired.file_path),
    )
    if item is None:
        return
    rows = await transaction.rows(
        "UPDATE jobs SET file_path = NULL, updated = ? WHERE sha256 = ? AND file_path = ?"  # noqa: S608 -- constants
        f" RETURNING {JOB}",
        *(now, item["sha256"], expired.file_path),
    )
    for job in map(job_of, rows):
        transaction.changed(job)
        transaction.event(job.id, EventType.FILE_REMOVED, {"after_days": days}, now=now)
