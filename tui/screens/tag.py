"""The dialog in which a file's tags are written."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.library import MediaItem
from core.domain.tags import checked_tag, tag_key
from core.domain.text import for_terminal
from tui.deck import Deck
from tui.library import title_of_item
from tui.paragraphs import wrap
from tui.present import Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

WIDTH = 58


class TagScreen(Dialog):
    """Changes a file's tags; answers with the file as it is then, or None.

    Args:
        deck: What all screens share.
        item: The file.
    """

    def __init__(self, deck: Deck, item: MediaItem) -> None:
        super().__init__()
        self._deck = deck
        self._item = item
        #: Tags of the library, the commonest first.
        self._known: Sequence[str] = ()
        self._top = LineBar(id="tag-title", is_ascii=deck.is_ascii)
        self._input = SafeInput(
            id="tag-input", value=", ".join(item.tags), placeholder="with commas between them"
        )
        self._note = LineBar(id="tag-note", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """Whose they are, the tags, which others there are."""
        with Vertical(id="tag", classes="box"):
            yield self._top
            yield self._input
            yield self._note

    def on_mount(self) -> None:
        """Typing begins at once."""
        title = wrap(for_terminal(title_of_item(self._item)), WIDTH - 14)[0]
        self._top.show([(("Tags of ", "dim"), (title, "strong"))])
        self._advise()
        self._input.focus()
        self.run_worker(self._learn())

    async def _learn(self) -> None:
        try:
            self._known = [tag.name for tag in await self._deck.client.tags()]
        except ReeldeckError as error:
            self._tell(str(error), "bad")
        else:
            self._advise()

    def _typed(self) -> list[str]:
        """The tags as they are kept. Raises InvalidRequest."""
        return [checked_tag(text) for text in self._input.value.split(",") if text.strip()]

    def _advise(self) -> None:
        """Say which other tags there are, or what is wrong."""
        try:
            typed = {tag_key(name) for name in self._typed()}
        except InvalidRequest as error:
            self._tell(error.detail, "bad")
            return
        others = [name for name in self._known if tag_key(name) not in typed]
        self._tell(f"There are: {', '.join(others)}" if others else "", "dim")

    def _tell(self, text: str, style: str) -> None:
        lines = wrap(for_terminal(text), WIDTH - 6) or [""]
        keys: Line = (("Enter", "key"), (" keep them   ", "label"), ("Esc", "key"), (" close", "label"))
        self._note.show([((lines[0], style),), (), keys])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong as it is typed."""
        event.stop()
        self._advise()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Only what can be tags is kept."""
        event.stop()
        try:
            tags = self._typed()
        except InvalidRequest:
            return
        self.run_worker(self._keep(tags), group="send", exclusive=True)

    async def _keep(self, tags: Sequence[str]) -> None:
        kept = set(map(tag_key, tags))
        unwanted = [name for name in self._item.tags if tag_key(name) not in kept]
        try:
            changed = await self._deck.client.tag_item(self._item.id, add=tags, remove=unwanted)
        except ReeldeckError as error:
            self._tell(str(error), "bad")
        else:
            self._deck.say(for_terminal(f"Tags: {', '.join(changed.tags)}" if tags else "No tags"), "good")
            self.dismiss(changed)
