"""One line about the engine on every page, while it is lost or something is amiss with it."""

from __future__ import annotations

from tui import chrome
from tui.actions import actions_of, keys_on
from tui.amiss import amiss
from tui.deck import Deck
from tui.present import Line
from tui.sync import Link
from tui.widgets.lines import LineBar


class Banner(LineBar):
    """Hidden while all is well.

    Args:
        deck: Knows how the engine is.
    """

    def __init__(self, deck: Deck) -> None:
        super().__init__(id="banner", is_ascii=deck.is_ascii)
        self._deck = deck
        self.display = False

    def paint(self, page: str, now: float, width: int) -> None:
        """Show what is amiss, in *width* cells; the key to look for the engine is named where it works."""
        told = self._told(page, now, width)
        self.display = bool(told)
        self.show([told])

    def _told(self, page: str, now: float, width: int) -> Line:
        sync, keys = self._deck.sync, self._deck.keys
        if sync.connection.link is Link.LIVE:
            return amiss(sync.status, sync.status_at, width)
        if sync.connection.link is not Link.LOST:
            return ()
        has_key = any(action.id == "reconnect" for action in actions_of(page))
        return chrome.banner(sync.connection, now, width, keys_on(page, keys) if has_key else None)
