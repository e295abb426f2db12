"""Who may ask over TCP and for what, and the record of what was changed from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.domain.job import from_iso, iso


class Scope(StrEnum):
    """What a token opens; `docs/api.md` lists the addresses."""

    READ = "read"
    """See jobs, groups, events, files, status and metrics."""
    SUBMIT = "submit"
    """Ask for links, and what is behind them."""
    CONTROL = "control"
    """Pause, resume, cancel, retry, order and delete jobs."""
    ADMIN = "admin"
    """All of this, and see logins, tokens and the record of changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token as everybody sees it; its secret is known to its holder alone. Times as in `Job`."""

    id: int
    name: str
    scopes: frozenset[Scope]
    created: float
    #: To the minute.
    last_used: float | None = None
    revoked: float | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether its holder may do what needs *scope*."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def to_json(self) -> dict[str, Any]:
        """The shape that the API and `--json` share."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "created": iso(self.created),
            "last_used": iso(self.last_used),
            "revoked": iso(self.revoked),
        }


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and its secret, which nobody can ask for again."""

    token: Token
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Something that was changed from outside.

    Attributes:
        id: 0 before it is stored.
        actor: `socket`, or `token:` and its name.
        action: Method and path of the request, with `{id}` in place of numbers.
        target: Path of the request as it was.
        data: `jobs`, the ids of those that it made, where it made some. Never links, titles or secrets.
        created: When it was done, seconds since the epoch, UTC.
    """

    actor: str
    action: str
    target: str
    data: Mapping[str, Any]
    created: float
    id: int = 0

    def to_json(self) -> dict[str, Any]:
        """The shape that the API and `--json` share."""
        return {
            "id": self.id,
            "actor": self.actor,
            "action": self.action,
            "target": self.target,
            "data": dict(self.data),
            "created": iso(self.created),
        }


def token_from_json(data: Mapping[str, Any]) -> Token:
    """Rebuild a token from `Token.to_json` output.

    Raises:
        KeyError: A column is missing.
        ValueError: A value is not of its kind.
    """
    return Token(
        id=data["id"],
        name=data["name"],
        scopes=frozenset(Scope(each) for each in data["scopes"]),
        created=_moment(data["created"]),
        last_used=from_iso(data["last_used"]),
        revoked=from_iso(data["revoked"]),
    )


def audit_entry_from_json(data: Mapping[str, Any]) -> AuditEntry:
    """Rebuild an entry from `AuditEntry.to_json` output. Raises as `token_from_json`."""
    return AuditEntry(
        id=data["id"],
        actor=data["actor"],
        action=data["action"],
        target=data["target"],
        data=data["data"],
        created=_moment(data["created"]),
    )


def _moment(text: str) -> float:
    moment = from_iso(text)
    if moment is None:
        raise ValueError("a time is missing")
    return moment
