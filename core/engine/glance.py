"""The engine at a glance: figures for dashboards, `/status` and the command line."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psutil

from core.domain.debugging import DEBUGGED
from core.domain.job import JobStatus, iso
from core.engine.breaker import Breaker, Breakers, BreakerState
from core.engine.disk import DiskGuard
from core.engine.history import History
from core.engine.intake import Intake
from core.engine.live import LiveBoard
from core.engine.openings import Openings
from core.engine.scheduler import Scheduler
from core.engine.toolbox import Toolbox
from core.engine.webhooks import Webhooks
from core.net.uplinks import network_of
from core.store.store import Store

VERSION = importlib.metadata.version("reeldeck")


class Glance:
    """Collects figures; holds none.

    Attributes:
        history: What ended on each of the last days.
    """

    def __init__(  # noqa: PLR0913 -- it looks at everything
        self,
        store: Store,
        tools: Toolbox,
        scheduler: Scheduler,
        live: LiveBoard,
        disk: DiskGuard,
        breakers: Breakers,
        openings: Openings,
        *,
        intake: Intake,
        telegram: Callable[[], Mapping[str, Any]],
        webhooks: Webhooks,
        started: float,
    ) -> None:
        self.history = History(store)
        self._store = store
        self._tools = tools
        self._scheduler = scheduler
        self._live = live
        self._disk = disk
        self._breakers = breakers
        self._openings = openings
        self._intake = intake
        self._telegram = telegram
        self._webhooks = webhooks
        self._started = started
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only sets the mark that the next one measures from

    async def status(self) -> Mapping[str, Any]:
        """The answer of `GET /status`."""
        settings = self._tools.settings
        return {
            "engine": {
                "version": VERSION,
                "pid": os.getpid(),
                "uptime_s": round(time.time() - self._started, 1),
                "now": iso(time.time()),
                "state": "running" if self._scheduler.has_room else "disk_low",
            },
            "counts": {status.value: count for status, count in self._store.counts.items()},
            "speed_bps": self._live.speed_bps,
            "disk": {"free_bytes": await self._disk.free(), "min_free_bytes": self._disk.min_free_bytes},
            "cpu_percent": self._process.cpu_percent(),
            "memory_bytes": self._process.memory_info().rss,
            "telegram": self._telegram(),
            "webhooks": await self._webhooks.status(),
            "debugged": sorted(DEBUGGED),
            "network": {"is_away": self._tools.uplinks.reach.is_away},
            "quiet_until": iso(self._openings.quiet_until("", time.time())),
            "sources": await self.sources(),
            "limits": self._intake.limits.model_dump() | {"maintenance": self._intake.is_closed},
            "paths": {"archive_dir": str(settings.paths.archive), "tmp_dir": str(settings.paths.tmp)},
        }

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """One row for each source.

        `breaker` is None for a source that takes links of any host: each host has its own, and `hosts` holds
        those that are not closed. `slowed` holds the hosts that are asked more slowly than usual.
        """
        settings, now = self._tools.settings, time.time()
        flying, unfinished = self._scheduler.in_flight, await self._store.jobs.counts_by_source()
        rows = []
        for source in self._tools.registry.all():
            own, breaker = settings.sources.of(source.name), self._breakers.get(source.name)
            counts = unfinished.get(source.name, {})
            rows.append(
                {
                    "name": source.name,
                    "label": source.label,
                    "enabled": own.enabled,
                    "max_parallel": own.max_parallel or self._intake.limits.max_parallel_jobs_per_source,
                    "in_flight": flying[source.name],
                    "queued": counts.get(JobStatus.QUEUED, 0),
                    "waiting": counts.get(JobStatus.PENDING, 0),
                    "rate_per_s": own.rate_per_s,
                    "bandwidth_bps": self._tools.uplinks.cap_of(source.name),
                    "is_proxied": network_of(settings, source.name).proxy is not None,
                    "quiet_until": iso(self._openings.quiet_until(source.name, now)),
                    "slowed": [
                        {"host": host, "gap_s": round(gap_s, 3)}
                        for host, gap_s in sorted(self._tools.uplinks.slowed(source.name).items())
                    ],
                    "breaker": _shown(breaker, now) if breaker else None,
                    "hosts": [
                        {"host": breaker.host, **_shown(breaker, now)}
                        for breaker in self._breakers.open_hosts(source.name, now)
                    ],
                }
            )
        return rows


def _shown(breaker: Breaker, now: float) -> Mapping[str, Any]:
    """Whether jobs may start; while they may not, since when, why, and when one tries again."""
    state = breaker.state(now)
    return {
        "state": state,
        "since": iso(breaker.since),
        "retry_at": iso(breaker.retry_at),
        "reason": breaker.reason if state is not BreakerState.CLOSED else None,
    }
