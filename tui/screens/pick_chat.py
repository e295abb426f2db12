"""The dialog that finds a chat of the account."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.domain.chat import ChatMode, ChatRules
from core.domain.errors import ReeldeckError
from tui.chats import choice_row, key_of, matching
from tui.deck import Deck
from tui.deliveries import chat_names
from tui.present import Line, clip
from tui.previews import refusal_lines
from tui.screens.picking import PickingScreen
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster
from tui.widgets.safe_input import SafeInput


class PickChatScreen(PickingScreen):
    """Answers with the chat or topic that was chosen, with its rules if it has some, or None.

    Args:
        deck: What all screens share.
        title: What a chat is looked for to do.
        verb: What Enter does.
    """

    def __init__(self, deck: Deck, *, title: str = "Watch a chat", verb: str = "watch it") -> None:
        super().__init__(Roster(id="pick-chat-list", is_ascii=deck.is_ascii))
        self._title, self._verb = title, verb
        self._deck = deck
        #: None until the engine has answered.
        self._known: Sequence[ChatRules] | ReeldeckError | None = None
        self._shown: Sequence[ChatRules] = ()
        self._top = LineBar(id="pick-chat-title", is_ascii=deck.is_ascii)
        self._input = SafeInput(id="pick-chat-input", placeholder="part of its name, or its number")
        self._keys = LineBar(id="pick-chat-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """A line to type in, the chats that fit."""
        with Vertical(id="pick-chat", classes="box"):
            yield self._top
            yield self._input
            yield self.roster
            yield self._keys

    def on_mount(self) -> None:
        """The account may have thousands: the messenger is asked, which takes a while."""
        self.roster.can_focus = False
        keys: Line = (
            ("Enter", "key"), (f" {self._verb}   ", "label"), ("↑ ↓", "key"), (" choose   ", "label"),
            ("Esc", "key"), (" close", "label"),
        )  # fmt: skip
        self._keys.show([keys])
        self._input.focus()
        self.run_worker(self._load(), group="load")

    async def _load(self) -> None:
        try:
            self._known = self._deck.dialogs = await self._deck.client.known_chats()
        except ReeldeckError as error:
            self._known = error
        self.paint()

    def paint_rows(self, width: int) -> None:
        """The chats that fit what was typed."""
        # As high as all of them: it does not jump while somebody types.
        self.make_room_for(
            self.MOST_LINES if isinstance(self._known, ReeldeckError) else len(self._known or ())
        )
        found = ""
        placeholder: list[Line] = []
        rules = {key_of(chat): chat for chat in self._deck.sync.chats.rules} if self._deck.sync.chats else {}
        watched = {key for key, chat in rules.items() if chat.mode is not ChatMode.OFF}
        if self._known is None:
            placeholder = [(("Asking Telegram …", "dim"),)]
        elif isinstance(self._known, ReeldeckError):
            placeholder = refusal_lines(self._known, width - 1, 8)
        else:
            names = chat_names(self._known)
            chats = matching(self._known, names, self._input.value)
            self._shown = [rules.get(key_of(chat)) or chat for chat in chats]
            found = f"{len(chats)} of {len(self._known)} "
            placeholder = [(("No chat has all of this in its name" if self._known else "No chats", "dim"),)]
            rows = [
                (key_of(chat), choice_row(chat, names, width, is_watched=key_of(chat) in watched))
                for chat in chats
            ]
            self.roster.show_rows(rows)
        self._top.show([clip(((f"{self._title}   ", "strong"), (found, "dim")), width)])
        self.roster.show_placeholder(placeholder)

    def on_input_changed(self) -> None:
        """Each letter narrows it down; the first that fits is chosen."""
        self.roster.move_to(0)
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The chat under the cursor."""
        event.stop()
        self.choose()

    def choose(self) -> None:
        """The chat, with its rules if it has some."""
        chosen = next((chat for chat in self._shown if key_of(chat) == self.roster.key), None)
        if chosen is not None:
            self.dismiss(chosen)
