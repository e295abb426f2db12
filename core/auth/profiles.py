"""The logins of all sources: opened in the order of their health, and judged by what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.auth.configured import CONFIG, absolute, take_over, tokens_of
from core.auth.cookies import login_ends, read_cookies_blocking
from core.auth.copies import make_copy_blocking
from core.auth.login import Login
from core.config.settings import Sources
from core.domain.errors import InvalidRequest, JobError
from core.domain.profile import Profile, ProfileReason, ProfileStatus
from core.store.profiles import AuthProfiles

log = logging.getLogger("reeldeck.auth")

#: A login that ends within this time is worth a word.
SOON_S = 3 * 86_400.0
#: Refusals in a row after which a login is not used any more. One alone may be about the media.
MAX_REFUSALS = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: How sites, in yt-dlp's words, say that a session was replaced.
_ROTATED = re.compile(r"rotated|no longer valid|session (?:has )?expired", re.IGNORECASE)

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """A login in use."""

    profile: Profile
    login: Login
    #: Which version of the file it holds.
    stamp: Stamp | None


def _tell(profile: Profile, detail: str) -> None:
    log.warning(
        "jobs wait for a login of %s: export its cookies anew",
        profile.source_type,
        extra={"profile": profile.name, "cookie_file": profile.cookie_file_path, "detail": detail},
    )


class Profiles:
    """All auth profiles.

    Args:
        rows: Where they are kept.
        sources: The configuration, whose logins are the profiles named `config`.
        tell_owner: Called once for each time that a login needs its owner, until its file changes.
    """

    def __init__(
        self, rows: AuthProfiles, sources: Sources, *, tell_owner: Callable[[Profile, str], None] = _tell
    ) -> None:
        self._rows = rows
        self._sources = sources
        self._tell_owner = tell_owner
        self._told: set[int] = set()
        self._stamps: dict[int, Stamp | None] = {}
        #: One change after another: each reads before it writes.
        self._turn = asyncio.Lock()

    async def start(self) -> Sequence[Profile]:
        """Take over the logins of the configuration, and see which files there are now.

        Returns those of the configuration that are to be tried anew; jobs may wait for them.
        """
        configured = await take_over(self._rows, self._sources)
        for profile in await self._rows.all():
            stamp, changed = await asyncio.to_thread(_stamp_blocking, profile.cookie_file_path)
            is_new = changed > (profile.last_failure or 0.0)
            # A file that came while no engine ran is noticed at the first look.
            is_ill = profile.status is not ProfileStatus.ACTIVE
            is_unread = profile in configured
            self._stamps[profile.id] = None if is_unread or (is_ill and is_new) else stamp
        return configured

    async def list(self) -> Sequence[Profile]:
        """Every profile."""
        return await self._rows.all()

    async def add(self, source: str, path: Path, name: str = "main") -> Profile:
        """Use the cookie file at *path* for *source*, or give the profile of this name another file.

        Raises:
            InvalidRequest: It is no cookie file, or the name cannot be used.
        """
        if not _NAME.fullmatch(name) or name == CONFIG:
            raise InvalidRequest(
                "this name cannot be used", hint="Use letters, digits, `.`, `_` and `-`, but not `config`."
            )
        text = absolute(path)
        stamp, _ = await asyncio.to_thread(_stamp_blocking, text)
        cookies = await asyncio.to_thread(read_cookies_blocking, Path(text))
        ends = login_ends(source, cookies)
        if ends is not None and ends <= time.time():
            raise InvalidRequest(
                "the login in the file has expired", hint="Log in to the site again, then export."
            )
        async with self._turn:
            now = time.time()
            profile = await self._rows.put(source, name, cookie_file_path=text, expires=ends, now=now)
            self._stamps[profile.id] = stamp
            return await self._renew(profile)

    async def get(self, profile_id: int) -> Profile:
        """One profile. Raises InvalidRequest."""
        return await self._rows.get(profile_id)

    async def remove(self, profile_id: int) -> Profile:
        """Forget a profile; its file stays. Returns it as it was.

        Raises:
            InvalidRequest: There is none, or it stands in the configuration.
        """
        profile = await self._rows.get(profile_id)
        if profile.name == CONFIG:
            raise InvalidRequest(
                "this login stands in the configuration",
                hint=f"Take it out of [sources.{profile.source_type}].",
            )
        await self._rows.delete(profile_id)
        self._stamps.pop(profile_id, None)
        self._told.discard(profile_id)
        return profile

    async def check(self, profile_id: int) -> Profile:
        """Read a profile's file again; returns how it is then. A refusal is not forgotten by it.

        Raises:
            InvalidRequest: There is no such profile.
        """
        profile = await self._rows.get(profile_id)
        if profile.cookie_file_path is None:
            return profile
        async with self._turn:
            try:
                expires = await self._ends(profile)
            except InvalidRequest:
                return await self._mark(profile, ProfileReason.MISSING)
            profile = await self._rows.write(profile_id, expires=expires)
            if profile.reason in {ProfileReason.REFUSED, ProfileReason.ROTATED}:
                return profile
            if expires is not None and expires <= time.time():
                return await self._mark(profile, ProfileReason.EXPIRED)
            # Whether the file is a new one, for which jobs go on, is for `renewed` to see.
            return await self._renew(profile)

    async def open(
        self,
        source: str,
        preferred: str | None = None,
        *,
        folder: Path,
        skip: Collection[int] = (),
    ) -> Opened | None:
        """The best usable login of *source*, None when there is none.

        Args:
            source: Whose.
            preferred: Name of the profile to begin with.
            folder: Takes the private copy of the cookie file.
            skip: Ids of profiles that were tried already.
        """
        for profile in self._in_order(await self._rows.all(source), preferred):
            if profile.id in skip or profile.status is ProfileStatus.DISABLED:
                continue
            reason = ProfileReason.EXPIRED
            if profile.expires is None or profile.expires > time.time():
                try:
                    return await asyncio.to_thread(self._open_blocking, profile, folder)
                except InvalidRequest as error:
                    log.info("a cookie file cannot be used: %s", error, extra={"profile": profile.name})
                    reason = ProfileReason.MISSING
            # It may have been removed meanwhile.
            with contextlib.suppress(InvalidRequest):
                await self._mark(profile, reason)
        return None

    @staticmethod
    def _in_order(profiles: Sequence[Profile], preferred: str | None) -> Sequence[Profile]:
        return sorted(
            profiles,
            key=lambda profile: (
                profile.name != preferred,
                # Expiring soon is a word to the owner, and no reason against a login that works.
                profile.status is not ProfileStatus.ACTIVE and profile.reason is not ProfileReason.EXPIRING,
                profile.id,
            ),
        )

    def _open_blocking(self, profile: Profile, folder: Path) -> Opened:
        stamp, copy = None, None
        if profile.cookie_file_path is not None:
            stamp, _ = _stamp_blocking(profile.cookie_file_path)
            copy = make_copy_blocking(folder, read_cookies_blocking(Path(profile.cookie_file_path)))
        tokens = tokens_of(self._sources, profile.source_type) if profile.name == CONFIG else {}
        return Opened(profile, Login(profile=profile.name, cookie_file=copy, tokens=tokens), stamp)

    async def wanted(self, source: str, preferred: str | None = None) -> Profile | None:
        """The profile whose owner could help, after all were of no use; None when *source* has none."""
        return next(iter(self._in_order(await self._rows.all(source), preferred)), None)

    async def need(self, profile: Profile, detail: str) -> None:
        """Jobs wait for this login: tell the owner, if that was not done yet."""
        if profile.id not in self._told:
            self._told.add(profile.id)
            self._tell_owner(profile, detail)

    async def failed(self, opened: Opened, error: JobError) -> bool:
        """The site refused this login; False when its file has changed since, so that it deserves a try."""
        async with self._turn:
            try:
                profile = await self._rows.get(opened.profile.id)
            except InvalidRequest:
                # It was removed while it was in use.
                return True
            if profile.cookie_file_path is not None:
                stamp, _ = await asyncio.to_thread(_stamp_blocking, profile.cookie_file_path)
                if stamp is not None and stamp != opened.stamp:
                    return False
            is_rotated = _ROTATED.search(error.detail) is not None
            await self._mark(profile, ProfileReason.ROTATED if is_rotated else ProfileReason.REFUSED)
            return True

    async def succeeded(self, opened: Opened) -> None:
        """A job was done with this login."""
        async with self._turn:
            # It may have been removed while it was in use.
            with contextlib.suppress(InvalidRequest):
                await self._renew(opened.profile, last_success=time.time())

    async def renewed(self) -> Sequence[Profile]:
        """The profiles whose file is new and usable since the last call."""
        found = list[Profile]()
        for profile in await self._rows.all():
            stamp, _ = await asyncio.to_thread(_stamp_blocking, profile.cookie_file_path)
            if stamp is not None and stamp != self._stamps.get(profile.id):
                found += await self._renewed(profile)
            # Not before: with a store that fails, the file is as new as it was.
            self._stamps[profile.id] = stamp
        return found

    async def _renewed(self, profile: Profile) -> Sequence[Profile]:
        async with self._turn:
            try:
                expires = await self._ends(profile)
                if expires is not None and expires <= time.time():
                    return []
                return [await self._renew(await self._rows.write(profile.id, expires=expires))]
            except InvalidRequest as error:
                # One that is being written is looked at again when it has changed again; or the profile was
                # removed just now.
                log.info("a new cookie file cannot be used: %s", error, extra={"profile": profile.name})
                return []

    async def _ends(self, profile: Profile) -> float | None:
        cookies = await asyncio.to_thread(read_cookies_blocking, Path(str(profile.cookie_file_path)))
        return login_ends(profile.source_type, cookies)

    async def _renew(self, profile: Profile, **facts: Any) -> Profile:
        """In good health again, as far as is known."""
        self._told.discard(profile.id)
        status, reason = ProfileStatus.ACTIVE, None
        if profile.expires is not None and profile.expires - time.time() < SOON_S:
            status, reason = ProfileStatus.DEGRADED, ProfileReason.EXPIRING
        return await self._rows.write(
            profile.id, status=status, reason=reason, failure_count_recent=0, **facts
        )

    async def _mark(self, profile: Profile, reason: ProfileReason) -> Profile:
        count = profile.failure_count_recent + 1
        is_refused = reason is ProfileReason.REFUSED and count < MAX_REFUSALS
        status = ProfileStatus.DEGRADED if is_refused else ProfileStatus.DISABLED
        return await self._rows.write(
            profile.id, status=status, reason=reason, failure_count_recent=count, last_failure=time.time()
        )


def _stamp_blocking(path: str | None) -> tuple[Stamp | None, float]:
    """Which version of a cookie file there is (None: none), and when it came to its place."""
    if path is None:
        return None, 0.0
    try:
        seen = Path(path).stat()
    except OSError:
        return None, 0.0
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino), seen.st_ctime
