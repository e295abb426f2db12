"""The files of one chat: where each is on its way back, and what to do about those that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery
from core.domain.text import for_terminal
from tui.actions import bindings_of
from tui.chats import key_of
from tui.deck import Deck
from tui.deliveries import delivery_detail, delivery_heads, delivery_row
from tui.outbox import About
from tui.present import SEPARATOR, Line
from tui.screens.detail import DetailScreen
from tui.screens.roster import RosterScreen
from tui.screens.sending import SendingScreen, unsent
from tui.situation import Situation
from tui.widgets.roster import Row


class DeliveriesScreen(SendingScreen, RosterScreen):
    """Shows the deliveries of a chat, or of a topic of one, the newest first.

    Args:
        deck: What all screens share.
        chat: Whose.
    """

    PAGE = "deliveries"
    TAB = "chats"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck, chat: ChatRules) -> None:
        super().__init__(deck)
        self._chat = chat
        self._about = About(chat_id=chat.chat_id)

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """As the engine last told of them."""
        topic_id = self._chat.topic_id
        return [each for each in self.look(self._about) if topic_id in {0, each.topic_id}]

    def headline(self) -> Line:
        """Whose they are, and how many failed."""
        found = self.deliveries
        failed = len(unsent(found))
        name = for_terminal(self.deck.chat_names(self._chat)(*key_of(self._chat)))
        line: Line = ((f" Files of {name}", "strong"), (f"  {len(found)}", "dim"))
        return (*line, (f"  {SEPARATOR}  ", "dim"), (f"{failed} not sent", "bad")) if failed else line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return delivery_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:
        """One for each delivery."""
        jobs = self.deck.index.known
        return [(each.id, delivery_row(each, jobs.get(each.job_id), now, width)) for each in self.deliveries]

    def detail(self, width: int, now: float) -> list[Line]:
        """The delivery under the cursor."""
        chosen = self._chosen()
        if chosen is None:
            return []
        where = self.deck.chat_names()(chosen.chat_id, chosen.topic_id)
        return delivery_detail(chosen, self.deck.index.known.get(chosen.job_id), where, now, width)

    def placeholder(self) -> Sequence[Line]:
        """None yet, or not yet told."""
        if not self.deck.outbox.is_loaded(self._about):
            return [(("Loading files …", "dim"),)]
        return [
            (("No files yet", "strong"),),
            (),
            (("What is asked for in this chat, and sent back, is listed here.", "dim"),),
        ]

    def situation(self) -> Situation:
        """Actions are for the delivery under the cursor."""
        chosen = self._chosen()
        return replace(super().situation(), unsent=len(unsent([chosen] if chosen else [])))

    def _chosen(self) -> Delivery | None:
        return next((each for each in self.deliveries if each.id == self.roster.key), None)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_open_job()

    # Actions

    def do_send_again(self) -> None:
        """The one under the cursor."""
        if chosen := self._chosen():
            self.send_again([chosen])

    def do_open_job(self) -> None:
        """Everything about its job."""
        chosen = self._chosen()
        if chosen is None:
            self.deck.say("There is no file yet", "warn")
        elif chosen.job_id in self.deck.index.known:
            self.app.push_screen(DetailScreen(self.deck, chosen.job_id))
        else:
            self.deck.say(f"Job {chosen.job_id} is no more", "warn")

    def do_back(self) -> None:
        """From the detail to the list, from the list to the chats."""
        if self.pane.has_focus:
            self.roster.focus()
        else:
            self.dismiss()

    def do_close(self) -> None:
        """Back to the chats."""
        self.dismiss()
