"""Asks sites whether they still take a login: when a person wants to know, and before a login is blamed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.auth.health import Verdict
from core.auth.profiles import Opened
from core.auth.stamps import Stamp
from core.domain.errors import AuthRequired, InvalidRequest, JobError, NetworkFailure
from core.domain.profile import Profile, ProfileReason
from core.engine.folders import scratch_folder
from core.engine.toolbox import Toolbox
from core.sources.login_asking import LoginSeen
from core.sources.login_checks import NoLoginCheck

log = logging.getLogger("reeldeck.auth")

#: An answer holds for so long, unless the file changes.
VALID_S = 300.0
_UNUSABLE = frozenset({ProfileReason.MISSING, ProfileReason.EXPIRED})


@dataclass(frozen=True, slots=True)
class _Answer:
    verdict: Verdict
    stamp: Stamp | None
    at: float  # seconds since the epoch


class LoginChecks:
    """Asks, and remembers the answers for a while.

    Args:
        tools: The logins, the sources that know how to ask, and their ways to the network.
        release: Lets the jobs go on that wait for a login which turned out to be good.
    """

    def __init__(self, tools: Toolbox, release: Callable[[Profile], Awaitable[None]]) -> None:
        self._tools = tools
        self._profiles = tools.profiles
        self._release = release
        self._answers: dict[int, _Answer] = {}
        #: One question at a time for each login; who waited finds the answer.
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def check(self, profile_id: int, *, afresh: bool = False) -> Profile:
        """Read a login's file again and ask its site; the profile as it is then.

        Args:
            profile_id: Which one.
            afresh: Ask although there is an answer that still holds.

        Raises:
            InvalidRequest: There is no such profile, or its source's `check_url` is no link.
            JobError: The site did not answer, which says nothing of the login: it stays as it is.
        """
        if afresh:
            self._answers.pop(profile_id, None)
        try:
            verdict = await self._verdict(profile_id)
        except JobError as error:
            error.hint = "This says nothing of the login, which stays as it is. Check it again later."
            raise
        profile = await self._profiles.get(profile_id)
        if verdict is Verdict.TAKEN:
            await self._release(profile)
        return profile

    async def confirm(self, opened: Opened) -> Verdict:
        """Whether it is the login's fault that something was refused to it."""
        try:
            return await self._verdict(opened.profile.id)
        except (JobError, InvalidRequest) as error:
            log.info(
                "the site could not be asked about a login",
                extra={"profile": opened.profile.name, "detail": str(error)},
            )
            return Verdict.UNKNOWN

    async def _verdict(self, profile_id: int) -> Verdict:
        async with self._turns[profile_id]:
            profile = await self._profiles.reread(profile_id)
            if profile.reason in _UNUSABLE:
                return Verdict.REFUSED
            known, stamp = self._answers.get(profile_id), await self._profiles.stamp(profile)
            if known and known.stamp == stamp and 0 <= time.time() - known.at < VALID_S:
                return known.verdict
            verdict = await self._ask(profile)
            self._answers[profile_id] = _Answer(verdict, stamp, time.time())
            return verdict

    async def _ask(self, profile: Profile) -> Verdict:
        async with scratch_folder(self._tools.settings.paths.tmp) as folder:
            opened = await self._profiles.open_one(profile, folder=folder)
            if opened is None:
                return Verdict.REFUSED
            try:
                seen = await self._seen(opened)
            except NoLoginCheck:
                return Verdict.UNASKED
            except AuthRequired as error:
                told = {"source_type": profile.source_type, "profile": profile.name, "detail": str(error)}
                log.info("a login is not taken", extra=told)
                await self._profiles.denied(opened, error)
                return Verdict.REFUSED
            await self._profiles.taken(opened, seen.account)
            return Verdict.TAKEN

    async def _seen(self, opened: Opened) -> LoginSeen:
        source = self._tools.registry.named(opened.profile.source_type)
        limit_s = self._tools.settings.timeouts.metadata_s
        try:
            async with asyncio.timeout(limit_s):
                return await source.check_login(self._tools.context(source.name, opened.login))
        except TimeoutError as error:
            raise NetworkFailure(f"{source.label} did not answer within {limit_s:.0f} s") from error
