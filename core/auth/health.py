"""How logins fare: what is written down of it, and when their owners are told."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from core.domain.errors import JobError
from core.domain.profile import Profile, ProfileReason, ProfileStatus
from core.store.profiles import AuthProfiles

log = logging.getLogger("reeldeck.auth")

#: A login that ends within this time is worth a word.
SOON_S = 3 * 86_400.0
#: Refusals in a row after which a login is not used any more, where its site cannot be asked about it. One
#: alone may be about the media.
MAX_REFUSALS = 3
#: How sites, in yt-dlp's words, say that a session was replaced.
_ROTATED = re.compile(r"rotated|no longer valid|session (?:has )?expired", re.IGNORECASE)


class Verdict(StrEnum):
    """What a site says when it is asked whether it takes a login."""

    TAKEN = "taken"
    """It does: what it refused is not for this login."""
    REFUSED = "refused"
    UNASKED = "unasked"
    """There is no way to ask."""
    UNKNOWN = "unknown"
    """It did not answer."""


def tell_log(profile: Profile, detail: str) -> None:
    """Tell the owner in the log."""
    log.warning(
        "a login of %s is of no use any more: export its cookies anew",
        profile.source_type,
        extra={"profile": profile.name, "cookie_file": profile.cookie_file_path, "detail": detail},
    )


class Health:
    """Writes down how logins fare.

    Args:
        rows: Where.
        tell_owner: Called once for each time that a login needs its owner, until its file changes.
    """

    def __init__(self, rows: AuthProfiles, tell_owner: Callable[[Profile, str], None]) -> None:
        self._rows = rows
        self._tell_owner = tell_owner
        self._told: set[int] = set()

    def need(self, profile: Profile, detail: str) -> None:
        """This login wants its owner: tell them, if that was not done yet."""
        if profile.id not in self._told:
            self._told.add(profile.id)
            self._tell_owner(profile, detail)

    def was_told(self, profile_id: int) -> None:
        """The owner has heard of it already."""
        self._told.add(profile_id)

    def forget(self, profile_id: int) -> None:
        """It is another login from now on, or none."""
        self._told.discard(profile_id)

    async def renew(self, profile: Profile, **facts: Any) -> Profile:
        """In good health again, as far as is known."""
        self.forget(profile.id)
        status, reason = ProfileStatus.ACTIVE, None
        if profile.expires is not None and profile.expires - time.time() < SOON_S:
            status, reason = ProfileStatus.DEGRADED, ProfileReason.EXPIRING
        return await self._rows.write(
            profile.id, status=status, reason=reason, failure_count_recent=0, **facts
        )

    async def refuse(self, profile: Profile, error: JobError, verdict: Verdict) -> Profile:
        """Something was refused to it in the words of *error*, and *verdict* is not TAKEN."""
        if _ROTATED.search(error.detail):
            return await self.disable(profile, ProfileReason.ROTATED)
        if verdict is Verdict.REFUSED:
            if profile.status is ProfileStatus.DISABLED:
                return profile  # it was written down when the site was asked
            return await self.disable(profile, ProfileReason.REFUSED)
        # It may be about the media. Where the site could have said so but did not answer, it is not counted.
        count = profile.failure_count_recent + (verdict is Verdict.UNASKED)
        if count >= MAX_REFUSALS:
            return await self.disable(profile, ProfileReason.REFUSED)
        return await self._write(profile, ProfileStatus.DEGRADED, ProfileReason.REFUSED, count)

    async def disable(self, profile: Profile, reason: ProfileReason) -> Profile:
        """It is of no use until its owner does something."""
        count = profile.failure_count_recent + 1
        disabled = await self._write(profile, ProfileStatus.DISABLED, reason, count)
        self.need(disabled, reason.value)
        return disabled

    async def _write(
        self, profile: Profile, status: ProfileStatus, reason: ProfileReason, count: int
    ) -> Profile:
        return await self._rows.write(
            profile.id, status=status, reason=reason, failure_count_recent=count, last_failure=time.time()
        )
