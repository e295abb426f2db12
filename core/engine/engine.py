"""The owner of all jobs, and the one door to them: whatever a face does, it does through this class."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from core.auth.copies import sweep_blocking
from core.auth.profiles import Profiles
from core.auth.watch import CookieWatch
from core.config.settings import Settings
from core.domain.errors import ReeldeckError
from core.domain.events import Event
from core.domain.job import Job, Request
from core.domain.snapshot import MetadataPreview, Submitted
from core.engine import folders
from core.engine.access import Access
from core.engine.adjusting import LimitDesk
from core.engine.attempt import Attempt
from core.engine.backup import backup
from core.engine.breaker import Breakers
from core.engine.bus import Bus
from core.engine.checks import LoginChecks
from core.engine.control import JobDesk
from core.engine.disk import DiskGuard
from core.engine.face import EngineFace
from core.engine.glance import Glance
from core.engine.groups import GroupDesk
from core.engine.heap import give_memory_back
from core.engine.importing import Importer
from core.engine.intake import Intake
from core.engine.items import ItemDesk
from core.engine.janitor import Janitor
from core.engine.library import LibraryDesk
from core.engine.library_face import LibraryFace
from core.engine.live import LiveBoard
from core.engine.openings import Openings
from core.engine.preview import preview
from core.engine.quiet import QuietTimes
from core.engine.recovery import recover
from core.engine.runner import Runner
from core.engine.scheduler import Scheduler
from core.engine.services import Services
from core.engine.telegram.chats import ChatDesk
from core.engine.telegram.face import TelegramFace
from core.engine.telegram.files import FileDesk
from core.engine.telegram.leavings import Leavings
from core.engine.telegram.outbox import Outbox
from core.engine.tokens import TokenDesk
from core.engine.toolbox import Toolbox
from core.engine.twins import Twins
from core.engine.webhooks import Webhooks, signing_secrets
from core.library.paths import check_template
from core.sources.base import Source
from core.store.lock import DataDirLock
from core.store.store import Committed, Store

log = logging.getLogger("reeldeck.engine")

#: Running jobs get this long to put their state away when the engine stops.
STOP_WITHIN_S = 8.0


class Engine(EngineFace, LibraryFace, TelegramFace):
    """Everything that runs, started and stopped together. Implements `core.domain.messenger`.

    Args:
        settings: The configuration.
        only_submitted: Run no other jobs than those submitted to this very object, and what becomes of them.
        on_event: Told of every stored event, and of its job where that changed with it, for the log.
        more_sources: Sources besides those that the core knows; asked last among those that match as well.

    Attributes:
        stop_requested: Set when somebody asks the process to end, and when a part of the engine has failed.
        fault: What failed, if something did.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        only_submitted: bool = False,
        on_event: Callable[[Event, Job | None], None] = lambda _event, _job: None,
        more_sources: Sequence[Source] = (),
    ) -> None:
        self.settings = settings
        self.started = time.time()
        self.stop_requested = asyncio.Event()
        self.fault: BaseException | None = None
        self._on_event = on_event
        self._more_sources = more_sources
        self._only: set[int] | None = set() if only_submitted else None
        self._lock = DataDirLock(settings.paths.data_dir)
        self._bus = Bus(counts=lambda: self._store.counts, speed_bps=lambda: self._live.speed_bps)
        self._services = Services(self._failed)
        self._is_open = False
        self._scheduler: Scheduler
        self._opened: AsyncExitStack

    async def start(self) -> None:
        """Open the store, take up interrupted jobs, begin to work.

        Raises:
            EngineRunning: Another engine owns the data directory.
            StoreFailure: The database cannot be used.
            ConfigError: A setting cannot be used.
        """
        check_template(self.settings.archive.template)
        give_memory_back()
        secrets = await signing_secrets(self.settings) if self._only is None else ()
        async with AsyncExitStack() as opened:
            self._lock.acquire()
            opened.callback(self._lock.release)
            profiles = await self._open(opened)
            await self._assemble(profiles, secrets)
            self._opened = opened.pop_all()
            self._is_open = True
        log.info("engine started", extra={"pid": os.getpid()})

    async def _open(self, opened: AsyncExitStack) -> Profiles:
        """Open what has to be closed again, the last first."""
        settings, paths = self.settings, self.settings.paths
        self._store = await Store.open(paths.data_dir, settings.store.url, on_commit=self._on_commit)
        opened.push_async_callback(self._store.close)
        await asyncio.to_thread(sweep_blocking, paths.tmp)
        await asyncio.to_thread(folders.sweep_blocking, paths.tmp)
        profiles = Profiles(self._store.profiles, settings.sources)
        self._access = Access(self._store, profiles, wake=self._wake)
        for profile in await profiles.start():
            await self._access.release(profile)
        self._tokens = TokenDesk(self._store)
        await self._tokens.open()
        self._tools = await Toolbox.open(settings, profiles, self._more_sources)
        opened.push_async_callback(self._tools.close)
        opened.callback(self._bus.close)
        opened.push_async_callback(self._services.stop)
        return profiles

    async def _assemble(self, profiles: Profiles, secrets: Sequence[bytes]) -> None:
        settings, paths = self.settings, self.settings.paths
        self._live = LiveBoard(self._store.jobs, show=lambda jobs: self._bus.publish(jobs=jobs))
        disk = DiskGuard(
            [paths.data_dir, paths.tmp, paths.archive],
            ballast=paths.data_dir / "ballast",
            min_free_bytes=settings.limits.min_free_disk_bytes,
        )
        name, epoch = platform.node() or "engine", await self._store.next_epoch()
        self._intake = Intake(self._store, self._tools.registry, settings.limits)
        self._checks = LoginChecks(self._tools, self._access.release)
        twins = Twins(self._store, self._intake, self._want)
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
        self._control = JobDesk(self._store, self._scheduler, paths.tmp)
        self._limits = LimitDesk(
            self._store.switches, self._intake, openings, self._tools.uplinks, disk, self._wake
        )
        self._groups = GroupDesk(self._store, self._control)
        self._library = LibraryDesk(self._store)
        self._chats = ChatDesk(self._store, self._tools.registry, settings)
        self._items = ItemDesk(self._store, self._chats)
        self._importer = Importer(self._store, self._tools.prober, settings)
        leavings = Leavings(self._store, paths.tmp, keeps_by_default=settings.archive.default_on)
        self._outbox = Outbox(self._store, leavings)
        self._files = FileDesk(self._tools, leavings)
        self._webhooks = Webhooks(self._store.webhooks, settings, secrets, reach)
        self._glance = Glance(
            self._store,
            self._tools,
            self._scheduler,
            self._live,
            disk,
            breakers,
            openings,
            intake=self._intake,
            telegram=self._chats.status,
            webhooks=self._webhooks,
            started=self.started,
        )
        await recover(self._store, engine=name, epoch=epoch)
        cookies = CookieWatch(profiles, self._access.release)
        # Before the first job runs: it may have been given a new file while no engine ran.
        await cookies.look()
        await self._begin(cookies, leavings)

    async def _begin(self, cookies: CookieWatch, leavings: Leavings) -> None:
        if self._only is None:
            await self._intake.open()
            await self._limits.open()
            await self._control.debugging.open()
            await self._webhooks.open()
            self._services.start("library", self._library.fill())
            self._services.start("leavings", leavings.run())
            self._services.start("webhooks", self._webhooks.run())
        self._services.start("scheduler", self._scheduler.run())
        self._services.start("live", self._live.run())
        self._services.start("control", self._control.run())
        self._services.start("network", self._tools.uplinks.watch())
        # A command for some links is nobody's order to tidy the archive.
        janitor = Janitor(self._store, self.settings, keeps_archive=self._only is not None)
        self._services.start("janitor", janitor.run())
        self._services.start("cookies", cookies.run())

    def _failed(self, fault: BaseException) -> None:
        self.fault = fault
        self.stop_requested.set()

    async def stop(self) -> None:
        """Put running jobs back into the queue and close everything. Nothing is lost."""
        if not self._is_open:
            return
        self._is_open = False
        await self._scheduler.stop(within_s=STOP_WITHIN_S)
        await self._opened.aclose()
        log.info("engine stopped")

    async def stop_engine(self) -> None:
        """Ask the process that serves this engine to stop it."""
        self.stop_requested.set()

    def _on_commit(self, committed: Committed) -> None:
        jobs = self._live.stored(committed.jobs) if self._is_open else committed.jobs
        self._bus.publish(committed.events, jobs, committed.deleted)
        by_id = {job.id: job for job in committed.jobs}
        for event in committed.events:
            self._on_event(event, None if event.job_id is None else by_id.get(event.job_id))
        if committed.is_due and self._is_open:
            self._outbox.wake()
        if self._is_open:
            self._control.debugging.hear(committed.events)
        if self._is_open and any(job.status.is_final for job in committed.jobs):
            self._webhooks.wake()

    # Requests

    async def submit(self, request: Request) -> Submitted:
        """Take one link; it is stored when this returns."""
        answer = (await self.submit_many([request]))[0]
        if isinstance(answer, ReeldeckError):
            raise answer
        return answer

    async def submit_many(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """Take many links; one answer for each, in order."""
        return await self._take(requests)

    async def _take(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        answers = await self._intake.take(requests)
        self._want(answer.job.id for answer in answers if isinstance(answer, Submitted))
        return answers

    def _wake(self) -> None:
        if self._is_open:
            self._scheduler.wake()

    async def _expand(self, attempt: Attempt) -> int:
        return await self._intake.expand(attempt, self._want)

    def _want(self, job_ids: Iterable[int]) -> None:
        """These jobs are to be run here: somebody asked for them, or for a job that needs them."""
        if self._only is not None:
            self._only |= set(job_ids)
        self._scheduler.wake()

    async def preview(self, request: Request) -> MetadataPreview:
        """What a link leads to; kept for the job that follows. Raises what that would raise at once."""
        return await preview(self._tools, self._checks, request)

    def backup(self) -> AsyncIterator[bytes]:
        """A copy of the whole database as it is when this begins, in pieces."""
        return backup(self._store, self.settings.paths.tmp)

    async def beat(self) -> None:
        """Return once the store has written something, to see whether that still works."""
        await self._store.touch()

    async def close(self) -> None:
        """A face lets go of the engine; the engine goes on."""
