"""Notices new cookie files by itself, so that what waits for them goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from core.auth.profiles import Profiles
from core.domain.errors import DiskFull, StoreFailure
from core.domain.profile import Profile

log = logging.getLogger("reeldeck.auth")

#: A new file is noticed within this time, and a job that was parked just then goes on one look later.
LOOK_S = 3.0


class CookieWatch:
    """Looks at all cookie files.

    Args:
        profiles: Whose.
        release: Lets the jobs go on that wait for logins of a profile's source.
    """

    def __init__(
        self, profiles: Profiles, release: Callable[[Profile], Awaitable[None]], *, look_s: float = LOOK_S
    ) -> None:
        self._profiles = profiles
        self._release = release
        self._look_s = look_s
        self._again: list[Profile] = []

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (DiskFull, StoreFailure) as error:
                log.warning("the store cannot be used", extra={"detail": str(error)})
            await asyncio.sleep(self._look_s)

    async def look(self) -> None:
        """Look once."""
        renewed = list(await self._profiles.renewed())
        for profile in renewed:
            log.info(
                "a new cookie file is used",
                extra={"source_type": profile.source_type, "profile": profile.name},
            )
        # Once more at the next look: a job may have been on its way to wait when the file came.
        # With a store that fails, all of them are due again.
        due = self._again = [*self._again, *renewed]
        for profile in due:
            await self._release(profile)
        self._again = renewed
