"""The engine's logins: added, removed and renewed; what waits for them goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.auth.profiles import Profiles
from core.domain.events import EventType
from core.domain.profile import Profile
from core.engine.checks import LoginChecks
from core.engine.folders import scratch_folder
from core.engine.logins import Logins
from core.engine.toolbox import Toolbox
from core.store.store import Store


class Access:
    """What people do to logins, and what follows for jobs.

    Args:
        store: Where jobs wait.
        profiles: The logins.
        wake: Tells the scheduler of jobs that may run.
    """

    def __init__(self, store: Store, profiles: Profiles, *, wake: Callable[[], None]) -> None:
        self._store = store
        self._profiles = profiles
        self._wake = wake

    async def list(self) -> Sequence[Profile]:
        """Every profile."""
        return await self._profiles.list()

    async def add(self, source: str, cookie_file: Path, name: str) -> Profile:
        """Add a profile, or give one another file; jobs that wait for a login of its source go on."""
        profile = await self._profiles.add(source, cookie_file, name)
        await self.release(profile)
        return profile

    async def remove(self, profile_id: int) -> None:
        """Forget a profile; jobs that wait for it see what else there is."""
        await self._release(await self._profiles.remove(profile_id))

    async def release(self, profile: Profile) -> None:
        """Let the jobs go on that wait for any login of this profile's source: the new one may serve them."""
        for each in await self._profiles.list():
            if each.source_type == profile.source_type:
                await self._release(each)

    async def _release(self, profile: Profile) -> None:
        if await self._store.jobs.is_waited_for(profile.waiting_for):
            await self._store.jobs.unpark(profile.waiting_for, now=time.time(), source=profile.source_type)
            self._wake()


@asynccontextmanager
async def borrowed_logins(
    tools: Toolbox, checks: LoginChecks, preferred: str | None
) -> AsyncIterator[Logins]:
    """Logins for what is no job: their copies are in a folder of their own."""
    async with scratch_folder(tools.settings.paths.tmp) as folder:
        yield Logins(tools.profiles, checks, folder, preferred, _untold)


async def _untold(event: tuple[EventType, Mapping[str, Any]]) -> None:
    """There is no job whose timeline could tell it."""
