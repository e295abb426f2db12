"""The engine at a glance: figures for dashboards, `/status` and the command line."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from core.domain.job import iso
from core.engine.breaker import Breakers, BreakerState
from core.engine.disk import DiskGuard
from core.engine.live import LiveBoard
from core.engine.scheduler import Scheduler
from core.engine.toolbox import Toolbox
from core.store.store import Store

VERSION = importlib.metadata.version("reeldeck")


class Glance:
    """Collects figures; holds none."""

    def __init__(
        self,
        store: Store,
        tools: Toolbox,
        scheduler: Scheduler,
        live: LiveBoard,
        disk: DiskGuard,
        breakers: Breakers,
        *,
        started: float,
    ) -> None:
        self._store = store
        self._tools = tools
        self._scheduler = scheduler
        self._live = live
        self._disk = disk
        self._breakers = breakers
        self._started = started
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only sets the mark that the next one measures from

    async def status(self) -> Mapping[str, Any]:
        """The answer of `GET /status` (DESIGN §6)."""
        settings = self._tools.settings
        return {
            "engine": {
                "version": VERSION,
                "pid": os.getpid(),
                "uptime_s": round(time.time() - self._started, 1),
                "state": "running" if self._scheduler.has_room else "disk_low",
            },
            "counts": {status.value: count for status, count in self._store.counts.items()},
            "speed_bps": self._live.speed_bps,
            "disk": {"free_bytes": await self._disk.free(), "min_free_bytes": self._disk.min_free_bytes},
            "cpu_percent": self._process.cpu_percent(),
            "memory_bytes": self._process.memory_info().rss,
            "telegram": {
                "state": "off" if not settings.telegram.enabled else "not_connected",
                "account": None,
                "wait_until": None,
            },
            "sources": self.sources(),
            "limits": settings.limits.model_dump(),
            "paths": {"archive_dir": str(settings.paths.archive), "tmp_dir": str(settings.paths.tmp)},
        }

    def sources(self) -> Sequence[Mapping[str, Any]]:
        """One row for each source."""
        settings = self._tools.settings
        flying = self._scheduler.in_flight
        return [
            {
                "name": source.name,
                "label": source.label,
                "enabled": settings.sources.of(source.name).enabled,
                "max_parallel": settings.sources.of(source.name).max_parallel
                or settings.limits.max_parallel_jobs_per_source,
                "in_flight": flying[source.name],
                **self._breaker(source.name),
            }
            for source in self._tools.registry.all()
        ]

    def _breaker(self, source: str) -> Mapping[str, Any]:
        """Whether jobs of a source may start; while they may not, since when, and when one tries again."""
        breaker = self._breakers.get(source)
        return {
            "breaker": breaker.state(time.time()) if breaker else BreakerState.CLOSED,
            "breaker_since": iso(breaker.since) if breaker else None,
            "retry_at": iso(breaker.retry_at) if breaker else None,
        }
