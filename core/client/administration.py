"""What the owner does from outside the engine's process: tokens, the record of changes, limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.client import wire
from core.client.asking import Asks
from core.domain.limit import RunningLimit
from core.domain.snapshot import Page
from core.domain.token import AuditEntry, IssuedToken, Scope, Token


class AdministrationClient:
    """The part of `HttpEngineClient` that is the owner's."""

    async def tokens(self: Asks) -> Sequence[Token]:
        """The bearer tokens of the HTTP API, revoked ones too."""
        return [wire.token(each) for each in (await self._ask("GET", "/tokens"))["items"]]

    async def create_token(self: Asks, name: str, scopes: Collection[Scope]) -> IssuedToken:
        """Make a bearer token; its secret is told this once."""
        data = await self._ask("POST", "/tokens", body={"name": name, "scopes": sorted(scopes)})
        return IssuedToken(wire.token(data), str(data["secret"]))

    async def revoke_token(self: Asks, token_id: int) -> Token:
        """End a bearer token at once."""
        return wire.token(await self._ask("DELETE", f"/tokens/{token_id}"))

    async def audit(self: Asks, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """A page of what was changed from outside, newest first."""
        data = await self._ask("GET", "/audit", parameters={"limit": limit, "after": after})
        return Page([wire.audit_entry(each) for each in data["items"]], data["next"])

    async def limits(self: Asks) -> Sequence[RunningLimit]:
        """The limits that can be changed while the engine runs."""
        return [wire.limit(each) for each in (await self._ask("GET", "/limits"))["items"]]

    async def set_limit(self: Asks, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on; None: the configured one."""
        return wire.limit(await self._ask("PUT", f"/limits/{name}", body={"value": value}))
