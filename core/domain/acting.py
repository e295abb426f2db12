"""On whose behalf something is done: known to all that is awaited on the way to the store."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field

from core.domain.token import AuditEntry


@dataclass(slots=True)
class Acting:
    """A request that changes something. What the store changes for it is written down with that change."""

    entry: AuditEntry
    #: Tells its line of the record from all others.
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    #: Whether that line is there.
    is_written: bool = False
    #: It was answered: tasks that it has left behind act for nobody.
    is_over: bool = False


ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)
