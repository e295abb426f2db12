"""The page of operations: what is done now and then, each with what it does, and its page or dialog."""

from __future__ import annotations

from collections.abc import Sequence

from tui.action import Action
from tui.actions import actions_of, bindings_of, key_name
from tui.deck import Deck
from tui.paragraphs import blank, paragraph
from tui.present import ARROW, Line, fit, pad
from tui.screens.operating import OperatingScreen
from tui.screens.roster import RosterScreen
from tui.widgets.roster import Row

_ABOUT = {
    "collect": "Films, music, voice notes and documents of a Telegram chat. It is counted first; what is"
    " a job already is left out. One that was ended early goes on where it was.",
    "import_folder": "Files that were there before Reeldeck, known by their content. They stay as and where"
    " they are, unless you want them in the archive.",
    "duplicates": "Files of the library with the very same bytes. Before one is deleted, the one that stays"
    " is read.",
    "clear": "Completed, failed and cancelled jobs leave the list. Files and the library stay.",
    "backup": "One moment of the database and the configuration, in a tar file, while jobs go on. To put one"
    " back the engine must be stopped: reeldeck restore FILE.",
    "checkup": "What reeldeck doctor sees: ffmpeg, disk, clock, database, logins, Telegram, the age of"
    " yt-dlp, each with what to do.",
    "webhooks": "Other programs that are told when jobs end: what waits for each, a test, a try at once.",
    "tokens": "Who may ask over TCP, and for what. One is told once, when it is made, and can be ended at"
    " once.",
    "audit": "Every change, by whichever door: who, what, when. Links, titles and secrets are not in it.",
}
_KEY_CELLS, _TITLE_CELLS = 5, 16


class OperationsScreen(OperatingScreen, RosterScreen):
    """Lists what can be done, made from the list of actions.

    Args:
        deck: What all screens share.
        first: The id of an action that is begun at once.
    """

    PAGE = "operations"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck, first: str = "") -> None:
        super().__init__(deck)
        self._first = first

    def on_mount(self) -> None:
        """Begin what was asked for."""
        if self._first:
            self.call_after_refresh(self.action_act, self._first)

    @property
    def operations(self) -> Sequence[Action]:
        """In the order of the list of actions."""
        return [action for action in actions_of(self.PAGE, self.deck.keys) if action.id in _ABOUT]

    def headline(self) -> Line:
        """What this is."""
        return ((" Operations", "strong"), ("  what is done now and then", "dim"))

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        text = f"{'KEY':<{_KEY_CELLS}} {'OPERATION':<{_TITLE_CELLS}} WHAT IT DOES"
        return pad(((text, "head"),), width)

    def rows(self, width: int, now: float) -> list[Row]:  # noqa: ARG002 -- actions do not age
        """One for each; dim where it cannot be done now."""
        found: list[Row] = []
        for action in self.operations:
            is_off = bool(action.reason(self.situation()))
            line: Line = (
                (f"{fit(key_name(action.keys[0]), _KEY_CELLS)} ", "key.off" if is_off else "key"),
                (f"{fit(action.title, _TITLE_CELLS)} ", "dim" if is_off else "strong"),
                (action.help, "faint" if is_off else "text"),
            )
            found.append((action.id, pad(line, width)))
        return found

    def detail(self, width: int, now: float) -> list[Line]:  # noqa: ARG002 -- as above
        """All about the one under the cursor, and why it cannot be done now."""
        chosen = next((action for action in self.operations if action.id == self.roster.key), None)
        if chosen is None:
            return []
        reason = chosen.reason(self.situation())
        lines = [*paragraph(chosen.title, "strong", width), *paragraph(_ABOUT[chosen.id], "text", width)]
        if reason:
            return [*lines, blank(width), *paragraph(f"Not now: {reason}", "warn", width)]
        return [
            *lines,
            blank(width),
            *paragraph(f"{self.key('run')} opens it.", "dim", width, first=f"{ARROW} "),
        ]

    def placeholder(self) -> Sequence[Line]:
        """There are always some."""
        return ()

    async def on_roster_opened(self) -> None:
        """A double click."""
        await self.do_run()

    async def do_run(self) -> None:
        """What is under the cursor."""
        if self.roster.key is not None:
            await self.action_act(str(self.roster.key))

    def do_back(self) -> None:
        """From the detail to the list, from the list to where it was opened."""
        if self.pane.has_focus:
            self.roster.focus()
        else:
            self.dismiss()

    def do_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss()
