"""From a request to a stored job: check the link, recognise what it names, join what is there already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.config.settings import Limits
from core.domain.errors import ReeldeckError
from core.domain.events import EventType
from core.domain.job import Request
from core.domain.snapshot import Submitted
from core.engine.attempt import Attempt
from core.engine.limits import admit
from core.links.identify import identify
from core.links.keys import job_key
from core.links.normalise import normalise, url_hash
from core.sources.registry import Registry
from core.store.jobs import NewJob
from core.store.store import Store


class Intake:
    """Takes requests, from people and from playlists."""

    def __init__(self, store: Store, registry: Registry, limits: Limits) -> None:
        self._store = store
        self._registry = registry
        self._limits = limits

    async def take(self, requests: Sequence[Request]) -> list[Submitted | ReeldeckError]:
        """Store what can be stored, in one transaction; one answer for each request, in order."""
        now = time.time()
        answers: list[Submitted | ReeldeckError | None] = [None] * len(requests)
        accepted: list[tuple[int, NewJob]] = []
        for index, request in enumerate(requests):
            try:
                new = self.prepare(request)
                await admit(self._store, self._limits, request, now=now, more=len(accepted) + 1)
                accepted.append((index, new))
            except ReeldeckError as error:
                answers[index] = error
        stored = await self._store.jobs.submit_many([new for _, new in accepted], now=now) if accepted else []
        for (index, new), answer in zip(accepted, stored, strict=True):
            answers[index] = await self._replaced(new, answer, now=now)
        return [answer for answer in answers if answer is not None]

    async def _replaced(self, new: NewJob, answer: Submitted, *, now: float) -> Submitted:
        """*answer*, or a new job where it names an earlier result whose file is gone."""
        path = answer.job.file_path
        if not answer.joined or path is None or await asyncio.to_thread(Path(path).exists):
            return answer
        again = replace(new, request=replace(new.request, force=True, idempotency_key=None))
        return await self._store.jobs.submit(again, now=now)

    def prepare(self, request: Request, *, group_id: int | None = None) -> NewJob:
        """What will be stored for *request*.

        Raises:
            InvalidRequest: Not a usable link.
            UnsupportedSource: No enabled source takes it.
        """
        url = normalise(request.url)
        identity = identify(url)
        key = job_key(url, identity, request.kind, request.quality, request.format)
        sources = self._registry.candidates(url, forced=request.source)
        return NewJob(
            request=request,
            source_type=sources[0].name,
            url=url,
            url_hash=url_hash(url),
            job_key=key,
            media_id=f"{identity.platform}:{identity.media_id}" if identity else None,
            group_id=group_id,
        )

    async def expand(self, attempt: Attempt) -> tuple[int, Sequence[Submitted]]:
        """Make a job of every entry that the attempt found; returns the group's id and its jobs.

        Repeatable: entries that became jobs in an interrupted attempt are joined, not doubled.
        """
        job, entries = attempt.job, attempt.resolution.entries[: self._limits.max_playlist_items]
        now = time.time()
        group_id = job.group_id
        if group_id is None:
            group_id = await self._store.groups.create(job.id, job.title, len(entries), now)
            await attempt.record(group_id=group_id)
        asked = [
            Request(
                url=entry.url,
                kind=job.kind,
                quality=job.quality,
                priority=job.priority,
                profile=job.profile,
                out_dir=job.out_dir,
                user_id=job.user_id,
                chat_id=job.chat_id,
            )
            for entry in entries
        ]
        new = [self.prepare(request, group_id=group_id) for request in asked]
        children = await self._store.jobs.submit_many(new, now=now)
        joined = sum(child.joined for child in children)
        await attempt.record(
            (
                EventType.METADATA_FETCH_FINISHED,
                {"entries": len(children), "joined": joined, "group_id": group_id},
            )
        )
        return group_id, children
