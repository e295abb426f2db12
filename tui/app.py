"""The dashboard. It looks at an engine and asks it for things; it owns no job, leaving it stops nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer

from core.domain.interface import EngineInterface
from tui.actions import NO_KEYS, OwnKeys
from tui.deck import Deck
from tui.filter import parse_filter
from tui.keymap import bindings
from tui.log_lines import LogFilter
from tui.memory import Memory, keep, recall
from tui.screens.add import AddScreen
from tui.screens.auth import AuthScreen
from tui.screens.base import DeckScreen
from tui.screens.chats import ChatsScreen
from tui.screens.dialog import Dialog
from tui.screens.jobs import JobsScreen
from tui.screens.library import LibraryScreen
from tui.screens.log import LogScreen
from tui.screens.sources import SourcesScreen
from tui.sync import BACKOFF_S
from tui.terminal import LOCAL_HZ, REMOTE_HZ, is_remote, is_terminal_gone, terminal_size
from tui.theme import DARK, LIGHT, TERMINAL, THEMES

#: A new page is one file, one line here, and in `tui.actions` its keys and the key that shows it.
PAGES: Mapping[str, Callable[[Deck], Screen[Any]]] = {
    "jobs": JobsScreen,
    "sources": SourcesScreen,
    "auth": AuthScreen,
    "chats": ChatsScreen,
    "library": LibraryScreen,
    "log": LogScreen,
}
#: The terminal is looked after this often: not every kind of loss sends SIGHUP.
TERMINAL_CHECK_S = 5.0
#: After this long without another resize the screen is painted once more.
SETTLED_S = 0.5
#: What arrives within this time is painted together.
SOON_S = 0.01


class ReeldeckApp(App[None]):
    """The dashboard of one engine. The caller closes the client, and calls `prepare_environment` first.

    Args:
        client: The engine.
        theme: `dark`, `light` or `terminal`; NO_COLOR always means the terminal's own.
        is_ascii: Draw with ASCII only.
        repaints_hz: Most repaints a second with new data; by default fewer over SSH.
        backoff_s: Waits between attempts to reach the engine.
        log_file: The engine's log on this machine; None when it keeps none.
        keys: Keys that people chose themselves.
        memory: Where theme, sort and filter are kept until the next time; None keeps nothing.
    """

    CSS_PATH = "reeldeck.tcss"
    TITLE = "reeldeck"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS = []
    DEFAULT_MODE: ClassVar[str] = "jobs"

    def __init__(
        self,
        client: EngineInterface,
        *,
        theme: str = "dark",
        is_ascii: bool = False,
        repaints_hz: float | None = None,
        backoff_s: Sequence[float] = BACKOFF_S,
        log_file: Path | None = None,
        keys: OwnKeys = NO_KEYS,
        memory: Path | None = None,
    ) -> None:
        # Without colours nothing but the terminal's own foreground on its own background is safe.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._is_remote = is_remote(os.environ)
        self._interval_s = 1 / (repaints_hz or (REMOTE_HZ if self._is_remote else LOCAL_HZ))
        self._settling: Timer | None = None
        self._last_paint = 0.0
        self._paint_due = 0.0
        self._paint_timer: Timer | None = None
        self.animation_level = "none"
        for each in THEMES:
            self.register_theme(each)
        names = {"dark": DARK, "light": LIGHT, "terminal": TERMINAL}
        self.theme = TERMINAL if self.no_color else names[theme]
        self.deck = Deck(
            client,
            ask_paint=self.ask_paint,
            is_ascii=is_ascii,
            backoff_s=backoff_s,
            log_file=log_file,
            keys=keys,
        )
        self.set_keymap(bindings(keys))
        self._memory = memory
        if memory is not None:
            self._recall(recall(memory))
        for name, page in PAGES.items():
            self.add_mode(name, lambda page=page: page(self.deck))  # type: ignore[misc] # bound now

    def _recall(self, left: Memory) -> None:
        """Be as somebody left it."""
        if left.theme and not self.no_color:
            self.theme = left.theme
        index, deck = self.deck.index, self.deck
        index.set_sort(left.sort or index.sort, is_reversed=left.is_reversed)
        index.set_view(left.view or index.view)
        index.set_filter(parse_filter(left.filter))
        deck.log_filter = LogFilter(level=left.log_level or deck.log_filter.level)

    def on_unmount(self) -> None:
        """Keep how it is left."""
        index = self.deck.index
        left = Memory(
            theme=self.theme,
            sort=index.sort,
            is_reversed=index.is_reversed,
            view=index.view,
            filter=index.filter.text,
            log_level=self.deck.log_filter.level,
        )
        if self._memory is not None:
            keep(self._memory, left)

    def on_mount(self) -> None:
        """Follow the engine, and notice when nobody can see it any more."""
        self.set_class(self._is_remote, "-remote")
        self.set_class(self.deck.is_ascii, "-ascii")
        self.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self.run_worker(self.deck.sync.run(), name="sync", group="sync", exclusive=True)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit)
            self.set_interval(TERMINAL_CHECK_S, self._check_terminal)

    def on_resize(self) -> None:
        """Paint once more when the size has settled: a multiplexer may cut what came while it resized."""
        if self._settling is not None:
            self._settling.stop()
        if not self.is_headless:
            self._settling = self.set_timer(SETTLED_S, lambda: self.refresh(layout=True))

    def on_key(self, event: events.Key) -> None:
        """Keys that nobody took. On a slow line a link may follow the `a` before its dialog is there."""
        if isinstance(self.screen, AddScreen) and event.is_printable and event.character:
            self.screen.take_early(event.character)

    def ask_paint(self) -> None:
        """Something may have changed: paint soon, but not more often than the rate allows."""
        if self.is_running:
            self._paint_in(max(0.0, self._last_paint + self._interval_s - time.monotonic()))

    def _paint_in(self, delay_s: float) -> None:
        due = time.monotonic() + delay_s
        if self._paint_timer is not None:
            if self._paint_due <= due:
                return
            self._paint_timer.stop()
        self._paint_due = due
        self._paint_timer = self.set_timer(max(delay_s, SOON_S), self._paint)

    def _paint(self) -> None:
        self._paint_timer = None
        self._last_paint = time.monotonic()
        for screen in self.screen_stack:
            if isinstance(screen, DeckScreen | Dialog) and screen.is_mounted:
                screen.paint()
        soon = self.deck.next_change_s(time.time())
        if soon is not None:
            self._paint_in(max(soon, self._interval_s))

    def _repaint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DeckScreen | Dialog):
                screen.repaint()

    def _check_terminal(self) -> None:
        if is_terminal_gone():
            self.exit()
        elif (size := terminal_size()) is not None and size != tuple(self.size):
            # In a storm of resizes the last one can get lost on its way.
            seen = Size(*size)
            self.post_message(events.Resize(seen, seen))
