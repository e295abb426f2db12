"""What an action of the dashboard is, and on which screens there are some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tui.situation import Reason, Situation, always

BOTH = ("jobs", "detail")
ROSTERS = ("sources", "auth", "chats", "library", "log")
PAGES = (*BOTH, *ROSTERS, "deliveries")
#: Opened from the page of operations.
LISTINGS = ("duplicates", "webhooks", "tokens", "audit", "checkup")
#: Opened from another page, and closed again.
OPENED = ("settings", "operations", *LISTINGS)
EVERYWHERE = (*PAGES, *OPENED, "help")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can be done."""

    id: str
    #: Textual's names of keys; the first is shown.
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    screens: tuple[str, ...] = ("jobs",)
    reason: Reason = always
    #: Place in the footer, lowest first; None keeps it out.
    footer: int | None = None
    #: A title that depends on the situation.
    retitle: Callable[[Situation], str] | None = None

    def title_now(self, now: Situation) -> str:
        """The title in this situation."""
        return self.retitle(now) if self.retitle else self.title


def make(group: str, screens: tuple[str, ...]) -> Callable[..., Action]:
    """What makes the actions of a group; each may say otherwise what holds of it."""

    def action(name: str, keys: str, title: str, explained: str, **more: Any) -> Action:
        return Action(
            id=name,
            keys=tuple(keys.split()),
            title=title,
            help=explained,
            **{"group": group, "screens": screens} | more,
        )

    return action
