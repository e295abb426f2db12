"""The dashboard. It looks at an engine and asks it for things; it owns no job, leaving it stops nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, ClassVar

from textual import events
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
from tui.multiplexer import is_hidden
from tui.screens.base import DeckScreen
from tui.screens.dialog import Dialog
from tui.sync import BACKOFF_S
from tui.terminal import (
    LOCAL_HZ,
    REMOTE_HZ,
    UNFOCUSED_HZ,
    is_remote,
    is_terminal_gone,
    terminal_size,
)
from tui.theme import DARK, LIGHT, TERMINAL, THEMES
from tui.thrift import ThriftyApp

#: A new page is one file, one line here, and in `tui.actions` its keys and the key that shows it. They are
#: imported once the first one stands on the screen, which is there the sooner.
PAGES: Mapping[str, str] = {
    "jobs": "tui.screens.jobs:JobsScreen",
    "sources": "tui.screens.sources:SourcesScreen",
    "auth": "tui.screens.auth:AuthScreen",
    "chats": "tui.screens.chats:ChatsScreen",
    "library": "tui.screens.library:LibraryScreen",
    "log": "tui.screens.log:LogScreen",
}
#: When nobody has asked for the other pages until then, they are made ready to be shown.
PREPARE_S = 1.0
#: The terminal is looked after this often: not every kind of loss sends SIGHUP.
TERMINAL_CHECK_S = 5.0
#: So seldom is painted what nobody can see, which costs its line nothing: what captures a pane, to look at it
#: later or elsewhere, is to find it as it is.
HIDDEN_S = 1.0
#: A screen that nobody could see is painted as usual within this time once somebody can.
HIDDEN_CHECK_S = 2.0
#: After this long without another resize the screen is painted once more.
SETTLED_S = 0.5
#: The first screen waits so long for the list: on a slow line an empty one would delay it by its own bytes.
FIRST_S = 0.3
#: What arrives within this time is painted together.
SOON_S = 0.01


class ReeldeckApp(ThriftyApp):
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
        self._is_hidden = False
        self._was_painted = False  # since it was last asked whether anybody can see it
        self._has_begun = False  # something is there that is worth a first screen
        self._paint_due = 0.0
        self._paint_timer: asyncio.TimerHandle | None = None
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
            self.add_mode(name, lambda page=page: resolve_name(page)(self.deck))  # type: ignore[misc] # bound now

    def _recall(self, left: Memory) -> None:
        """Be as somebody left it."""
        if left.theme and not self.no_color:
            self.theme = left.theme
        index, deck = self.deck.index, self.deck
        index.set_sort(left.sort or index.sort, is_reversed=left.is_reversed)
        index.set_view(left.view or index.view)
        index.set_filter(parse_filter(left.filter))
        deck.columns = left.columns
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
            columns=None if self.deck.columns is None else tuple(self.deck.columns),
        )
        if self._memory is not None:
            keep(self._memory, left)

    def on_mount(self) -> None:
        """Follow the engine, and notice when nobody can see it any more."""
        self.set_class(self._is_remote, "-remote")
        self.set_class(self.deck.is_ascii, "-ascii")
        self.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self.run_worker(self.deck.sync.run(), name="sync", group="sync", exclusive=True)
        self.set_timer(PREPARE_S, self._prepare)
        self.set_timer(FIRST_S, self._begin)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit)
            self.set_interval(TERMINAL_CHECK_S, self._check_terminal)

    def has_room(self) -> bool:
        """Nothing is sent before there is something to see."""
        return (self._has_begun or self.is_headless) and super().has_room()

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self.on_room()

    async def _prepare(self) -> None:
        for page in PAGES.values():
            resolve_name(page)
            await asyncio.sleep(0)  # keys come first

    def on_resize(self) -> None:
        """Paint once more when the size has settled: a multiplexer may cut what came while it resized."""
        if self._settling is not None:
            self._settling.stop()
        if self._has_begun and not self.is_headless:
            self._settling = self.set_timer(SETTLED_S, lambda: self.refresh(layout=True))

    def on_key(self, event: events.Key) -> None:
        """Keys that nobody took. On a slow line a link may follow the `a` before its dialog is there."""
        if isinstance(self.screen, Dialog) and event.is_printable and event.character:
            self.screen.take_early(event.character)

    def ask_paint(self) -> None:
        """Something may have changed: paint soon, but not more often than the rate allows."""
        if self.is_running:
            self._paint_in(max(0.0, self._last_paint + self._gap_s - time.monotonic()))

    @property
    def _gap_s(self) -> float:
        """Seconds between two repaints."""
        if self._is_hidden:
            return HIDDEN_S
        return self._interval_s if self.app_focus else max(self._interval_s, 1 / UNFOCUSED_HZ)

    def _paint_in(self, delay_s: float) -> None:
        due = time.monotonic() + delay_s
        if self._paint_timer is not None:
            if self._paint_due <= due:
                return
            self._paint_timer.cancel()
        self._paint_due = due
        # Textual's timers are tasks, which cost more than some repaints.
        loop = asyncio.get_running_loop()
        self._paint_timer = loop.call_later(max(delay_s, SOON_S), self.call_later, self._paint)

    def _paint(self) -> None:
        self._paint_timer = None
        self._was_painted = True
        if self._has_begun:
            self._last_paint = time.monotonic()
        elif self.deck.index.known or self.deck.sync.is_loaded:
            self._begin()
        for screen in self._seen_screens():
            if isinstance(screen, DeckScreen | Dialog) and screen.is_mounted:
                screen.paint()
        soon = self.deck.next_change_s(time.time())
        if soon is not None:
            self._paint_in(max(soon, self._gap_s))

    def _seen_screens(self) -> Sequence[Screen[Any]]:
        """Dialogs and the page below them. What a page covers is painted when it is back: until then Textual
        would send the covering one's cells again wherever the covered one has changed.
        """
        stack = self.screen_stack
        pages = [number for number, screen in enumerate(stack) if isinstance(screen, DeckScreen)]
        return stack[pages[-1] :] if pages else stack

    def _repaint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DeckScreen | Dialog):
                screen.repaint()

    def on_app_focus(self) -> None:
        """Somebody types here again: show what there is."""
        self.ask_paint()

    async def _check_hidden(self) -> None:
        was_hidden, self._is_hidden = self._is_hidden, await is_hidden(os.environ)
        if self._is_hidden:
            self.set_timer(HIDDEN_CHECK_S, self._check_hidden)
        elif was_hidden:
            self.ask_paint()

    def _check_terminal(self) -> None:
        if self._was_painted and not self._is_hidden:
            self._was_painted = False
            # Called once it runs: whoever leaves before that leaves no coroutine behind.
            self.run_worker(self._check_hidden, group="hidden", exclusive=True)  # type: ignore[arg-type] # its type has no None
        if is_terminal_gone():
            self.exit()
        elif (size := terminal_size()) is not None and size != tuple(self.size):
            # In a storm of resizes the last one can get lost on its way.
            seen = Size(*size)
            self.post_message(events.Resize(seen, seen))
