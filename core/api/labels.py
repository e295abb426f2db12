"""What a job's `group` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.domain.errors import ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job

#: Groups remembered; title and size of one never change.
MAX_REMEMBERED = 10_000

Label = Mapping[str, Any]


class GroupLabels:
    """The titles of groups; each is asked for once."""

    def __init__(self, engine: EngineInterface) -> None:
        self._engine = engine
        self._known: dict[int, Label] = {}

    async def of(self, jobs: Iterable[Job]) -> Mapping[int, Label]:
        """The groups of *jobs* by their ids: `id`, `title` and `total`."""
        if len(self._known) > MAX_REMEMBERED:
            self._known = {}
        asked = {job.group_id for job in jobs if job.group_id is not None}
        for group_id in asked - self._known.keys():
            try:
                group = await self._engine.group(group_id)
            except ReeldeckError:
                continue  # the job is worth showing without it
            self._known[group_id] = {name: group[name] for name in ("id", "title", "total")}
        return self._known
