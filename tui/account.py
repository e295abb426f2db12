"""The messenger's account as text: whether it is there, how long it waits, what its owner does. Pure.

An engine tells of it in a mapping; what an older one leaves out is left blank here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from core.domain.figures import span_text
from core.domain.job import from_iso
from core.domain.text import for_terminal
from tui.present import DOT, HOLLOW, Line, Span

OFF = "off"
LOGIN = "reeldeck telegram login"
#: States that nobody but the owner ends.
_NEEDS_OWNER = frozenset({"login_needed", "failed"})
_STYLES = {"online": "good", "waiting": "warn", "login_needed": "bad", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Account:
    """How the engine stands to Telegram."""

    state: str
    #: The name of whom it is logged in as. Text of strangers, as is `detail`.
    name: str = ""
    #: Telegram wants nothing to be asked before, in seconds since the epoch.
    wait_until: float | None = None
    detail: str = ""

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Self:
        """What the engine's status says of it."""
        told = status.get("telegram") or {}
        return cls(
            state=str(told.get("state") or OFF),
            name=str(told.get("account") or ""),
            wait_until=_moment(told.get("wait_until")),
            detail=str(told.get("detail") or ""),
        )

    @property
    def is_on(self) -> bool:
        """The engine is to use Telegram."""
        return self.state != OFF

    @property
    def needs_owner(self) -> bool:
        """Only a person can mend it."""
        return self.state in _NEEDS_OWNER

    def wait_s(self, now: float) -> float | None:
        """How long it is yet to wait, None when it does not."""
        return self.wait_until - now if self.wait_until is not None and self.wait_until > now else None

    def words(self, now: float) -> str:
        """Its state in a few words; empty when it is off. Not yet safe to print."""
        match self.state:
            case "off":
                return ""
            case "online":
                online = f"online as {self.name}" if self.name else "online"
                left_s = self.wait_s(now)
                # Telegram limits what it sends beside, for instance after too many messages.
                return online if left_s is None else f"{online}, limited {span_text(left_s)}"
            case "waiting":
                return f"waiting {span_text(self.wait_s(now))}".rstrip()
            case "login_needed":
                return "login needed"
            case state:
                return state.replace("_", " ")

    def next_step(self) -> str:
        """What its owner does about it, in a sentence; empty when nothing is to be done."""
        match self.state:
            case "login_needed":
                return f"Log in again: {LOGIN}"
            case "failed":
                return "It is tried again by itself. What went wrong: reeldeck logs"
            case _:
                return ""


def header_variants(account: Account, now: float) -> Iterator[Line]:
    """What the header says of it, the longest first; nothing while it is off."""
    if not account.is_on:
        return
    style = _STYLES.get(account.state, "dim")
    words = for_terminal(account.words(now), cells=40)
    sign: Span = (f"   {DOT if account.state == 'online' else HOLLOW} ", style)
    if account.state == "login_needed":
        yield (sign, (f"telegram {words}: ", "text"), (LOGIN, "accent"))
    yield (sign, (f"telegram {words}", "text"))
    yield (sign, (f"telegram {for_terminal(account.state.replace('_', ' '), cells=12)}", "text"))


def account_span(account: Account, now: float) -> Span:
    """One phrase for a page's top line, and its style."""
    if not account.is_on:
        return "telegram is off", "dim"
    more = f": {account.detail}" if account.needs_owner and account.detail else ""
    return for_terminal(f"telegram {account.words(now)}{more}"), _STYLES.get(account.state, "dim")


def _moment(value: Any) -> float | None:
    try:
        return from_iso(value) if isinstance(value, str) else None if value is None else float(value)
    except (TypeError, ValueError):
        return None
