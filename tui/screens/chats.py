"""The page of chats: which are watched, by which rules, and what is on its way back to them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from core.domain.chat import ChatMode, ChatRules
from core.domain.delivery import Delivery
from core.domain.errors import ReeldeckError
from core.domain.messenger import Chats
from tui.account import account_span
from tui.actions import bindings_of
from tui.chats import (
    chat_detail,
    chat_heads,
    chat_row,
    in_order,
    key_of,
    no_chats,
    with_rules,
    without_rules,
)
from tui.deck import Deck
from tui.outbox import About
from tui.paragraphs import paragraph
from tui.present import ARROW, SEPARATOR, Line
from tui.screens.chat_rules import ChatRulesScreen
from tui.screens.deliveries import DeliveriesScreen
from tui.screens.operating import OperatingScreen
from tui.screens.pick_chat import PickChatScreen
from tui.screens.roster import RosterScreen
from tui.screens.sending import SendingScreen, unsent
from tui.situation import Situation
from tui.widgets.roster import Row


class ChatsScreen(OperatingScreen, SendingScreen, RosterScreen):
    """Shows the watched chats; adds them, changes their rules, forgets them.

    Args:
        deck: What all screens share.
    """

    PAGE = "chats"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._ordered: Sequence[ChatRules] = ()
        self._ordered_of: Chats | None = None

    @property
    def chats(self) -> Sequence[ChatRules]:
        """By title, topics after their chats."""
        known = self.deck.sync.chats
        if known is not self._ordered_of:
            self._ordered_of, self._ordered = known, in_order(known.rules) if known else []
        return self._ordered

    def headline(self) -> Line:
        """How many there are, what waits, and how the account is: first of all what its owner must do."""
        deck, gap = self.deck, (f"  {SEPARATOR}  ", "dim")
        account = account_span(deck.account, time.time())
        line: Line = ((" Chats", "strong"), (f"  {len(self.chats)}", "dim"))
        if deck.account.needs_owner:
            return (*line, gap, account, (f"  {ARROW} {deck.account.next_step()}", "text"))
        watched = sum(chat.mode is not ChatMode.OFF for chat in self.chats)
        waits = sum(deck.sync.chats.backlog.values()) if deck.sync.chats else 0
        if watched != len(self.chats):
            line = (*line, gap, (f"{watched} watched", "dim"))
        if waits:
            line = (*line, gap, (f"{waits} to be sent", "warn"))
        return (*line, gap, account)

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return chat_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:  # noqa: ARG002 -- rules do not age
        """One for each chat and topic with rules."""
        names, whole = self.deck.chat_names(), {chat.chat_id for chat in self.chats if not chat.topic_id}
        return [
            (
                key_of(chat),
                chat_row(
                    chat,
                    names,
                    self._backlog(chat),
                    width,
                    is_below=bool(chat.topic_id) and chat.chat_id in whole,
                ),
            )
            for chat in self.chats
        ]

    def detail(self, width: int, now: float) -> list[Line]:
        """The chat under the cursor, and its newest files."""
        chat = self._chosen()
        if chat is None:
            step = self.deck.account.next_step()
            return paragraph(step, "text", width, first=f"{ARROW} ") if step else []
        return chat_detail(
            chat,
            self.deck.chat_names(),
            self._backlog(chat),
            self._deliveries(),
            self.deck.index.known,
            now,
            width,
            self.key,
        )

    def placeholder(self) -> Sequence[Line]:
        """How to begin."""
        deck = self.deck
        is_loaded = deck.sync.chats is not None
        return no_chats(deck.account, is_loaded=is_loaded, is_lost=deck.is_lost, key=self.key)

    def situation(self) -> Situation:
        """What there is to send again as well."""
        return replace(super().situation(), unsent=len(unsent(self._deliveries())))

    def _chosen(self) -> ChatRules | None:
        return next((chat for chat in self.chats if key_of(chat) == self.roster.key), None)

    def _backlog(self, chat: ChatRules) -> int:
        """Unsent files are counted by chat: its topics show none of their own."""
        known = self.deck.sync.chats
        return known.backlog.get(chat.chat_id, 0) if known and not chat.topic_id else 0

    def _deliveries(self) -> Sequence[Delivery]:
        chat = self._chosen()
        if chat is None:
            return ()
        found = self.look(About(chat_id=chat.chat_id))
        return [each for each in found if chat.topic_id in {0, each.topic_id}]

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_deliveries()

    # Actions

    def do_add_chat(self) -> None:
        """Choose one, then its rules."""

        def picked(chat: ChatRules | None) -> None:
            if chat is not None:
                self._edit(chat if chat.mode is not ChatMode.OFF else replace(chat, mode=ChatMode.AUTO))

        self.app.push_screen(PickChatScreen(self.deck), picked)

    def do_edit_chat(self) -> None:
        """Other rules for the chat under the cursor."""
        if chat := self._chosen():
            self._edit(chat)

    def _edit(self, chat: ChatRules) -> None:
        self.app.push_screen(ChatRulesScreen(self.deck, chat), self._take)

    def do_watch(self) -> None:
        """From off to auto, from anything else to off."""
        chat = self._chosen()
        if chat is None:
            return
        mode = ChatMode.AUTO if chat.mode is ChatMode.OFF else ChatMode.OFF

        async def work() -> None:
            try:
                self._take(await self.deck.client.set_chat(replace(chat, mode=mode)))
            except ReeldeckError as error:
                self.deck.say_error(error)

        self.run_worker(work(), group="command")

    def _take(self, rules: ChatRules | None) -> None:
        if rules is None:
            return
        self.deck.sync.chats = with_rules(self.deck.sync.chats, rules)
        name = self.deck.chat_names()(*key_of(rules))
        what = "Links in it are left alone" if rules.mode is ChatMode.OFF else f"Watched: {rules.mode.value}"
        self.deck.say(f"{name} {SEPARATOR} {what}", "good")
        self.paint()
        self.roster.move_to([key_of(chat) for chat in self.chats].index(key_of(rules)))

    def do_forget_chat(self) -> None:
        """Forget the rules of the chat under the cursor; always asked."""
        chat = self._chosen()
        if chat is None:
            return
        name = self.deck.chat_names()(*key_of(chat))
        topics = sum(each.chat_id == chat.chat_id for each in self.chats) - 1 if not chat.topic_id else 0
        others = f", and those of its {f'{topics} topics' if topics > 1 else 'topic'}" if topics else ""
        question = f"Forget the rules of {name}{others}? Its links are left alone then; files stay."
        self.ask(question, "forget it", 1, lambda: self._forget(chat, name))

    def _forget(self, chat: ChatRules, name: str) -> None:
        async def work() -> None:
            try:
                await self.deck.client.forget_chat(chat.chat_id, chat.topic_id)
            except ReeldeckError as error:
                self.deck.say_error(error)
            else:
                self.deck.sync.chats = without_rules(self.deck.sync.chats, key_of(chat))
                self.deck.say(f"Forgot {name}", "good")

        self.run_worker(work(), group="command")

    def do_send_again(self) -> None:
        """All that failed here."""
        self.send_again(self._deliveries())

    def do_deliveries(self) -> None:
        """Its files, one by one."""
        if chat := self._chosen():
            self.app.push_screen(DeliveriesScreen(self.deck, chat))

    def do_collect(self) -> None:
        """What the chat under the cursor already holds."""
        from tui.screens.collect import CollectScreen  # noqa: PLC0415 -- a dialog that few open

        chat = self._chosen()
        if chat is None:
            super().do_collect()
        else:
            self.open_form(CollectScreen(self.deck, str(chat.chat_id), chat.topic_id or None))

    def do_chat_jobs(self) -> None:
        """The jobs that were asked for there."""
        if chat := self._chosen():
            self.show_jobs_that(f"chat:{chat.chat_id}")
