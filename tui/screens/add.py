"""The dialog that adds links: paste or type any text, see what was found in it, send, read the answers."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.domain.errors import ReeldeckError
from core.domain.job import Kind, Request
from tui.deck import Deck
from tui.pasted import Pasted, link_lines
from tui.present import SEPARATOR, Line, join_sides
from tui.screens.dialog import Dialog
from tui.widgets.choice import Choice
from tui.widgets.lines import LineBar, LinePane
from tui.widgets.safe_input import SafeInput

#: Requests in one message to the engine; the count on screen moves on with each.
BATCH = 100
#: Lines of the dialog and around it that are not links.
CHROME_LINES = 16


class LinkInput(SafeInput):
    """Hands what is pasted to the dialog instead of taking its first line."""

    BINDINGS = [("backspace", "rub_out", "Rub out")]

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()  # it goes on to the dialog

    def action_rub_out(self) -> None:
        """In an empty line the last link is taken back."""
        if self.value:
            self.action_delete_left()
        elif isinstance(self.screen, AddScreen):
            self.screen.drop_last()


class AddScreen(Dialog):
    """Collects links and asks the engine for them.

    Args:
        deck: What all screens share.
        links: Links to begin with.
    """

    BINDINGS = [
        ("escape", "close", "Close"),
        ("enter,q", "close_sent", "Close"),
        ("down", "scroll(1)", "Down"),
        ("up", "scroll(-1)", "Up"),
    ]

    def __init__(self, deck: Deck, links: Sequence[str] = ()) -> None:
        super().__init__()
        self._deck = deck
        self.pasted = Pasted()
        self.pasted.take_links(links)
        self._is_sent = False
        self._sending = ""
        self._input = LinkInput(
            id="add-input", placeholder="type or paste links, or any text that holds some"
        )
        self._kind = Choice("as", [kind.value for kind in Kind], id="add-kind")
        self._quality = Choice("quality", ["best", "1080p", "720p", "480p"], id="add-quality")
        self._again = Choice("if known", ["join it", "download again"], id="add-again")
        self._top = LineBar(id="add-title", is_ascii=deck.is_ascii)
        self._list = LinePane(id="add-list", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="add-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """A line to type in, choices, what was found."""
        with Vertical(id="add", classes="box"):
            yield self._top
            yield self._input
            yield self._kind
            yield self._quality
            yield self._again
            yield self._list
            yield self._keys

    def on_mount(self) -> None:
        """Ready to type."""
        self._input.focus()
        self.call_after_refresh(self.paint)

    def on_resize(self) -> None:
        """Lines are cut anew."""
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Show the links and their answers."""
        width = self._list.size.width
        if not width:
            return
        pasted = self.pasted
        count = len(pasted.links)
        title = pasted.summary() if self._is_sent else "Add links"
        repeated = f" {SEPARATOR} {pasted.repeated} repeated left out" if pasted.repeated else ""
        found = self._sending or (f"{count} link{'s' * (count != 1)}{repeated}" if count else "")
        found = "" if self._is_sent else found
        self._top.show([join_sides(((title, "strong"),), ((found, "dim"),), width)])
        lines: list[Line] = [line for link in pasted.links for line in link_lines(link, width)]
        self._list.styles.height = max(1, min(len(lines), self.size.height - CHROME_LINES))
        self._list.show(lines)
        if self._is_sent:
            keys: Line = (("Enter", "key"), (" go to the list", "label"))
        else:
            verb = f" add {count}" if count else " add"
            keys = (
                ("Enter", "key"), (f"{verb}   ", "label"), ("Tab", "key"), (" choices   ", "label"),
                ("Backspace", "key"), (" takes one back   ", "label"), ("Esc", "key"), (" close", "label"),
            )  # fmt: skip
        self._keys.show([keys])

    def on_paste(self, event: events.Paste) -> None:
        """Whatever is pasted, wherever the cursor is."""
        event.stop()
        if self._is_sent:
            return
        if not self.pasted.take(event.text) and not self.pasted.links:
            self._sending = "no link in that text"
        else:
            self._sending = ""
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes what is typed and sends all."""
        event.stop()
        typed = event.value.strip()
        if typed and not self.pasted.take(typed) and not self.pasted.links:
            self.pasted.take_links([typed])  # not a link: the answer says what one looks like
        self._input.value = ""
        if self.pasted.askable:
            self.run_worker(self._send(), group="send", exclusive=True)
        elif self.pasted.links:
            self._finish()

    def drop_last(self) -> None:
        """Take the last link back."""
        if not self._is_sent:
            self.pasted.drop_last()
            self.paint()

    def action_scroll(self, by: int) -> None:
        """Look through a long list."""
        self._list.scroll_relative(y=by, animate=False)

    def action_close_sent(self) -> None:
        """Once the answers are read."""
        if self._is_sent:
            self.action_close()

    def action_close(self) -> None:
        """Close; the cursor goes to what was added first."""
        added = [link.answer.job for link in self.pasted.links if link.answer]
        if added:
            self._deck.index.move_to_job(added[0].id)
            self._deck.say(self.pasted.summary(), "good")
        self.dismiss(None)

    async def _send(self) -> None:
        asked = self.pasted.askable
        try:
            for start in range(0, len(asked), BATCH):
                if len(asked) > BATCH:
                    self._sending = f"{start} of {len(asked)} sent"
                    self.paint()
                batch = asked[start : start + BATCH]
                answers = await self._deck.client.submit_many([self._request(link.url) for link in batch])
                self.pasted.take_answers(batch, answers)
                for link in batch:
                    if link.answer:
                        self._deck.index.adopt(link.answer.job)
        except ReeldeckError as error:
            self._sending = ""
            self._deck.say_error(error)
            for link in self.pasted.askable:
                link.error = error
        self._finish()

    def _request(self, url: str) -> Request:
        return Request(
            url=url,
            kind=Kind(self._kind.value),
            quality=self._quality.value,
            force=self._again.value == "download again",
        )

    def _finish(self) -> None:
        self._sending = ""
        self._is_sent = True
        for widget in (self._input, self._kind, self._quality, self._again):
            widget.display = False
        self._list.focus()
        only = self.pasted.links[0] if len(self.pasted.links) == 1 else None
        if only and only.answer and not only.answer.joined:
            self.action_close()
        else:
            self.paint()
