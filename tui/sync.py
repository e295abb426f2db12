"""Keeps the index true to the engine: follows its stream, loads what was there, comes back after a loss.

The stream's first frame says that it is listening; only then is the list loaded, so nothing falls between the
two. What a frame brought meanwhile is newer than any page. After a loss the list is loaded again as a whole
rather than replayed: that is right however long the connection was away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.domain.errors import EngineUnreachable, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus
from core.domain.messenger import Chats
from core.domain.profile import Profile
from core.domain.snapshot import Frame, JobQuery
from tui.filter import Filter
from tui.state import JobIndex

PAGE = 200
#: Enough for the first screen, which does not wait for more.
FIRST_PAGE = 60
#: Jobs that are loaded at once; older ones come when somebody scrolls to them.
HEAD_JOBS = 5_000
#: Unfinished jobs are loaded beyond the head as well, up to this many.
MAX_UNFINISHED = 20_000
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
STATUS_EVERY_S = 10.0
#: … and no more often than this, whatever happens meanwhile.
STATUS_AT_MOST_EVERY_S = 1.0
#: A gap in the events' numbers makes the list load again, at most this often.
RESYNC_EVERY_S = 10.0
UNFINISHED = frozenset(status for status in JobStatus if not status.is_final)


class Link(StrEnum):
    """How the dashboard stands to the engine."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Connection:
    """The link and, when it is lost, why, and when it is tried again."""

    link: Link = Link.CONNECTING
    error: ReeldeckError | None = None
    #: Seconds since the epoch.
    retry_at: float | None = None
    #: When the engine was last heard, in seconds since the epoch.
    heard: float | None = None


