"""Throw away what nobody will come back for: temporary files, what was kept long enough, old audit rows."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

from core.config.settings import Settings
from core.domain.errors import NoSuchJob
from core.domain.job import JobStatus
from core.engine.retention import Retention
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

SWEEP_S = 3600.0
#: Who changed what is told for this long.
AUDIT_KEPT_S = 90 * 86_400.0
#: These will go on from what they fetched; the files of a FAILED job serve an explicit retry for a while.
_KEEPS = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED})


class Janitor:
    """Keeps folders and tables small.

    Args:
        store: Says what is needed.
        settings: `[paths]` and `[archive]`.
        keeps_archive: Finished files stay, however old they are.
    """

    def __init__(self, store: Store, settings: Settings, *, keeps_archive: bool = False) -> None:
        self._store = store
        self._tmp_dir = settings.paths.tmp
        self._max_age_s = settings.archive.tmp_max_age_h * 3600
        days = 0 if keeps_archive else settings.archive.retention_days
        self._retention = Retention(store, settings.paths.archive, days)

    async def run(self) -> None:
        """Sweep at once and then every hour, until cancelled."""
        while True:
            await self.sweep()
            await self._retention.sweep()
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
