"""What is not needed any more once all who asked have a file: its parts, and itself where nobody keeps it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: Below the folder of temporary files. Jobs' folders are called by their ids alone.
FOLDER = "deliveries"
SWEEP_S = 3600.0
#: What an engine that crashed has left behind is looked for among the files that were sent so lately.
_LATELY_S = 2 * 86_400.0


class Leavings:
    """Puts away what deliveries leave.

    Args:
        store: All deliveries.
        tmp_dir: Where parts are made.
        keeps_by_default: Whether files are kept that went to chats without rules.
    """

    def __init__(self, store: Store, tmp_dir: Path, *, keeps_by_default: bool) -> None:
        self._store = store
        self._folder = tmp_dir / FOLDER
        self._keeps_by_default = keeps_by_default

    def folder_of(self, job_id: int) -> Path:
        """Where the parts of a job's file are kept until they are delivered."""
        return self._folder / str(job_id)

    async def after(self, job_id: int) -> None:
        """A delivery of this job has ended."""
        deliveries = await self._store.deliveries.of(job_id=job_id)
        if not all(delivery.state.is_final for delivery in deliveries):
            return
        await asyncio.to_thread(shutil.rmtree, self.folder_of(job_id), ignore_errors=True)
        path = await self._store.deliveries.discard(
            job_id, is_kept_by_default=self._keeps_by_default, now=time.time()
        )
        if path is not None:
            await asyncio.to_thread(Path(path).unlink, missing_ok=True)
            log.info("a delivered file is not kept", extra={"job_id": job_id})

    async def run(self) -> None:
        """Look for what was left over, at once and then every hour, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Put away what an engine that crashed did not."""
        parts = await asyncio.to_thread(self._parts_blocking)
        sent = await self._store.deliveries.jobs_sent_since(time.time() - _LATELY_S)
        for job_id in sorted({*parts, *sent}):
            await self.after(job_id)

    def _parts_blocking(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        return [int(path.name) for path in self._folder.iterdir() if path.name.isdecimal()]