class Sync:
    """Follows one engine for one index.

    Args:
        client: The engine.
        index: What is kept true.
        on_frame: Called with each frame after the index has taken it.
        on_change: Called when anything else that is shown may have changed.
        backoff_s: Waits between attempts to connect; the last one repeats.
    """

    def __init__(
        self,
        client: EngineInterface,
        index: JobIndex,
        *,
        on_frame: Callable[[Frame], None],
        on_change: Callable[[], None],
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self.connection = Connection()
        self.status: Mapping[str, Any] = {}
        #: When the engine said so, in seconds since the epoch.
        self.status_at = 0.0
        #: The logins of all sources, None until they were asked for.
        self.profiles: Sequence[Profile] | None = None
        #: The chats that are watched, None until they were asked for.
        self.chats: Chats | None = None
        self.counts: Mapping[JobStatus, int] = {}
        self.speed_bps = 0.0
        #: The list has been loaded once.
        self.is_loaded = False
        self._client = client
        self._index = index
        self._on_frame = on_frame
        self._on_change = on_change
        self._backoff_s = backoff_s
        self._failures = 0
        self._hurry = asyncio.Event()
        self._look = asyncio.Event()
        self._resync = asyncio.Event()
        self._last_seq: int | None = None
        self._fresh: set[int] = set()  # jobs that frames spoke of while the list was loading
        self._older: str | None = None  # cursor of the page after the oldest one loaded
        self._is_paging = False
        self._is_loading = False

    @property
    def has_older(self) -> bool:
        """The engine has older jobs than are known here."""
        return self._older is not None

    def hurry(self) -> None:
        """Try to connect now."""
        self._hurry.set()

    def look(self) -> None:
        """Something may have changed that no frame tells: ask for status, logins and chats soon."""
        self._look.set()

    def adopt(self, profile: Profile) -> None:
        """Take over the answer to a command on a login."""
        others = [each for each in self.profiles or () if each.id != profile.id]
        self.profiles = [*others, profile]
        self._on_change()

    def forget(self, profile_id: int) -> None:
        """A login was removed."""
        self.profiles = [each for each in self.profiles or () if each.id != profile_id]
        self._on_change()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            error = await self._until_lost()
            wait_s = self._backoff_s[min(self._failures, len(self._backoff_s) - 1)]
            self._failures += 1
            self._set(replace(self.connection, link=Link.LOST, error=error, retry_at=time.time() + wait_s))
            self._hurry.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), wait_s)

    async def older(self) -> None:
        """Load the next page of older jobs, unless that is happening already."""
        if self._older is None or self._is_paging or self.connection.link is not Link.LIVE:
            return
        self._is_paging = True
        try:
            page = await self._client.jobs(JobQuery(limit=PAGE, after=self._older))
            self._add(page.items)
            self._older = page.next
        finally:
            self._is_paging = False
        self._on_change()

    async def search(self, wanted: Filter) -> None:
        """Ask the engine for older jobs that match a filter; does nothing when all jobs are here."""
        if self._older is None or wanted.is_empty or self.connection.link is not Link.LIVE:
            return
        page = await self._client.jobs(wanted.query(limit=PAGE))
        self._add(page.items)
        self._on_change()

    async def _until_lost(self) -> ReeldeckError:
        error: ReeldeckError = EngineUnreachable()
        try:
            await self._follow()
        except* ReeldeckError as group:
            error = _first(group)
        return error

    async def _follow(self) -> None:
        """Listen, load and look at the status until the connection is lost."""
        async with asyncio.TaskGroup() as group:
            listening = asyncio.Event()
            group.create_task(self._listen(listening))
            await listening.wait()
            group.create_task(self._keep_loaded())
            group.create_task(self._watch_status())

    async def _listen(self, listening: asyncio.Event) -> None:
        self._last_seq = None
        self._is_loading = True  # from here on frames are newer than pages
        self._fresh.clear()
        stream = self._client.stream()
        try:
            async for frame in stream:
                self._apply(frame)
                if not listening.is_set():
                    listening.set()
                    self._failures = 0
                    self._set(Connection(Link.LIVE))
        finally:
            await _close(stream)
        raise EngineUnreachable("the engine ended the stream")

    def _apply(self, frame: Frame) -> None:
        if frame.events:
            if self._last_seq is not None and frame.events[0].seq > self._last_seq + 1:
                self._resync.set()
            self._last_seq = frame.events[-1].seq
        self._index.upsert(frame.jobs, may_wait=True)
        self._index.remove(frame.deleted)
        if self._is_loading:
            self._fresh.update(job.id for job in frame.jobs)
            self._fresh.update(frame.deleted)
        self.counts = frame.counts or self.counts
        self.speed_bps = frame.speed_bps
        self._on_frame(frame)

    async def _keep_loaded(self) -> None:
        while True:
            self._resync.clear()
            self._is_loading = True
            await self._load()
            self._is_loading = False
            self._fresh.clear()
            await asyncio.sleep(RESYNC_EVERY_S)
            await self._resync.wait()

    async def _load(self) -> None:
        """Load the newest jobs and all unfinished ones, then drop what is known to be gone."""
        seen: set[int] = set()
        floor = await self._load_pages(JobQuery(limit=FIRST_PAGE), FIRST_PAGE, seen)
        unfinished_floor = await self._load_pages(
            JobQuery(limit=PAGE, statuses=UNFINISHED), MAX_UNFINISHED, seen, is_history=False
        )
        if self._older is not None:
            after = JobQuery(limit=PAGE, after=self._older)
            floor = await self._load_pages(after, HEAD_JOBS - FIRST_PAGE, seen)
        present = seen | self._fresh
        gone = [
            job.id
            for job in self._index.known.values()
            if job.id not in present
            and (job.id >= floor or (not job.status.is_final and job.id >= unfinished_floor))
        ]
        self._index.remove(gone)
        self.is_loaded = True
        self._index.is_cursor_on_top = False
        self._on_change()

    async def _load_pages(
        self, query: JobQuery, limit: int, seen: set[int], *, is_history: bool = True
    ) -> int:
        """Take pages until they end or *limit* jobs came. Returns the id from which on all are known."""
        count = 0
        while True:
            page = await self._client.jobs(query)
            self._index.upsert(job for job in page.items if job.id not in self._fresh)
            seen.update(job.id for job in page.items)
            count += len(page.items)
            if is_history:
                self._older = page.next
            self._on_change()
            if page.next is None:
                return 0
            if count >= limit:
                return page.items[-1].id if page.items else 0
            query = replace(query, after=page.next, limit=min(query.limit, limit - count))

    def _add(self, jobs: Sequence[Job]) -> None:
        """Take jobs that are not known yet: of the others the stream tells more quickly than any page."""
        self._index.upsert(job for job in jobs if job.id not in self._index.known)

    async def _watch_status(self) -> None:
        while True:
            self._look.clear()
            self.status, self.status_at = await self._client.status(), time.time()
            self.profiles = await self._client.profiles()
            self.chats = await self._client.chats()
            self.speed_bps = float(self.status.get("speed_bps") or 0.0)
            self._on_change()
            await asyncio.sleep(STATUS_AT_MOST_EVERY_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), STATUS_EVERY_S - STATUS_AT_MOST_EVERY_S)

    def _set(self, connection: Connection) -> None:
        was_live = self.connection.link is Link.LIVE
        heard = time.time() if was_live or connection.link is Link.LIVE else self.connection.heard
        self.connection = replace(connection, heard=heard)
        self._on_change()


def _first(group: BaseExceptionGroup[ReeldeckError]) -> ReeldeckError:
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


async def _close(stream: AsyncIterator[Frame]) -> None:
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
