"""The dialog that adds links: paste or type any text, see what was found in it, send, read the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.domain.errors import ReeldeckError
from core.domain.job import Kind, Request
from core.links.find import find_links
from tui.actions import KEY_NAMES
from tui.deck import Deck
from tui.pasted import Pasted, link_lines
from tui.present import SEPARATOR, Line, join_sides
from tui.screens.dialog import Dialog
from tui.widgets.choice import Choice
from tui.widgets.lines import LineBar, LinePane
from tui.widgets.preview_pane import PreviewPane
from tui.widgets.safe_input import SafeInput

#: Requests in one message to the engine; the count on screen moves on with each.
BATCH = 100
#: Lines of the dialog and around it that are not links.
CHROME_LINES = 16
#: The qualities that make sense for each kind, as `core.sources.quality` reads them.
_PICTURES = ("best", "2160p", "1440p", "1080p", "720p", "480p", "360p")
_SOUNDS = ("best", "audio_320", "audio_192", "audio_128")
QUALITIES: Mapping[Kind, Sequence[str]] = {Kind.AUTO: _PICTURES, Kind.VIDEO: _PICTURES, Kind.AUDIO: _SOUNDS}


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
        ("enter", "send", "Add"),
        ("q", "close_sent", "Close"),
        ("down", "scroll(1)", "Down"),
        ("up", "scroll(-1)", "Up"),
    ]

    def __init__(self, deck: Deck, links: Sequence[str] = ()) -> None:
        super().__init__()
        self._deck = deck
        self.pasted = Pasted()
        self.pasted.take_links(links)
        self._early = 0  # characters that were typed before the dialog was there
        self._is_sending = False
        self._is_sent = False
        self._found = ""  # said of the links in place of their number
        self._input = LinkInput(
            id="add-input", placeholder="type or paste links, or any text that holds some"
        )
        self._kind = Choice("as", [kind.value for kind in Kind], id="add-kind")
        self._quality = Choice("quality", QUALITIES[Kind.AUTO], id="add-quality")
        self._again = Choice("if known", ["join it", "download again"], id="add-again")
        self._top = LineBar(id="add-title", is_ascii=deck.is_ascii)
        self._preview = PreviewPane(deck.client, deck.source_labels, is_ascii=deck.is_ascii)
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
            yield self._preview
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
        found = self._found or (f"{count} link{'s' * (count != 1)}{repeated}" if count else "")
        found = "" if self._is_sent else found
        self._top.show([join_sides(((title, "strong"),), ((found, "dim"),), width)])
        lines: list[Line] = [line for link in pasted.links for line in link_lines(link, width)]
        room = max(1, self.size.height - CHROME_LINES)
        height = max(1, min(len(lines), room))
        if not self._is_sent:
            self._preview.look_at(self._previewed())
            self._preview.display = self._preview.fit(width, room - height - 1) > 0
        self._list.styles.height = height
        self._list.show(lines)
        self._keys.show([self._keys_now(count)])

    def _keys_now(self, count: int) -> Line:
        keys = [("Enter", "go to the list")]
        if not self._is_sent:
            formats = [("↓", "formats")] if self._preview.has_formats else []
            keys = [("Enter", f"add {count}" if count else "add"), ("Tab", "choices"), *formats]
            keys += [("Esc", "close"), (KEY_NAMES["backspace"], "drops one")]
        return tuple(span for key, what in keys for span in ((key, "key"), (f" {what}   ", "label")))

    def on_paste(self, event: events.Paste) -> None:
        """Whatever is pasted, wherever the cursor is."""
        event.stop()
        if self._is_sent:
            return
        if not self.pasted.take(event.text) and not self.pasted.links:
            self._found = "no link in that text"
        else:
            self._found = ""
        self.paint()

    def on_input_changed(self) -> None:
        """What is typed may be a link by now."""
        self.paint()

    def on_choice_changed(self) -> None:
        """A kind has its own qualities, and another choice leads to another file."""
        self._quality.offer(QUALITIES[Kind(self._kind.value)])
        self.paint()

    def on_preview_pane_changed(self) -> None:
        """The link was looked at."""
        self.paint()

    def _previewed(self) -> Request | None:
        """What to look at: the link, while there is only one."""
        links = [link.url for link in self.pasted.askable] + find_links(self._input.value)
        if len(links) != 1 or len(self.pasted.links) > 1:
            return None
        return replace(self._request(links[0]), force=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the line."""
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        """Take what is typed and send all; once the answers are read, close."""
        if self._is_sent:
            self.action_close()
            return
        typed = self._input.value.strip()
        if typed and not self.pasted.take(typed) and not self.pasted.links:
            self.pasted.take_links([typed])  # not a link: the answer says what one looks like
        self._input.value = ""
        if self.pasted.askable:
            if not self._is_sending:
                self._is_sending = True
                self.run_worker(self._send(), group="send")
        elif self.pasted.links:
            self._finish()

    def take_early(self, char: str) -> None:
        """A key that was pressed before the dialog was there: it belongs before what is typed since."""
        if self.focused in {None, self._input} and not self._is_sent:
            place = self._early
            self._early += len(char)
            self._input.insert(char, place)

    def drop_last(self) -> None:
        """Take the last link back."""
        if not self._is_sent:
            self.pasted.drop_last()
            self.paint()

    def action_scroll(self, by: int) -> None:
        """Choose a format where there are some; look through a long list."""
        if self._preview.has_formats and not self._is_sent:
            self._preview.formats.move(by)
        else:
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
                    self._found = f"{start} of {len(asked)} sent"
                    self.paint()
                batch = asked[start : start + BATCH]
                requests = [self._chosen(self._request(link.url)) for link in batch]
                answers = await self._deck.client.submit_many(requests)
                self.pasted.take_answers(batch, answers)
                for link in batch:
                    if link.answer:
                        self._deck.index.adopt(link.answer.job)
        except ReeldeckError as error:
            self._found = ""
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

    def _chosen(self, request: Request) -> Request:
        """*request* for the format that was chosen in the preview."""
        facts = dict(self._preview.chosen_for(request.url))
        return replace(
            request,
            kind=Kind(facts.get("kind", request.kind)),
            quality=facts.get("quality", request.quality),
            format=facts.get("format"),
        )

    def _finish(self) -> None:
        self._found = ""
        self._is_sent = True
        for widget in (self._input, self._kind, self._quality, self._again, self._preview):
            widget.display = False
        self._list.focus()
        only = self.pasted.links[0] if len(self.pasted.links) == 1 else None
        if only and only.answer and not only.answer.joined:
            self.action_close()
        else:
            self.paint()
