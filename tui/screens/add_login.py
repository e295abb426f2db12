"""The dialog that takes a cookie file as a login."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input

from core.domain.errors import ReeldeckError
from tui.completion import PathSuggester, absolute, paths_like_blocking
from tui.deck import Deck
from tui.paragraphs import wrap
from tui.present import ARROW, Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

_SOURCE, _FILE, _NAME = "login-source", "login-file", "login-name"
_LABELS = {_SOURCE: "source", _FILE: "file", _NAME: "name"}
NOTE_LINES = 3


class AddLoginScreen(Dialog):
    """Asks for source, file and name; answers with the profile that was made of them, or None.

    Args:
        deck: What all screens share.
    """

    BINDINGS = [
        ("escape", "dismiss(None)", "Close"),
        ("down", "app.focus_next"),
        ("up", "app.focus_previous"),
    ]

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._sources = sorted(
            str(source.get("name")) for source in deck.sync.status.get("sources", ()) if source.get("enabled")
        )
        self._fields = {
            _SOURCE: SafeInput(
                id=_SOURCE,
                placeholder="the site's name, as on the page of sources",
                suggester=SuggestFromList(self._sources),
            ),
            _FILE: SafeInput(
                id=_FILE, placeholder="cookies.txt, on the engine's machine", suggester=PathSuggester()
            ),
            _NAME: SafeInput(id=_NAME, value="main"),
        }
        ascii_only = deck.is_ascii
        self._top = LineBar(id="add-login-title", is_ascii=ascii_only)
        self._labels = {name: LineBar(is_ascii=ascii_only) for name in self._fields}
        self._note = LineBar(id="add-login-note", is_ascii=ascii_only)
        self._keys = LineBar(id="add-login-keys", is_ascii=ascii_only)
        self._is_sending = False

    def compose(self) -> ComposeResult:
        """Three fields, a note on the one that is being filled."""
        with Vertical(id="add-login", classes="box"):
            yield self._top
            for name, field in self._fields.items():
                with Horizontal(classes="field"):
                    yield self._labels[name]
                    yield field
            yield self._note
            yield self._keys

    def on_mount(self) -> None:
        """Ready to type."""
        self._top.show([(("Add a login", "strong"),)])
        for name, label in self._labels.items():
            label.show([((_LABELS[name], "dim"),)])
        keys: Line = (
            ("Enter", "key"), (" add   ", "label"), ("Tab", "key"), (" next field   ", "label"),
            ("→", "key"), (" complete   ", "label"), ("Esc", "key"), (" close", "label"),
        )  # fmt: skip
        self._keys.show([keys])
        self._fields[_SOURCE].focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The note is on the field with the cursor."""
        if isinstance(event.widget, Input):
            self._advise(event.widget)

    def on_input_changed(self, event: Input.Changed) -> None:
        """… and on what is in it."""
        event.stop()
        if event.input.has_focus:
            self._advise(event.input)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter adds, once there is something in every field; else it goes to the next one."""
        event.stop()
        empty = next((field for field in self._fields.values() if not field.value.strip()), None)
        if empty is not None:
            empty.focus()
        elif not self._is_sending:
            self.run_worker(self._send(), group="send", exclusive=True)

    async def _send(self) -> None:
        self._is_sending = True
        self._tell([(("Looking at the file …", "dim"),)])
        source, file, name = (field.value.strip() for field in self._fields.values())
        try:
            profile = await self._deck.client.add_profile(source, absolute(file), name)
        except ReeldeckError as error:
            self._is_sending = False
            lines: list[Line] = [((line, "bad"),) for line in wrap(str(error), self._width)]
            lines += [((line, "text"),) for line in wrap(f"{ARROW} {error.hint}", self._width)]
            self._tell(lines)
        else:
            self.dismiss(profile)

    # The note

    @property
    def _width(self) -> int:
        return max(20, self._note.size.width)

    def _advise(self, field: Input) -> None:
        typed = field.value
        if field.id == _SOURCE:
            self._offer("sources", [name for name in self._sources if name.startswith(typed)])
        elif field.id == _NAME:
            self._tell(
                [(("Tells several logins of a source apart; one of the same name is replaced.", "dim"),)]
            )
        else:
            self.run_worker(self._offer_paths(typed), group="paths", exclusive=True)

    async def _offer_paths(self, typed: str) -> None:
        found = await asyncio.to_thread(paths_like_blocking, typed or "~/")
        self._offer(
            "files", [path.rstrip("/").rpartition("/")[2] + "/" * path.endswith("/") for path in found]
        )

    def _offer(self, what: str, names: Sequence[str]) -> None:
        if not names:
            self._tell([((f"no {what} begin like this", "warn"),)])
            return
        text = "  ".join(names)
        self._tell([((line, "dim"),) for line in wrap(text, self._width)])

    def _tell(self, lines: Sequence[Line]) -> None:
        self._note.show(lines[:NOTE_LINES])
