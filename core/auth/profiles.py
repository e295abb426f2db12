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
from urllib.parse import urlsplit

from core.auth.configured import CONFIG, absolute, take_over, tokens_of
from core.auth.cookies import login_ends, read_cookies_blocking
from core.auth.copies import make_copy_blocking
from core.auth.health import Health, Verdict, tell_log
from core.auth.login import Login
from core.auth.stamps import Stamp, stamp_blocking
from core.config.sources import Sources
from core.domain.errors import InvalidRequest, JobError
from core.domain.profile import Profile, ProfileReason, ProfileStatus
from core.links.normalise import host_is
from core.store.profiles import AuthProfiles

log = logging.getLogger("reeldeck.auth")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A login in use."""

    profile: Profile
    login: Login
    #: Which version of the file it holds.
    stamp: Stamp | None
    #: Whose cookies are in the file; none where there is no file.
    hosts: tuple[str, ...] = ()

    def is_shown_to(self, url: str) -> bool:
        """Whether the host of *url* gets to see it."""
        return not self.hosts or host_is(urlsplit(url).hostname or "", self.hosts)


class Profiles:
    """All auth profiles.

    Args:
        rows: Where they are kept.
        sources: The configuration, whose logins are the profiles named `config`.
        tell_owner: Called once for each time that a login needs its owner, until its file changes.

    Attributes:
        health: How they fare.
    """

    def __init__(
        self, rows: AuthProfiles, sources: Sources, *, tell_owner: Callable[[Profile, str], None] = tell_log
    ) -> None:
        self._rows = rows
        self._sources = sources
        self.health = Health(rows, tell_owner)
        self._stamps: dict[int, Stamp | None] = {}
        #: One change after another: each reads before it writes.
        self._turn = asyncio.Lock()

    async def start(self) -> Sequence[Profile]:
        """Take over the logins of the configuration, and see which files there are now.

        Returns those of the configuration that are to be tried anew; jobs may wait for them.
        """
        configured = await take_over(self._rows, self._sources)
        for profile in await self._rows.all():
            stamp, changed = await asyncio.to_thread(stamp_blocking, profile.cookie_file_path)
            is_new = changed > (profile.last_failure or 0.0)
            # A file that came while no engine ran is noticed at the first look.
            is_ill = profile.status is not ProfileStatus.ACTIVE
            is_unread = profile in configured
            self._stamps[profile.id] = None if is_unread or (is_ill and is_new) else stamp
            if profile.status is ProfileStatus.DISABLED:
                # Whoever was told before this start need not be told again.
                self.health.was_told(profile.id)
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
        stamp, _ = await asyncio.to_thread(stamp_blocking, text)
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
            return await self.health.renew(profile)

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
        self.health.forget(profile_id)
        return profile

    async def reread(self, profile_id: int) -> Profile:
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
                return await self.health.disable(profile, ProfileReason.MISSING)
            profile = await self._rows.write(profile_id, expires=expires)
            if profile.reason in {ProfileReason.REFUSED, ProfileReason.ROTATED}:
                return profile
            if expires is not None and expires <= time.time():
                return await self.health.disable(profile, ProfileReason.EXPIRED)
            # Whether the file is a new one, for which jobs go on, is for `renewed` to see.
            return await self.health.renew(profile)

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
            if (opened := await self.open_one(profile, folder=folder)) is not None:
                return opened
        return None

    async def open_one(self, profile: Profile, *, folder: Path) -> Opened | None:
        """This login, whatever its status; None when it has ended or its file is of no use."""
        reason = ProfileReason.EXPIRED
        if profile.expires is None or profile.expires > time.time():
            try:
                return await asyncio.to_thread(self._open_blocking, profile, folder)
            except InvalidRequest as error:
                log.info("a cookie file cannot be used: %s", error, extra={"profile": profile.name})
                reason = ProfileReason.MISSING
        # It may have been removed meanwhile.
        with contextlib.suppress(InvalidRequest):
            await self.health.disable(profile, reason)
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
        tokens = tokens_of(self._sources, profile.source_type) if profile.name == CONFIG else {}
        if profile.cookie_file_path is None:
            return Opened(profile, Login(profile=profile.name, tokens=tokens), None)
        stamp, _ = stamp_blocking(profile.cookie_file_path)
        cookies = read_cookies_blocking(Path(profile.cookie_file_path))
        copy = make_copy_blocking(folder, cookies)
        hosts = {cookie.domain.lstrip(".").lower() for cookie in cookies}
        login = Login(profile=profile.name, cookie_file=copy, tokens=tokens)
        return Opened(profile, login, stamp, tuple(hosts))

    async def wanted(
        self, source: str, preferred: str | None = None, *, but: Collection[int] = ()
    ) -> Profile | None:
        """The profile whose owner could help, after all were of no use; None when *source* has none.

        Args:
            source: Whose.
            preferred: Name of the profile that was begun with.
            but: Ids of profiles that are not to blame.
        """
        profiles = self._in_order(await self._rows.all(source), preferred)
        return next((profile for profile in profiles if profile.id not in but), None)

    async def failed(self, opened: Opened, error: JobError, verdict: Verdict = Verdict.UNASKED) -> bool:
        """Something was refused to this login; False when its file has changed since: it deserves a try.

        Args:
            opened: The login.
            error: In whose words.
            verdict: What the site says of the login itself.
        """
        async with self._turn:
            try:
                profile = await self._rows.get(opened.profile.id)
            except InvalidRequest:
                # It was removed while it was in use.
                return True
            if await self._is_replaced(profile, opened):
                return False
            if verdict is not Verdict.TAKEN:
                await self.health.refuse(profile, error, verdict)
            return True

    async def _is_replaced(self, profile: Profile, opened: Opened) -> bool:
        stamp = await self.stamp(profile)
        return stamp is not None and stamp != opened.stamp

    async def taken(self, opened: Opened, account: str | None) -> None:
        """The site was asked and takes this login. Raises InvalidRequest when it was removed meanwhile."""
        async with self._turn:
            profile = await self._rows.get(opened.profile.id)
            if not await self._is_replaced(profile, opened):
                await self.health.renew(profile, checked=time.time(), account=account)

    async def denied(self, opened: Opened, error: JobError) -> None:
        """The site was asked and does not take this login. Raises InvalidRequest as `taken`."""
        async with self._turn:
            profile = await self._rows.get(opened.profile.id)
            if not await self._is_replaced(profile, opened):
                await self._rows.write(profile.id, checked=time.time(), account=None)
                await self.health.refuse(profile, error, Verdict.REFUSED)

    async def succeeded(self, opened: Opened) -> None:
        """A job was done with this login."""
        async with self._turn:
            # It may have been removed while it was in use.
            with contextlib.suppress(InvalidRequest):
                profile = await self._rows.write(opened.profile.id, last_success=time.time())
                # Media that anybody may see are given to a login that the site does not take, too.
                if profile.status is not ProfileStatus.DISABLED:
                    await self.health.renew(profile)

    async def renewed(self) -> Sequence[Profile]:
        """The profiles whose file is new and usable since the last call."""
        found = list[Profile]()
        for profile in await self._rows.all():
            stamp, changed = await asyncio.to_thread(stamp_blocking, profile.cookie_file_path)
            if stamp is not None and stamp != self._stamps.get(profile.id):
                is_judged = profile.checked is not None and profile.checked > changed
                found += _usable(profile) if is_judged else await self._renewed(profile)
            # Not before: with a store that fails, the file is as new as it was.
            self._stamps[profile.id] = stamp
        return found

    async def _renewed(self, profile: Profile) -> Sequence[Profile]:
        async with self._turn:
            try:
                expires = await self._ends(profile)
                if expires is not None and expires <= time.time():
                    return []
                renewed = await self._rows.write(profile.id, expires=expires, checked=None, account=None)
                return [await self.health.renew(renewed)]
            except InvalidRequest as error:
                # One that is being written is looked at again when it has changed again; or the profile was
                # removed just now.
                log.info("a new cookie file cannot be used: %s", error, extra={"profile": profile.name})
                return []

    async def stamp(self, profile: Profile) -> Stamp | None:
        """Which version of its file there is; None for none."""
        return (await asyncio.to_thread(stamp_blocking, profile.cookie_file_path))[0]

    async def _ends(self, profile: Profile) -> float | None:
        cookies = await asyncio.to_thread(read_cookies_blocking, Path(str(profile.cookie_file_path)))
        return login_ends(profile.source_type, cookies)


def _usable(profile: Profile) -> Sequence[Profile]:
    """A profile about whose present file the site was asked already."""
    return [] if profile.status is ProfileStatus.DISABLED else [profile]
