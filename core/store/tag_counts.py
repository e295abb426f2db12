"""How many items of the library have each tag."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.tags import tag_key
from core.store.transaction import Transaction


async def count(transaction: Transaction, names: Iterable[str], step: int) -> None:
    """One item more or less (*step*: 1, -1) has these tags. One that none has is forgotten."""
    for name in sorted(names):
        await transaction.execute(
            "INSERT INTO library_tags (key, name, item_count) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET item_count = item_count + excluded.item_count",
            *(tag_key(name), name, step),
        )
    if step < 0:
        await transaction.execute("DELETE FROM library_tags WHERE item_count <= 0")
