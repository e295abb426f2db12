"""Throw away what nobody will come back for: temporary files, and old entries of the record of changes."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

from core.domain.errors import NoSuchJob
from core.domain.job import JobStatus
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

SWEEP_S = 3600.0
#: Who changed what is told for this long.
AUDIT_KEPT_S = 90 * 86_400.0
#: These will go on from what they fetched; the files of a FAILED job serve an explicit retry for a while.
_KEEPS = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED})


class Janitor:
    """Sweeps *tmp_dir*; files of failed jobs are kept for *max_age_h* hours."""

    def __init__(self, store: Store, tmp_dir: Path, *, max_age_h: float) -> None:
        self._store = store
        self._tmp_dir = tmp_dir
        self._max_age_s = max_age_h * 3600

    async def run(self) -> None:
        """Sweep at once and then every hour, until cancelled."""
        while True:
            await self.sweep()
            await self._store.audit.forget(before=time.time() - AUDIT_KEPT_S)
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> int:
        """Remove what is abandoned; returns how many folders that were."""
        removed = 0
        for folder in await asyncio.to_thread(self._folders_blocking):
            if not await self._is_needed(folder):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                removed += 1
        if removed:
            log.info("abandoned temporary folders were removed", extra={"count": removed})
        return removed

    def _folders_blocking(self) -> list[Path]:
        if not self._tmp_dir.is_dir():
            return []
        # Other people's folders are not ours to judge: ours are named by a job's id.
        return [path for path in self._tmp_dir.iterdir() if path.is_dir() and path.name.isdecimal()]

    async def _is_needed(self, folder: Path) -> bool:
        try:
            job = await self._store.jobs.get(int(folder.name))
        except NoSuchJob:
            return False
        if job.status in _KEEPS:
            return True
        return job.status is JobStatus.FAILED and time.time() - job.updated < self._max_age_s
