"""A copy of the database for somebody outside, made while jobs run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from core.engine.folders import scratch_folder
from core.store.store import Store

_CHUNK_BYTES = 1024 * 1024


async def backup(store: Store, tmp: Path) -> AsyncIterator[bytes]:
    """The database as it is when this begins, in pieces; the copy below *tmp* is gone afterwards.

    Raises:
        StoreFailure: It cannot be copied.
        DiskFull: There is no room for the copy.
    """
    async with scratch_folder(tmp) as folder:
        copy = folder / "backup.db"
        await store.copy_to(copy)
        stream = await asyncio.to_thread(copy.open, "rb", 0)
        try:
            while chunk := await asyncio.to_thread(stream.read, _CHUNK_BYTES):
                yield chunk
        finally:
            stream.close()
