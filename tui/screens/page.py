"""What all pages of the dashboard can do: change to another page, copy, ask, show their keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from core.domain.errors import ReeldeckError
from core.domain.job import JobStatus
from tui.actions import actions_of
from tui.screens.base import DeckScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.palette import PaletteScreen
from tui.screens.text import TextScreen
from tui.theme import next_theme

#: Terminals drop longer clipboard messages, some of them silently.
CLIPBOARD_BYTES = 48 * 1024


class PageScreen(DeckScreen):
    """A screen with the keys of the whole dashboard."""

    _copied = ""

    def do_show_jobs(self) -> None:
        """The list."""
        self.app.switch_mode("jobs")

    def do_show_sources(self) -> None:
        """The sites."""
        self.app.switch_mode("sources")

    def do_show_auth(self) -> None:
        """The logins."""
        self.app.switch_mode("auth")

    def do_show_chats(self) -> None:
        """The messenger's chats."""
        self.app.switch_mode("chats")

    def do_show_library(self) -> None:
        """What was fetched."""
        self.app.switch_mode("library")

    def do_show_log(self) -> None:
        """What the engine wrote down."""
        self.app.switch_mode("log")

    def do_add(self) -> None:
        """The dialog that adds links."""
        self.open_add()

    def do_theme(self) -> None:
        """The next theme."""
        if not self.app.no_color:
            self.app.theme = next_theme(self.app.theme)
            self.deck.say(f"Theme: {self.app.theme.removeprefix('reeldeck-')}")

    def do_stop_engine(self) -> None:
        """End the engine; always asked."""

        async def work() -> None:
            try:
                await self.deck.client.stop_engine()
            except ReeldeckError as error:
                self.deck.say_error(error)

        count = self.deck.sync.counts.get(JobStatus.RUNNING, 0)
        running = f"{count} running job{'s are' if count != 1 else ' is'} put back. " if count else ""
        question = f"Stop the engine? {running}Nothing is fetched or sent until it is started again."

        def act() -> None:
            self.run_worker(work(), group="command")

        self.ask(question, "stop it", 1, act)

    def do_undo(self) -> None:
        """Take the last change back."""
        act = self.deck.undo.take(time.time())
        if act is not None:
            act()

    def do_reconnect(self) -> None:
        """Do not wait."""
        self.deck.sync.hurry()

    def do_settings(self) -> None:
        """Limits and switches."""
        # A page itself: it would be imported before what it is made from.
        from tui.screens.settings import SettingsScreen  # noqa: PLC0415

        self.app.push_screen(SettingsScreen(self.deck))

    def do_operations(self, first: str = "") -> None:
        """What is done now and then; *first* is begun at once."""
        from tui.screens.operations import OperationsScreen  # noqa: PLC0415 -- as above

        self.app.push_screen(OperationsScreen(self.deck, first))

    def do_palette(self) -> None:
        """Everything that can be done, by its name."""

        def chosen(action_id: str | None) -> None:
            if action_id is None:
                return
            if any(action.id == action_id for action in actions_of(self.PAGE)):
                self.call_later(self.action_act, action_id)
            else:
                self.do_operations(action_id)

        self.app.push_screen(PaletteScreen(self.deck, self.PAGE, self.situation()), chosen)

    def do_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.deck, self.PAGE, self.situation()))

    def do_leave(self) -> None:
        """The engine works on."""
        self.app.exit()

    def show_jobs_that(self, wanted: str) -> None:
        """Go to the list, narrowed by a filter text."""
        self.deck.narrow(wanted)
        self.app.switch_mode("jobs")
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def ask(self, question: str, verb: str, count: int, act: Callable[[], None]) -> None:
        """Call *act* once somebody has said yes to *question*."""

        def answered(is_yes: object) -> None:
            if is_yes:
                act()

        self.app.push_screen(
            ConfirmScreen(question, verb, count=count, is_ascii=self.deck.is_ascii), answered
        )

    def copy(self, texts: Sequence[str], what: str, action_id: str) -> None:
        """Send *texts* to the terminal's clipboard; when the action asks again, show them instead."""
        # What is pasted into a shell must not press Enter there, nor anything else.
        text = "\n".join("".join(filter(str.isprintable, text)) for text in texts)
        if text == self._copied or len(text.encode()) > CLIPBOARD_BYTES:
            self._copied = ""
            self.app.push_screen(TextScreen(self.deck, text, f"The {what}, to be copied by hand"))
            return
        self._copied = text
        self.app.copy_to_clipboard(text)
        self.deck.say(f"Sent the {what} to the clipboard · {self.key(action_id)} again shows it")
