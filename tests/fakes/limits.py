"""The part of the engine in memory that has limits which can be changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from core.domain.errors import InvalidRequest
from core.domain.history import DayFigures
from core.domain.limit import RunningLimit


def a_limit(name: str = "max_parallel_jobs", value: int = 4, **facts: Any) -> RunningLimit:
    """A limit as it is configured; what is not told is as for slots."""
    usual = {"configured": value, "least": 1, "most": 64, "about": "Jobs that run at the same time"}
    return RunningLimit(name=name, value=value, **usual | facts)


class FakeLimits:
    """Limits that hold at once."""

    def __init__(self) -> None:
        super().__init__()
        self.running_limits = {
            limit.name: limit
            for limit in (
                a_limit(),
                a_limit("bandwidth_bps", 0, least=0, most=2**40, about="Bytes per second; 0 = no limit"),
            )
        }

        self.ended: list[DayFigures] = []

        #: Of which jobs everything is written down.
        self.debugged: set[int] = set()

    # EngineInterface

    async def debug_job(self, job_id: int, *, is_on: bool) -> None:
        self._called("debug_job", job_id, is_on)
        self._get(job_id)
        self.debugged = self.debugged | {job_id} if is_on else self.debugged - {job_id}

    async def history(self, *, days: int = 30) -> Sequence[DayFigures]:
        self._called("history", days)
        return list(self.ended)

    async def limits(self) -> Sequence[RunningLimit]:
        self._called("limits")
        return list(self.running_limits.values())

    async def set_limit(self, name: str, value: int | None) -> RunningLimit:
        self._called("set_limit", name, value)
        limit = self.running_limits[name]
        if value is not None and not limit.least <= value <= limit.most:
            raise InvalidRequest("out of range")
        changed = dataclasses.replace(limit, value=limit.configured if value is None else value)
        self.running_limits[name] = changed
        return changed
