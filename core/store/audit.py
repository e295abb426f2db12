"""The record of what was changed from outside: only added to, and forgotten after a time."""

from __future__ import annotations

import json
from functools import partial

from core.domain.acting import ACTING
from core.domain.snapshot import Page
from core.domain.token import AuditEntry
from core.store import acting, pages
from core.store.rows import Reader
from core.store.transaction import Transaction
from core.store.writer import Writer


class AuditTrail:
    """Reads the record, and adds to it through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def add(self, entry: AuditEntry) -> None:
        """Store an entry; its id is given here. Of one request (`core.domain.acting`) there is one."""
        request = ACTING.get()
        key = None if request is None else request.key
        await self._writer.run(partial(acting.add, entry=entry, data=dict(entry.data), key=key))

    async def page(self, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """Entries, newest first.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        limit = pages.size_of(limit)
        rows = await self._reader.rows(
            "SELECT id, actor, action, target, data, created FROM audit"
            " WHERE id < ? ORDER BY id DESC LIMIT ?",
            *(pages.below(after), limit + 1),
        )
        found = [
            AuditEntry(
                id=row["id"],
                actor=row["actor"],
                action=row["action"],
                target=row["target"],
                data=json.loads(row["data"]),
                created=row["created"],
            )
            for row in rows
        ]
        return pages.page_of(found, limit)

    async def forget(self, *, before: float) -> int:
        """Delete what is older; returns how many entries that were."""
        return await self._writer.run(partial(_forget, before=before))


async def _forget(transaction: Transaction, *, before: float) -> int:
    return await transaction.execute("DELETE FROM audit WHERE created < ?", before)
