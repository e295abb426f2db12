"""Lets go of archived files after `archive.retention_days`; what is known of them stays."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

BATCH = 200
DAY_S = 86_400.0


class Retention:
    """Deletes what is too old.

    Args:
        store: All items.
        archive_dir: Nothing outside it is touched.
        days: How long files are kept; 0 = for ever.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, store: Store, archive_dir: Path, days: float, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._archive_dir = archive_dir
        self._days = days
        self._clock = clock

    async def sweep(self) -> int:
        """Delete what is due; returns how many files that were.

        The file goes first: a crash in between leaves an entry whose turn comes again.
        """
        count, last_id, before = 0, 0, self._clock() - self._days * DAY_S
        while self._days:
            batch = await self._store.retention.due(before=before, after_id=last_id, limit=BATCH)
            for item in batch:
                if await asyncio.to_thread(self._delete_blocking, Path(item.file_path)):
                    await self._store.retention.note(item, days=self._days, now=self._clock())
                    count += 1
            if len(batch) < BATCH:
                break
            last_id = batch[-1].id
        if count:
            log.info("files were kept long enough and deleted", extra={"count": count, "days": self._days})
        return count

    def _delete_blocking(self, path: Path) -> bool:
        """Whether the file is gone now. What is not ours, and what cannot be looked at, stays."""
        try:
            root, folder = self._archive_dir.resolve(strict=True), path.parent.resolve(strict=True)
            if not folder.is_relative_to(root):
                return False
            # A disk that is not mounted has no such folder, or nothing at all: what is on it is not gone.
            if not any(root.iterdir()):
                return False
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("a file could not be deleted: %s", error.strerror)
            return False
        with contextlib.suppress(OSError):  # somebody else's file is in it
            while folder != root:
                folder.rmdir()
                folder = folder.parent
        return True
