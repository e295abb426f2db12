"""A dialog with some fields and something that is done with them, which may take its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from core.domain.errors import ReeldeckError
from core.domain.text import for_terminal
from tui.deck import Deck
from tui.paragraphs import wrap
from tui.present import ARROW, Line
from tui.screens.dialog import Dialog
from tui.widgets.choice import Choice
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

NOTE_LINES = 4


class FormScreen(Dialog):
    """Its subclass says `fields`, `advice` and what is done: `act`. Esc ends what is under way.

    Args:
        deck: What all screens share.
    """

    BINDINGS = [
        ("escape", "dismiss(None)", "Close"),
        ("down", "app.focus_next"),
        ("up", "app.focus_previous"),
        ("enter", "submit", "Do it"),
    ]
    #: What it is for, and what Enter does.
    TITLE_TEXT: ClassVar[str]
    VERB: ClassVar[str]

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self._fields = self.fields()
        self._top = LineBar(id="form-title", is_ascii=deck.is_ascii)
        self._labels = {name: LineBar(is_ascii=deck.is_ascii) for name in self._fields}
        self._note = LineBar(id="form-note", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="form-keys", is_ascii=deck.is_ascii)
        self.is_busy = False

    # For the subclass

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """What is filled in, by the names that stand before it. A Choice says its name itself."""
        raise NotImplementedError

    def advice(self, name: str) -> str:
        """What to know of a field."""
        raise NotImplementedError

    async def act(self) -> Any:
        """Do it; what the dialog answers with, None to stay open. Raises the engine's errors."""
        raise NotImplementedError

    # The dialog

    def compose(self) -> ComposeResult:
        """The fields, a note on the one that is being filled, then on how it goes."""
        with Vertical(id="form", classes="box"):
            yield self._top
            for name, field in self._fields.items():
                with Horizontal(classes="field"):
                    if isinstance(field, Input):
                        yield self._labels[name]
                    yield field
            yield self._note
            yield self._keys

    def on_mount(self) -> None:
        """Ready to type."""
        self._top.show([((self.TITLE_TEXT, "strong"),)])
        for name, label in self._labels.items():
            label.show([((name, "dim"),)])
        self.show_keys()
        next(iter(self._fields.values())).focus()

    @property
    def verb(self) -> str:
        """What Enter does now."""
        return self.VERB

    def show_keys(self) -> None:
        """Say what the keys do now."""
        completes = any(isinstance(field, Input) and field.suggester for field in self._fields.values())
        completion: Line = (("→", "key"), (" complete   ", "label")) if completes else ()
        keys: Line = (
            ("Enter", "key"), (f" {self.verb}   ", "label"), ("Tab", "key"), (" next field   ", "label"),
            *completion, ("Esc", "key"), (" end it" if self.is_busy else " close", "label"),
        )  # fmt: skip
        self._keys.show([keys])

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self._fields[name].value.strip()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The note is on the field with the cursor."""
        self._advise(event.widget)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something else is asked for now."""
        event.stop()
        self._changed(event.input)

    def on_choice_changed(self) -> None:
        """The same."""
        self._changed(self.focused)

    def _changed(self, field: Widget | None) -> None:
        if not self.is_busy:
            self.changed()
            if field is not None:
                self._advise(field)

    def changed(self) -> None:
        """Something else is asked for now."""

    @property
    def chosen(self) -> str | None:
        """The field with the cursor, unless something is under way."""
        return None if self.is_busy else self._name_of(self.focused)

    def choose(self, name: str) -> None:
        """Put the cursor into a field."""
        self._fields[name].focus()

    def _name_of(self, field: Widget | None) -> str | None:
        return next((name for name, each in self._fields.items() if each is field), None)

    def _advise(self, field: Widget) -> None:
        name = self._name_of(field)
        if name is not None and not self.is_busy:
            self.tell(self.advice(name))

    def tell(self, text: str, style: str = "dim", more: str = "") -> None:
        """Say something in the dialog."""
        width = max(20, self._note.size.width)
        lines: list[Line] = [((line, style),) for line in wrap(for_terminal(text, cells=500), width)]
        lines += [((line, "text"),) for line in wrap(for_terminal(more), width)] if more else []
        self._note.show(lines[:NOTE_LINES])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a line."""
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Do it, unless it is under way."""
        if not self.is_busy:
            self.is_busy = True
            self.show_keys()
            self.run_worker(self._run(), group="send")

    async def _run(self) -> None:
        try:
            answer = await self.act()
        except ReeldeckError as error:
            self.tell(str(error), "bad", f"{ARROW} {error.hint}")
        else:
            if answer is not None:
                self.dismiss(answer)
        finally:
            self.is_busy = False
        if self.is_current:
            self.show_keys()
