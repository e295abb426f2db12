"""The owner of all jobs, and the one door to them: whatever a face does, it does through this class."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.auth.copies import sweep_blocking
from core.auth.profiles import Profiles
from core.auth.watch import CookieWatch
from core.config.settings import Settings
from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.events import Event
from core.domain.interface import GroupAction
from core.domain.job import Job, Request
from core.domain.library import LibraryPage
from core.domain.profile import Profile
from core.domain.snapshot import Frame, JobQuery, MetadataPreview, Page, Submitted
from core.domain.token import AuditEntry, IssuedToken, Scope, Token
from core.engine import folders
from core.engine.access import Access
from core.engine.attempt import Attempt
from core.engine.breaker import Breakers
from core.engine.bus import Bus
from core.engine.checks import LoginChecks
from core.engine.control import Control
from core.engine.disk import DiskGuard
from core.engine.glance import Glance
from core.engine.groups import GroupDesk
from core.engine.intake import Intake
from core.engine.janitor import Janitor
from core.engine.library import LibraryDesk
from core.engine.live import LiveBoard
from core.engine.openings import Openings
from core.engine.preview import preview
from core.engine.quiet import QuietTimes
from core.engine.recovery import recover
from core.engine.runner import Runner
from core.engine.scheduler import Scheduler
from core.engine.tokens import TokenDesk
from core.engine.toolbox import Toolbox
from core.engine.twins import Twins
from core.library.paths import check_template
from core.store.lock import DataDirLock
from core.store.store import Committed, Store

log = logging.getLogger("reeldeck.engine")

#: Running jobs get this long to put their state away when the engine stops.
STOP_WITHIN_S = 8.0
REPLAY_PAGE = 1000


class Engine:
    """Everything that runs, started and stopped together. Implements `core.domain.interface`.

    Args:
        settings: The configuration.
        only_submitted: Run no other jobs than those submitted to this very object, and what becomes of them.
        on_event: Told of every stored event, for the log.

    Attributes:
        stop_requested: Set when somebody asks the process to end, and when a part of the engine has failed.
        fault: What failed, if something did.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        only_submitted: bool = False,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.settings = settings
        self.started = time.time()
        self.stop_requested = asyncio.Event()
        self.fault: BaseException | None = None
        self._on_event = on_event
        self._only: set[int] | None = set() if only_submitted else None
        self._lock = DataDirLock(settings.paths.data_dir)
        self._bus = Bus(counts=lambda: self._store.counts, speed_bps=lambda: self._live.speed_bps)
        self._services: list[asyncio.Task[None]] = []
        self._is_open = False
        self._store: Store
        self._tools: Toolbox
        self._live: LiveBoard
        self._scheduler: Scheduler
        self._intake: Intake
        self._control: Control
        self._groups: GroupDesk
        self._library: LibraryDesk
        self._glance: Glance
        self._access: Access
        self._checks: LoginChecks
        self._tokens: TokenDesk

    async def start(self) -> None:
        """Open the store, take up interrupted jobs, begin to work.

        Raises:
            EngineRunning: Another engine owns the data directory.
            StoreFailure: The database cannot be used.
            ConfigError: A setting cannot be used.
        """
        check_template(self.settings.archive.template)
        self._lock.acquire()
        try:
            await self._open()
        except BaseException:
            self._lock.release()
            raise

    async def _open(self) -> None:
        settings, paths = self.settings, self.settings.paths
        self._store = await Store.open(paths.data_dir, settings.store.url, on_commit=self._on_commit)
        try:
            await asyncio.to_thread(sweep_blocking, paths.tmp)
            await asyncio.to_thread(folders.sweep_blocking, paths.tmp)
            profiles = Profiles(self._store.profiles, settings.sources)
            self._access = Access(self._store, profiles, wake=self._wake)
            for profile in await profiles.start():
                await self._access.release(profile)
            self._tokens = TokenDesk(self._store)
            await self._tokens.open()
            self._tools = await Toolbox.open(settings, profiles)
        except BaseException:
            await self._store.close()
            raise
        self._live = LiveBoard(self._store.jobs, show=lambda jobs: self._bus.publish(jobs=jobs))
        disk = DiskGuard(
            [paths.data_dir, paths.tmp, paths.archive],
            ballast=paths.data_dir / "ballast",
            min_free_bytes=settings.limits.min_free_disk_bytes,
        )
        name, epoch = platform.node() or "engine", await self._store.next_epoch()
        self._intake = Intake(self._store, self._tools.registry, settings.limits)
        self._checks = LoginChecks(self._tools, self._access.release)
        twins = Twins(self._store, self._intake, self._waits_for)
        runner = Runner(self._store, self._tools, self._live, disk, self._expand, self._checks, twins)
        # Whoever waits for a command's jobs wants their answer, not a better time to ask.
        breakers = Breakers(self._tools.registry.all() if self._only is None else [])
        reach = self._tools.uplinks.reach
        reach.on_away = lambda seconds: breakers.pardon(time.time() - seconds)
        reach.on_back = self._wake
        openings = Openings(
            settings,
            [source.name for source in self._tools.registry.all()],
            breakers,
            QuietTimes(settings) if self._only is None else None,
            reach,
        )
        self._scheduler = Scheduler(
            self._store, runner, disk, openings, breakers, engine=name, epoch=epoch, only=self._only
        )
        self._control = Control(self._store, self._scheduler, paths.tmp)
        self._groups = GroupDesk(self._store, self._control)
        self._library = LibraryDesk(self._store)
        self._glance = Glance(
            self._store,
            self._tools,
            self._scheduler,
            self._live,
            disk,
            breakers,
            openings,
            started=self.started,
        )
        await recover(self._store, engine=name, epoch=epoch)
        cookies = CookieWatch(profiles, self._access.release)
        # Before the first job runs: it may have been given a new file while no engine ran.
        await cookies.look()
        janitor = Janitor(self._store, paths.tmp, max_age_h=settings.archive.tmp_max_age_h)
        self._serve("scheduler", self._scheduler.run())
        self._serve("live", self._live.run())
        self._serve("network", self._tools.uplinks.watch())
        self._serve("janitor", janitor.run())
        self._serve("cookies", cookies.run())
        if self._only is None:
            self._serve("library", self._library.fill())
        self._is_open = True
        log.info("engine started", extra={"epoch": epoch, "pid": os.getpid()})

    def _serve(self, name: str, service: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(service, name=name)
        task.add_done_callback(self._service_ended)
        self._services.append(task)

    def _service_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            # Going on without a scheduler would look alive and do nothing: stop, so that it is started anew.
            log.critical("a service of the engine ended", extra={"service": task.get_name()}, exc_info=fault)
            self.fault = fault
            self.stop_requested.set()

    async def stop(self) -> None:
        """Put running jobs back into the queue and close everything. Nothing is lost."""
        if not self._is_open:
            return
        self._is_open = False
        await self._scheduler.stop(within_s=STOP_WITHIN_S)
        for service in self._services:
            service.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        self._bus.close()
        await self._tools.close()
        await self._store.close()
        self._lock.release()
        log.info("engine stopped")

    async def stop_engine(self) -> None:
        """Ask the process that serves this engine to stop it."""
        self.stop_requested.set()

    def _on_commit(self, committed: Committed) -> None:
        jobs = [self._live.overlay(job) for job in committed.jobs] if self._is_open else committed.jobs
        self._bus.publish(committed.events, jobs, committed.deleted)
        for event in committed.events:
            self._on_event(event)

    # Requests

    async def submit(self, request: Request) -> Submitted:
        """Take one link; it is stored when this returns."""
        answer = (await self.submit_many([request]))[0]
        if isinstance(answer, ReeldeckError):
            raise answer
        return answer

    async def submit_many(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """Take many links; one answer for each, in order."""
        answers = await self._intake.take(requests)
        if self._only is not None:
            self._only |= {answer.job.id for answer in answers if isinstance(answer, Submitted)}
        self._scheduler.wake()
        return answers

    def _wake(self) -> None:
        if self._is_open:
            self._scheduler.wake()

    async def _expand(self, attempt: Attempt) -> int:
        return await self._intake.expand(attempt, self._is_wanted_here)

    def _is_wanted_here(self, job_ids: Iterable[int]) -> None:
        """A list that is run here has these items."""
        if self._only is not None:
            self._only |= set(job_ids)
        self._scheduler.wake()

    def _waits_for(self, job_id: int) -> None:
        """A job that is run here waits for this one, which is to be run here for that."""
        if self._only is not None:
            self._only.add(job_id)

    async def preview(self, request: Request) -> MetadataPreview:
        """What a link leads to; kept for the job that follows. Raises what that would raise at once."""
        return await preview(self._tools, self._checks, request)

    # Reading

    async def job(self, job_id: int) -> Job:
        """One job as it stands this instant."""
        return self._live.overlay(await self._store.jobs.get(job_id))

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """A page of jobs, newest first."""
        page = await self._store.jobs.page(query)
        return Page([self._live.overlay(job) for job in page.items], page.next)

    async def events(self, job_id: int) -> Sequence[Event]:
        """A job's timeline, oldest first."""
        await self._store.jobs.get(job_id)
        return await self._store.events.of(job_id)

    async def profiles(self) -> Sequence[Profile]:
        """The auth profiles of all sources."""
        return await self._access.list()

    async def status(self) -> Mapping[str, Any]:
        """The engine at a glance (DESIGN §6)."""
        return await self._glance.status()

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """The sources: name, label, limits, what runs and waits, and whether they are left alone."""
        return await self._glance.sources()

    async def groups(self, *, limit: int = 100, after: str | None = None) -> Page[Mapping[str, Any]]:
        """A page of groups, newest first."""
        return await self._groups.page(limit=limit, after=after)

    async def group(self, group_id: int) -> Mapping[str, Any]:
        """One group."""
        return await self._groups.one(group_id)

    async def library(self, query: str = "", *, limit: int = 50, after: str | None = None) -> LibraryPage:
        """What was fetched, searched; a page, the best first."""
        return await self._library.search(query, limit=limit, after=after)

    async def stream(self, *, last_seq: int | None = None) -> AsyncIterator[Frame]:
        """Live frames; with *last_seq*, first what was stored after it."""
        with self._bus.subscribe() as mailbox:
            yield self._bus.frame()
            seen = last_seq or 0
            while last_seq is not None and (
                missed := await self._store.events.after(seen, limit=REPLAY_PAGE)
            ):
                seen = missed[-1].seq
                yield self._bus.frame(missed)
            async with aclosing(self._bus.frames(mailbox, after_seq=seen)) as frames:
                async for frame in frames:
                    yield frame

    # Control

    async def pause(self, job_id: int) -> Job:
        """Hold a job."""
        return await self._control.pause(job_id)

    async def resume(self, job_id: int) -> Job:
        """Let a paused job go on."""
        return await self._control.resume(job_id)

    async def cancel(self, job_id: int) -> Job:
        """End a job and delete what it fetched."""
        return await self._control.cancel(job_id)

    async def retry(self, job_id: int) -> Job:
        """Start a failed or cancelled job again, or a waiting one at once, quiet hours or not."""
        return await self._control.retry(job_id)

    async def patch(
        self,
        job_id: int,
        *,
        priority: int | None = None,
        position: float | None = None,
        title: str | None = None,
    ) -> Job:
        """Change a job's order or title."""
        asked = {"priority": priority, "position": position, "title": title}
        facts = {name: value for name, value in asked.items() if value is not None}
        if not facts:
            raise InvalidRequest("nothing to change", hint="Give a priority, a position or a title.")
        return await self._store.jobs.amend(job_id, now=time.time(), **facts)

    async def delete(self, job_id: int) -> None:
        """Forget a job that is final; its archived file stays."""
        await self._control.delete(job_id)

    async def control_group(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        """Act on all jobs of a group that *action* is for."""
        return await self._groups.act(group_id, action)

    async def add_profile(self, source: str, cookie_file: str, name: str = "main") -> Profile:
        """Use the cookie file at this absolute path for *source*; jobs that wait for a login go on."""
        return await self._access.add(self._tools.registry.named(source).name, Path(cookie_file), name)

    async def remove_profile(self, profile_id: int) -> None:
        """Forget an auth profile; its file stays."""
        await self._access.remove(profile_id)

    async def check_profile(self, profile_id: int, *, afresh: bool = False) -> Profile:
        """Read an auth profile's file again and ask its site; the profile as it is then."""
        return await self._checks.check(profile_id, afresh=afresh)

    # Who may ask over TCP

    async def tokens(self) -> Sequence[Token]:
        """The bearer tokens, revoked ones too."""
        return await self._tokens.all()

    async def create_token(self, name: str, scopes: Collection[Scope]) -> IssuedToken:
        """Make a bearer token; its secret is told this once."""
        return await self._tokens.create(name, scopes)

    async def revoke_token(self, token_id: int) -> Token:
        """End a bearer token at once."""
        return await self._tokens.revoke(token_id)

    async def judge_token(self, secret: str) -> Token | None:
        """The valid token with this secret."""
        return await self._tokens.judge(secret)

    async def audit(self, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """A page of what was changed from outside, newest first."""
        return await self._store.audit.page(limit=limit, after=after)

    async def record(self, entry: AuditEntry) -> None:
        """Write down what was changed from outside."""
        await self._store.audit.add(entry)

    async def close(self) -> None:
        """A face lets go of the engine; the engine goes on."""
