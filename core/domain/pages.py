"""Lists that are longer than one answer of the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from core.domain.interface import EngineInterface
from core.domain.job import Job
from core.domain.snapshot import JobQuery

#: Jobs in one answer.
PAGE = 500


async def all_jobs(engine: EngineInterface, *, limit: int | None = None, **wanted: Any) -> AsyncIterator[Job]:
    """The jobs that `JobQuery(**wanted)` describes, the newest first, at most *limit* of them."""
    query = JobQuery(**wanted, limit=min(PAGE, limit or PAGE))
    left = limit
    while True:
        page = await engine.jobs(query)
        for job in page.items[:left]:
            yield job
        if left is not None:
            left -= len(page.items)
        if page.next is None or (left is not None and left <= 0):
            return
        query = replace(query, after=page.next)
