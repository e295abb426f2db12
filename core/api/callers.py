"""Who asks, what they may do, and how often."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope as Connection

from core.domain.errors import Forbidden, LimitReached
from core.domain.token import Scope, Token

#: The valid token with this secret, None where there is none. Never logs what it was given.
TokenCheck = Callable[[str], Awaitable[Token | None]]

MAX_TOKEN_CHARS = 512
#: A token may use up what it saved in so many seconds at once.
BURST_S = 5.0
PREFIX = "/api/v1"
#: What tells whom the Telegram account knows.
_ACCOUNT: Final = frozenset({f"{PREFIX}/chats/known", f"{PREFIX}/chats/find"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the holder of a token, or without one somebody on this machine, who may do everything."""

    token: Token | None = None

    @property
    def actor(self) -> str:
        """As the record of changes names them."""
        return "socket" if self.token is None else f"token:{self.token.name}"

    def require(self, scope: Scope) -> None:
        """Return when the caller may do what needs *scope*.

        Raises:
            Forbidden: They may not.
        """
        if self.token is not None and not self.token.allows(scope):
            hint = f"Use a token with the scope {scope.value}."
            raise Forbidden(f"this token may not do what needs the scope {scope.value}", hint=hint)


#: Whoever can open the Unix socket.
LOCAL: Final = Caller()


def caller_of(connection: Connection) -> Caller | None:
    """Who asks, as the doorkeeper found; None on a WebSocket whose first message is to tell."""
    caller = connection["state"]["caller"]
    assert caller is None or isinstance(caller, Caller)
    return caller


class UnknownToken(Forbidden):
    """Nobody holds a valid token of this secret."""

    http_status = 401


class Callers:
    """Knows callers by their tokens, and counts what each asks.

    Args:
        check: Judges tokens; without one nobody is known.
        rate_per_s: Requests a second that each token may make; 0 = any number.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        check: TokenCheck | None,
        *,
        rate_per_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._clock = clock
        # Until when a token's requests so far would last at its rate (GCRA), by its id.
        self._spent_until: dict[int, float] = {}

    async def admit(self, secret: str, needed: Scope) -> Caller:
        """Who holds the token with this secret, if they may do what needs the scope *needed*.

        Raises:
            UnknownToken: Nobody does.
            LimitReached: They ask too often.
            Forbidden: They may not.
        """
        token = None
        if self._check is not None and 0 < len(secret) <= MAX_TOKEN_CHARS:
            token = await self._check(secret)
        if token is None:
            raise UnknownToken("a valid token is needed", hint="Send the header Authorization: Bearer TOKEN.")
        self._count(token)
        caller = Caller(token)
        caller.require(needed)
        return caller

    def _count(self, token: Token) -> None:
        now = self._clock()
        spent = max(self._spent_until.get(token.id, now), now) + self._gap_s
        wait_s = spent - now - max(BURST_S, self._gap_s)
        if wait_s > 0:
            hint = "Ask less often, or raise api.requests_per_s."
            raise LimitReached("this token asks too often", hint=hint, retry_after_s=wait_s)
        self._spent_until[token.id] = spent


def needed_scope(method: str, path: str) -> Scope:
    """What a token needs for a request; what no rule here names is for administrators.

    Args:
        method: Of HTTP, in capitals.
        path: As requested, or as a route's template.
    """
    first = path.removeprefix(PREFIX).strip("/").partition("/")[0]
    if first in {"profiles", "tokens", "audit"} or path in _ACCOUNT:
        return Scope.ADMIN  # paths of cookie files, names of people
    if first in {"metadata", "spaces"} or (
        method == "POST" and path in {f"{PREFIX}/jobs", f"{PREFIX}/jobs/batch"}
    ):
        return Scope.SUBMIT  # both send the engine out into the net
    if method in _SAFE_METHODS:
        return Scope.READ
    is_control = first in {"jobs", "groups", "deliveries"} or (first == "library" and method == "PATCH")
    return Scope.CONTROL if is_control else Scope.ADMIN
