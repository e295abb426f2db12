"""What people see of playlists, series and channels, and do to all jobs of one together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.domain.errors import IllegalTransition, NoSuchJob
from core.domain.interface import GroupAction
from core.domain.job import Job, JobStatus, iso
from core.domain.snapshot import Page
from core.engine.control import JobDesk
from core.store.groups import Group
from core.store.store import Store

#: Jobs acted on at the same time. The store commits them together, and takes others' writes in between.
AT_ONCE = 50

_S = JobStatus
_WAITING = frozenset({_S.PENDING, _S.QUEUED})
#: The states that an action is for. What waits goes first, so that it does not take the place of what runs.
_MEANT: Mapping[GroupAction, tuple[frozenset[JobStatus], ...]] = {
    "pause": (_WAITING, frozenset({_S.RUNNING})),
    "resume": (frozenset({_S.PAUSED}),),
    "cancel": (_WAITING | {_S.PAUSED}, frozenset({_S.RUNNING})),
    "retry": (frozenset({_S.FAILED, _S.CANCELLED}),),
}


class GroupDesk:
    """Shows groups, and acts on them through the `JobDesk`, job by job."""

    def __init__(self, store: Store, jobs: JobDesk) -> None:
        self._store = store
        self._actions: Mapping[GroupAction, Callable[[int], Awaitable[Job]]] = {
            "pause": jobs.pause,
            "resume": jobs.resume,
            "cancel": jobs.cancel,
            "retry": jobs.retry,
        }

    async def page(self, *, limit: int, after: str | None) -> Page[Mapping[str, Any]]:
        """Groups, newest first."""
        page = await self._store.groups.page(limit=limit, after=after)
        return Page([_view(group) for group in page.items], page.next)

    async def one(self, group_id: int) -> Mapping[str, Any]:
        """One group.

        Raises:
            NoSuchJob: There is none.
        """
        group = await self._store.groups.get(group_id)
        if group is None:
            raise NoSuchJob(f"there is no group {group_id}", hint="A job of a playlist names its group.")
        return _view(group)

    async def act(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        """Do *action* to every job of the group that it is for, the playlist's own among them.

        Returns the group as it is then, how many jobs were moved, and how many had moved on by themselves.

        Raises:
            NoSuchJob: There is no such group.
        """
        await self.one(group_id)
        tried: set[int] = set()
        changed = 0
        # A playlist that was just being expanded has added jobs in the meantime: look until nobody is new.
        while ids := await self._left(group_id, action, tried):
            for start in range(0, len(ids), AT_ONCE):
                some = ids[start : start + AT_ONCE]
                changed += sum(await asyncio.gather(*(self._one(job_id, action) for job_id in some)))
            tried.update(ids)
        return {"group": await self.one(group_id), "changed": changed, "refused": len(tried) - changed}

    async def _left(self, group_id: int, action: GroupAction, tried: set[int]) -> list[int]:
        for statuses in _MEANT[action]:
            ids = await self._store.jobs.ids(statuses, group_id=group_id)
            if left := [job_id for job_id in ids if job_id not in tried]:
                return left
        return []

    async def _one(self, job_id: int, action: GroupAction) -> bool:
        """Whether the job was still one to act on."""
        try:
            await self._actions[action](job_id)
        except (IllegalTransition, NoSuchJob):
            return False
        return True


def _view(group: Group) -> Mapping[str, Any]:
    return {
        "id": group.id,
        "job_id": group.job_id,
        "title": group.title,
        "total": group.total,
        "created": iso(group.created),
        "counts": {status.value: count for status, count in group.counts.items()},
    }
