"""What the owner does from outside the engine's process: tokens, the record of changes, limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from core.client import wire
from core.client.asking import Asks
from core.domain.history import DayFigures
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

    async def debug_job(self: Asks, job_id: int, *, is_on: bool) -> None:
        """Write down everything about a job until it ends, or no longer."""
        await self._ask("PUT", f"/jobs/{job_id}/debug", body={"on": is_on})

    async def history(self: Asks, *, days: int = 30) -> Sequence[DayFigures]:
        """What ended on each of the last days, by source."""
        data = await self._ask("GET", "/history", parameters={"days": days})
        return [wire.day_figures(each) for each in data["items"]]

    async def webhooks(self: Asks) -> Sequence[Mapping[str, Any]]:
        """The receivers of webhooks, and what waits for each."""
        rows: Sequence[Mapping[str, Any]] = (await self._ask("GET", "/webhooks"))["items"]
        return rows

    async def send_webhooks(self: Asks, receiver: str) -> Mapping[str, Any]:
        """Try at once what waits for a receiver; its row before that."""
        return await self._ask("POST", f"/webhooks/{quote(receiver, safe='')}/send")

    async def test_webhook(self: Asks, receiver: str) -> Mapping[str, Any]:
        """Send a receiver a message that says it is a test; its row once that was taken."""
        return await self._ask("POST", f"/webhooks/{quote(receiver, safe='')}/test")

    async def limits(self: Asks) -> Sequence[RunningLimit]:
        """The limits that can be changed while the engine runs."""
        return [wire.limit(each) for each in (await self._ask("GET", "/limits"))["items"]]

    async def set_limit(self: Asks, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on; None: the configured one."""
        return wire.limit(await self._ask("PUT", f"/limits/{name}", body={"value": value}))
