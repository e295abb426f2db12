"""Writes down who changed something in the transaction that changes it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from core.domain.acting import Acting
from core.domain.token import AuditEntry
from core.store.rows import to_cell, to_json
from core.store.transaction import Transaction

T = TypeVar("T")


async def written_down(
    transaction: Transaction, *, command: Callable[[Transaction], Awaitable[T]], acting: Acting
) -> tuple[T, bool]:
    """Run *command*; its answer, and whether it changed something, which is written down then.

    All that one request does is one line, however many transactions that takes; it names the jobs of those
    that are committed.
    """
    mark = transaction.mark
    answer = await command(transaction)
    if transaction.mark == mark:
        return answer, False
    touched = transaction.jobs_since(mark)
    before = await transaction.row("SELECT id, data FROM audit WHERE request = ?", acting.key)
    if before is None:
        data = {"jobs": touched} if touched else {}
        await add(transaction, entry=acting.entry, data=data, key=acting.key)
    elif touched:
        known = json.loads(before["data"]).get("jobs", ())
        data = {"jobs": list(dict.fromkeys([*known, *touched]))}
        await transaction.execute("UPDATE audit SET data = ? WHERE id = ?", to_json(data), before["id"])
    return answer, True


async def add(
    transaction: Transaction, *, entry: AuditEntry, data: Mapping[str, object], key: str | None = None
) -> None:
    """Write a line of the record; *key* tells it from all others."""
    await transaction.execute(
        "INSERT INTO audit (actor, action, target, data, created, request) VALUES (?, ?, ?, ?, ?, ?)",
        entry.actor,
        entry.action,
        to_cell("target", entry.target),
        to_json(dict(data)),
        entry.created,
        key,
    )
