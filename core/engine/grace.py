"""What cancelled jobs have fetched, for as long as the cancelling can be taken back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from core.engine.folders import clean_folder_blocking


class Grace:
    """Deletes folders of cancelled jobs a little later. After a crash the janitor deletes them.

    Args:
        tmp_dir: Where jobs have their folders.
    """

    def __init__(self, tmp_dir: Path) -> None:
        self._tmp_dir = tmp_dir
        #: When each goes, on the monotonic clock.
        self._due: dict[int, float] = {}
        self._changed = asyncio.Event()
        #: Nobody takes back what is just being deleted.
        self._deleting = asyncio.Lock()

    def keep(self, job_id: int, seconds: float) -> None:
        """Keep a job's files so long."""
        self._due[job_id] = time.monotonic() + seconds
        self._changed.set()

    async def take_back(self, job_id: int) -> bool:
        """Keep a job's files for good; whether they are still there."""
        async with self._deleting:
            return self._due.pop(job_id, None) is not None

    async def run(self) -> None:
        """Delete what is due, until cancelled."""
        while True:
            self._changed.clear()
            async with self._deleting:
                for job_id in [each for each, due in self._due.items() if due <= time.monotonic()]:
                    del self._due[job_id]
                    await asyncio.to_thread(clean_folder_blocking, self._tmp_dir / str(job_id))
            next_s = min(self._due.values()) - time.monotonic() if self._due else None
            try:
                async with asyncio.timeout(next_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
