"""The logins of one attempt: which profile is tried next, and what becomes of a job that none lets in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.auth.cookies import login_headers
from core.auth.copies import delete_copies_blocking
from core.auth.health import Verdict
from core.auth.login import Login
from core.auth.profiles import Opened, Profiles
from core.domain.errors import AuthRequired, InvalidRequest
from core.domain.events import EventType
from core.domain.media import Track
from core.engine.checks import LoginChecks

#: A site that could not say whether a login is to blame is asked again after this time.
ASK_AGAIN_S = 300.0

#: Stores an event of the attempt.
Tell = Callable[[tuple[EventType, Mapping[str, Any]]], Awaitable[None]]

#: Parts of a resolution that let in whoever shows them: those of a login, and those that a site gives guests.
_SECRET_KEYS = frozenset(
    {"cookie", "cookies", "cookie_header", "set-cookie", "authorization", "proxy-authorization"}
    | {"x-csrf-token", "x-guest-token"}
)


class LoginWanted(AuthRequired):
    """No login of the source was let in; the job waits for a new file of one of them.

    Args:
        detail: As in `AuthRequired`.
        source: Whose login.
        waiting_for: What the job waits for.
        remote_status: As in `AuthRequired`.
        retry_after_s: When to look again although nothing is new: the site could not say whose fault it is.
    """

    def __init__(
        self,
        detail: str,
        *,
        hint: str,
        source: str,
        waiting_for: str,
        remote_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail, hint=hint, remote_status=remote_status, retry_after_s=retry_after_s)
        self.source = source
        self.waiting_for = waiting_for


@dataclass(slots=True)
class _Seat:
    """The login that is used for one source."""

    opened: Opened | None
    refused: set[int] = field(default_factory=set)
    #: Those among them that are not to blame, with how they are called.
    blameless: dict[int, str] = field(default_factory=dict)
    is_guest_refused: bool = False
    #: A site did not say whether one of them is to blame.
    is_doubtful: bool = False


class Logins:
    """Opens logins when they are first needed.

    Args:
        profiles: All logins.
        checks: Say whether a login is to blame for a refusal.
        folder: The job's own, for private copies.
        preferred: Name of the profile to begin with.
        tell: Stores PROFILE_FALLBACK.
    """

    def __init__(
        self, profiles: Profiles, checks: LoginChecks, folder: Path, preferred: str | None, tell: Tell
    ) -> None:
        self._profiles = profiles
        self._checks = checks
        self._folder = folder
        self._preferred = preferred
        self._tell = tell
        self._seats: dict[str, _Seat] = {}
        self._may_have_copies = False

    async def of(self, source: str) -> Login | None:
        """The login to use for *source* now; None for a guest."""
        if source not in self._seats:
            self._seats[source] = _Seat(await self._open(source, set()))
        opened = self._seats[source].opened
        return opened.login if opened else None

    async def go_on(self, source: str, profile_id: int | None) -> None:
        """Take up what an earlier attempt used: this profile if it can be, or none."""
        if source in self._seats:
            return
        self._seats[source] = _Seat(None)
        if profile_id is not None:
            try:
                self._preferred = (await self._profiles.get(profile_id)).name
            except InvalidRequest:
                return
            self._seats[source].opened = await self._open(source, set())

    def profile_id(self, source: str) -> int | None:
        """The profile that is in use for *source*."""
        seat = self._seats.get(source)
        return seat.opened.profile.id if seat and seat.opened else None

    async def refused(self, source: str, error: AuthRequired, *, url: str) -> None:
        """The site asked for a login: go over to the next one, and last to none at all.

        Args:
            source: Whose site.
            error: Its words.
            url: The link that it was asked for.

        Raises:
            LoginWanted: All were refused, and there is a profile whose new file would help.
            AuthRequired: There is none, or none of them is to blame: another account is needed.
        """
        seat = self._seats.setdefault(source, _Seat(None))
        before = seat.opened
        if before is None:
            seat.is_guest_refused = True
        else:
            await self._blame(seat, before, error, url)
        seat.opened = await self._open(source, seat.refused)
        if seat.opened is None and seat.is_guest_refused:
            raise await self._wanted(source, error, seat) from error
        seen = {
            "source_type": source,
            "from": before.profile.name if before else None,
            "to": seat.opened.profile.name if seat.opened else None,
            "message": str(error),
            "http_status": error.remote_status,
            **({"auth_profile_id": before.profile.id} if before else {}),
        }
        await self._tell((EventType.PROFILE_FALLBACK, seen))

    async def _blame(self, seat: _Seat, login: Opened, error: AuthRequired, url: str) -> None:
        """Find out whether it is the login's fault, and write that down."""
        number, verdict = login.profile.id, await self._checks.confirm(login)
        if verdict is Verdict.UNASKED and not login.is_shown_to(url):
            # Sources that take links of any site have logins for some of them.
            verdict = Verdict.TAKEN
        if not await self._profiles.failed(login, error, verdict):
            return
        seat.refused.add(number)
        seat.is_doubtful |= verdict is Verdict.UNKNOWN
        if verdict is Verdict.TAKEN:
            seat.blameless[number] = f"{login.profile.source_type}/{login.profile.name}"

    async def _open(self, source: str, skip: set[int]) -> Opened | None:
        had_copies, self._may_have_copies = self._may_have_copies, True  # even if this is cancelled
        opened = await self._profiles.open(source, self._preferred, folder=self._folder, skip=skip)
        self._may_have_copies = had_copies or opened is not None
        return opened

    async def _wanted(self, source: str, error: AuthRequired, seat: _Seat) -> AuthRequired:
        profile = await self._profiles.wanted(source, self._preferred, but=seat.blameless)
        if profile is None:
            hint = (
                f"Export the site's cookies from your browser and add them: reeldeck auth add {source} FILE"
            )
            if seat.blameless:
                names = ", ".join(seat.blameless.values())
                hint = (
                    f"There is nothing wrong with {names}, but this is not for that account. "
                    f"Add one that may see it: reeldeck auth add {source} FILE --name NAME"
                )
            return AuthRequired(error.detail, hint=hint, remote_status=error.remote_status)
        hint = (
            f"Log in again and export the cookies to {profile.cookie_file_path}: the job goes on by itself."
            if profile.cookie_file_path
            else f"Renew the tokens of [sources.{source}], or add a file: reeldeck auth add {source} FILE"
        )
        if not seat.is_doubtful:
            self._profiles.health.need(profile, str(error))
        return LoginWanted(
            error.detail,
            hint=hint,
            source=source,
            waiting_for=profile.waiting_for,
            remote_status=error.remote_status,
            retry_after_s=ASK_AGAIN_S if seat.is_doubtful else None,
        )

    async def dress(self, track: Track, source: str) -> Track:
        """*track* with the cookies that its address is to be asked with."""
        if not (headers := await login_headers(await self.of(source), track.url)):
            return track
        others = {name: value for name, value in track.headers.items() if name.lower() != "cookie"}
        return replace(track, headers=others | headers)

    async def succeeded(self, source: str) -> None:
        """The job was done."""
        seat = self._seats.get(source)
        if seat is not None and seat.opened is not None:
            await self._profiles.succeeded(seat.opened)

    async def close(self) -> None:
        """Delete the private copies."""
        if self._may_have_copies:
            await asyncio.to_thread(delete_copies_blocking, self._folder)


def without_secrets(value: Any) -> Any:
    """JSON without what lets somebody in: this, and nothing else, may be stored."""
    if isinstance(value, Mapping):
        return {
            name: without_secrets(each)
            for name, each in value.items()
            if str(name).lower() not in _SECRET_KEYS
        }
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    return value
