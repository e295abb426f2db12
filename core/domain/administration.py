"""The part of the engine's interface that is its owner's: tokens, the record of changes, limits, figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from core.domain.history import DayFigures
from core.domain.limit import RunningLimit
from core.domain.snapshot import Page
from core.domain.token import AuditEntry, IssuedToken, Scope, Token


class Administration(Protocol):
    """What an owner asks of the engine. Errors are those of `core.domain.interface`."""

    async def tokens(self) -> Sequence[Token]:
        """The bearer tokens of the HTTP API, revoked ones too."""
        ...

    async def create_token(self, name: str, scopes: Collection[Scope]) -> IssuedToken:
        """Make a bearer token; its secret is told this once."""
        ...

    async def revoke_token(self, token_id: int) -> Token:
        """End a bearer token at once."""
        ...

    async def audit(self, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """A page of what was changed from outside, newest first."""
        ...

    async def history(self, *, days: int = 30) -> Sequence[DayFigures]:
        """What ended on each of the last *days* on which something did, by source, the oldest first."""
        ...

    async def limits(self) -> Sequence[RunningLimit]:
        """The limits that can be changed while the engine runs."""
        ...

    async def set_limit(self, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on, also in later runs; None: the configured one.

        Raises InvalidRequest for a limit that does not exist, and beyond its range.
        """
        ...

    async def set_maintenance(self, *, is_on: bool) -> None:
        """Take nothing new, or take it again; what runs and waits goes on."""
        ...
