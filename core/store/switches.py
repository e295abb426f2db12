"""Settings that are changed while the engine runs, and outlive it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from core.store.rows import Reader, to_json
from core.store.transaction import Transaction
from core.store.writer import Writer


class Switches:
    """JSON values by name."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, name: str, default: Any = None) -> Any:
        """The value that was set last, *default* before."""
        rows = await self._reader.rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    async def set(self, name: str, value: Any) -> None:
        """Set a value."""
        await self._writer.run(partial(_set, name=name, value=to_json(value)))


async def _set(transaction: Transaction, *, name: str, value: str) -> None:
    await transaction.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )
