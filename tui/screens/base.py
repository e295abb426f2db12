"""What the dashboard's screens have in common: keys from the list of actions, and being painted."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar

from textual import events

from tui.actions import actions_of, key_name, keys_on
from tui.deck import Deck
from tui.screens.dialog import repaint_all
from tui.situation import Situation
from tui.thrift import ThriftyScreen
from tui.widgets.click_bar import ClickBar
from tui.widgets.lines import LineBar, LinePane


class DeckScreen(ThriftyScreen[None]):
    """A screen whose keys are the actions of its PAGE (`BINDINGS = bindings_of(PAGE)`).

    For each action there is a method `do_<id>`, plain or async.

    Args:
        deck: What all screens share.
    """

    PAGE: ClassVar[str]
    #: Every screen says what has the focus. Textual's choice would be a line to type in that is not shown,
    #: which takes keys that come early.
    AUTO_FOCUS = ""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck

    def key(self, action_id: str) -> str:
        """The key of one of this screen's actions, for a sentence that names it."""
        return keys_on(self.PAGE, self.deck.keys)(action_id)

    def situation(self) -> Situation:
        """What there is to act on, on this screen."""
        return self.deck.situation(())

    def paint(self) -> None:
        """Show what the deck holds now. Called at most a few times a second, only when something changed."""

    def repaint(self) -> None:
        """Draw all again: the colours have changed."""
        repaint_all([*self.query(LineBar), *self.query(LinePane)])

    async def action_act(self, action_id: str) -> None:
        """Do an action, or say why not."""
        action = next(action for action in actions_of(self.PAGE) if action.id == action_id)
        reason = action.reason(self.situation())
        if reason:
            self.deck.say(reason, "warn")
            return
        answer: Awaitable[None] | None = getattr(self, f"do_{action.id}")()
        if answer is not None:
            await answer

    def on_screen_resume(self) -> None:
        """The screen below another may be behind."""
        self.paint()

    def on_click_bar_clicked(self, event: ClickBar.Clicked) -> None:
        """Keys in the footer and pages in the header can be clicked. (Textual calls this beside a subclass's
        own handler.)
        """
        actions = actions_of(self.PAGE, self.deck.keys)
        if event.bar.id == "footer":
            names = {key_name(action.keys[0]): action.id for action in actions}
        elif event.bar.id == "header":
            pages = [(key_name(action.keys[0]), action) for action in actions if action.group == "Pages"]
            names = {text: action.id for key, action in pages for text in (key, f"{key} {action.title}")}
        else:
            return
        action_id = next((names[text] for text in event.texts[:2] if text in names), None)
        if action_id:
            self.call_later(self.action_act, action_id)

    def on_paste(self, event: events.Paste) -> None:
        """Links pasted anywhere are links to add."""
        # Not needed for the first screen, which is there the sooner.
        from core.links.find import find_links  # noqa: PLC0415

        links = find_links(event.text)
        if links:
            event.stop()
            self.open_add(links)

    def open_add(self, links: Sequence[str] = ()) -> None:
        """Open the dialog that adds links, filled with *links*."""
        # Not needed for the first screen, which is there the sooner.
        from tui.screens.add import AddScreen  # noqa: PLC0415

        self.app.push_screen(AddScreen(self.deck, links))
