"""From a request to a stored job: check the link, recognise what it names, join what is there already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from core.config.settings import Limits
from core.domain.errors import FormatNotFound, InvalidRequest, LimitReached, ReeldeckError, UnsupportedSource
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.media import Entry
from core.domain.snapshot import Submitted
from core.engine.attempt import Attempt
from core.engine.checkpoint import DEPTH, FORCED
from core.engine.limits import Admission
from core.links.identify import Identity, identify, parse_identity
from core.links.keys import job_key
from core.links.normalise import normalise, url_hash
from core.links.short import unwrap
from core.sources.quality import parse_quality
from core.sources.registry import Registry
from core.store.jobs import NewJob
from core.store.store import Store

#: Items of a list that are stored together: some milliseconds of the event loop, and of the store.
LOT = 25
#: An item stands in the queue as if it had been asked for this long after the one before it: what somebody
#: asks for later need not wait for the end of a long list.
ITEM_SPACING_S = 60.0

#: Run-time switch: while it is true, nothing new is accepted.
MAINTENANCE = "maintenance"
_CLOSED = "Nothing new is taken until the owner ends it: reeldeck maintenance off"
#: Channels hold playlists, and those hold more; whatever holds lists without end is made for that.
MAX_DEPTH = 4


class Intake:
    """Takes requests, from people and from playlists.

    Attributes:
        is_closed: In maintenance: nothing new is taken.
        limits: What requests are judged by.
    """

    def __init__(self, store: Store, registry: Registry, limits: Limits) -> None:
        self._store = store
        self._registry = registry
        self.limits = limits
        self.is_closed = False

    async def open(self) -> None:
        """Be as closed as the last engine was."""
        self.is_closed = bool(await self._store.switches.get(MAINTENANCE, default=False))

    async def close(self, *, is_closed: bool) -> None:
        """Take nothing new, or take it again; the next engine does as this one."""
        await self._store.switches.set(MAINTENANCE, is_closed)
        self.is_closed = is_closed

    async def take(self, requests: Sequence[Request]) -> list[Submitted | ReeldeckError]:
        """Store what can be stored, in one transaction; one answer for each request, in order."""
        now = time.time()
        answers: list[Submitted | ReeldeckError | None] = [None] * len(requests)
        accepted: list[tuple[int, NewJob]] = []
        admission = Admission(self._store, self.limits, now=now)
        for index, request in enumerate(requests):
            try:
                if self.is_closed:
                    raise LimitReached("maintenance mode is on", hint=_CLOSED)
                new = self.prepare(request)
                await self._admit(admission, new)
                accepted.append((index, await self._afresh(new)))
            except ReeldeckError as error:
                answers[index] = error
        if accepted:
            stored = await self._store.jobs.submit_many([new for _, new in accepted], now=now)
            for (index, new), answer in zip(accepted, stored, strict=True):
                answers[index] = await self._replaced(new, answer, now=now)
        return [answer for answer in answers if answer is not None]

    async def _admit(self, admission: Admission, new: NewJob) -> None:
        """Let in what the limits allow, and what is there already: that makes no job. Raises LimitReached."""
        try:
            await admission.admit(new.request, new.job_key)
        except LimitReached:
            done = None if new.request.force else await self._store.jobs.result_of(new.job_key)
            if done is None or await is_gone(done):
                raise

    async def _afresh(self, new: NewJob) -> NewJob:
        """*new*, as a second download where the first one's file is gone and somebody wants it sent.

        Asked before it is stored: else what is not there would be on its way for a moment.
        """
        if new.request.reply is None or new.request.force:
            return new
        done = await self._store.jobs.result_of(new.job_key)
        if done is None or not await is_gone(done):
            return new
        return replace(new, request=replace(new.request, force=True))

    async def _replaced(self, new: NewJob, answer: Submitted, *, now: float) -> Submitted:
        """*answer*, or a new job where it names an earlier result whose file is gone.

        What a message asks for is looked at by `_afresh`: the same message read again asks for nothing new.
        """
        if not answer.joined or new.request.reply is not None or not await is_gone(answer.job):
            return answer
        again = replace(new, request=replace(new.request, force=True, idempotency_key=None))
        return await self._store.jobs.submit(again, now=now)

    def prepare(
        self, request: Request, *, group_id: int | None = None, identity: Identity | None = None
    ) -> NewJob:
        """What will be stored for *request*; *identity* is known better than from its link.

        Raises:
            InvalidRequest: Not a usable link, or no such quality.
            UnsupportedSource: No enabled source takes it.
        """
        _check_quality(request)
        url = unwrap(normalise(request.url))
        identity = identity or parse_identity(request.media_id) or identify(url)
        key = job_key(url, identity, request.kind, request.quality, request.format)
        sources = self._registry.candidates(url, forced=request.source)
        return NewJob(
            request=request,
            source_type=sources[0].name,
            url=url,
            url_hash=url_hash(url),
            job_key=key,
            media_id=str(identity) if identity else None,
            group_id=group_id,
            checkpoint={FORCED: True} if request.force else {},
        )

    async def expand(self, attempt: Attempt, told: Callable[[Iterable[int]], None]) -> int:
        """Make a job of every entry that the attempt found; returns the group's id.

        They are stored some at a time, so that others are served in between; *told* hears the ids of each.
        Repeatable: what became a job of the group in an interrupted attempt is left as it is now.

        Raises:
            UnsupportedSource: Lists lead to lists without end.
            ReeldeckError: None of the entries can be taken; why the first cannot.
        """
        depth = attempt.checkpoint.get(DEPTH, 0)
        if depth >= MAX_DEPTH:
            raise UnsupportedSource(f"a list in a list in a list, {depth} deep")
        entries = attempt.resolution.entries[: self.limits.max_playlist_items]
        now = time.time()
        group_id = await self._group_of(attempt, len(entries), now=now)
        known = await self._store.jobs.keys(group_id)
        told(known.values())
        taken, joined, refusals = 0, 0, list[ReeldeckError]()
        for start in range(0, len(entries), LOT):
            new: list[NewJob] = []
            for place, entry in enumerate(entries[start : start + LOT], start):
                request = _item_request(attempt.job, entry)
                try:
                    each = self.prepare(request, group_id=group_id)
                except ReeldeckError as error:
                    refusals.append(error)
                    continue
                if each.job_key not in known:
                    position = now + place * ITEM_SPACING_S
                    new.append(
                        replace(
                            each,
                            list_id=attempt.job.id,
                            position=position,
                            checkpoint={DEPTH: depth + 1},
                        )
                    )
            children = await self._store.jobs.submit_many(new, now=now)
            told(child.job.id for child in children)
            taken += len(children)
            joined += sum(child.joined for child in children)
        if len(refusals) == len(entries):
            raise refusals[0]
        seen = {"entries": taken, "joined": joined, "refused": len(refusals), "group_id": group_id}
        await attempt.record((EventType.METADATA_FETCH_FINISHED, seen))
        return group_id

    async def _group_of(self, attempt: Attempt, total: int, *, now: float) -> int:
        job = attempt.job
        if job.group_id is not None:
            return job.group_id
        group_id = await self._store.groups.create(job.id, job.title, total, now)
        await attempt.record(group_id=group_id)
        return group_id


def _check_quality(request: Request) -> None:
    """Raises InvalidRequest: what no source could understand is told at once, not when the job runs."""
    try:
        parse_quality(request.quality, request.kind)
    except FormatNotFound as error:
        raise InvalidRequest(error.detail, hint=error.hint) from error


async def is_gone(job: Job) -> bool:
    """Whether a finished job's file is not there any more: somebody deleted it, or nobody wanted it kept."""
    if job.status is not JobStatus.COMPLETED or job.is_list:
        return False
    return job.file_path is None or not await asyncio.to_thread(Path(job.file_path).exists)


def _item_request(job: Job, entry: Entry) -> Request:
    """What the requester of a list wants of each of its items."""
    return Request(
        url=entry.url,
        kind=job.kind,
        quality=job.quality,
        priority=job.priority,
        profile=job.profile,
        out_dir=job.out_dir,
        user_id=job.user_id,
        chat_id=job.chat_id,
    )
