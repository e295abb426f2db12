"""The dialog for what is done with the links of a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.errors import ReeldeckError
from core.domain.job import Kind
from core.domain.text import for_terminal
from tui.chats import key_of
from tui.deck import Deck
from tui.present import Line, clip
from tui.previews import refusal_lines
from tui.screens.add import QUALITIES
from tui.screens.dialog import Dialog
from tui.widgets.choice import Choice
from tui.widgets.lines import LineBar
from tui.widgets.safe_input import SafeInput

NOTE_LINES = 3
_BACK, _NOT_BACK = "send back", "do not"
_KEPT, _NOT_KEPT = "in the archive", "delete when sent"


class ChatRulesScreen(Dialog):
    """Answers with the rules as the engine has stored them, or None.

    Args:
        deck: What all screens share.
        chat: The chat or topic, with the rules to begin with.
    """

    BINDINGS = [
        ("escape", "dismiss(None)", "Close"),
        ("enter", "save", "Save"),
        ("down", "app.focus_next"),
        ("up", "app.focus_previous"),
    ]

    def __init__(self, deck: Deck, chat: ChatRules) -> None:
        super().__init__()
        self._deck = deck
        self._chat = chat
        self._is_sending = False
        kind = chat.kind or Kind.AUTO
        modes, kinds = [mode.value for mode in ChatMode], [each.value for each in Kind]
        feedbacks = [feedback.value for feedback in Feedback]
        self._mode = Choice("links", modes, id="chat-mode", value=chat.mode.value)
        self._kind = Choice("as", kinds, id="chat-kind", value=kind.value)
        self._quality = Choice(
            "quality", self._qualities(kind), id="chat-quality", value=chat.quality or "best"
        )
        self._reply = Choice(
            "files", [_BACK, _NOT_BACK], id="chat-reply", value=_BACK if chat.reply else _NOT_BACK
        )
        self._archive = Choice(
            "kept", [_KEPT, _NOT_KEPT], id="chat-archive", value=_KEPT if chat.archive else _NOT_KEPT
        )
        self._feedback = Choice("told by", feedbacks, id="chat-feedback", value=chat.feedback.value)
        self._label = LineBar(is_ascii=deck.is_ascii)
        self._sources = SafeInput(
            id="chat-sources",
            value=for_terminal(", ".join(chat.sources or ())),
            placeholder="all; or some: youtube, x",
        )
        self._top = LineBar(id="chat-rules-title", is_ascii=deck.is_ascii)
        self._note = LineBar(id="chat-rules-note", is_ascii=deck.is_ascii)
        self._keys = LineBar(id="chat-rules-keys", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """What is asked, a line for what the engine says."""
        with Vertical(id="chat-rules", classes="box"):
            yield self._top
            yield self._mode
            yield self._kind
            yield self._quality
            yield self._reply
            yield self._archive
            yield self._feedback
            with Horizontal(classes="row"):
                yield self._label
                yield self._sources
            yield self._note
            yield self._keys

    def on_mount(self) -> None:
        """The mode matters most."""
        self._label.show([(("sources", "dim"),)])
        keys: Line = (
            ("Enter", "key"), (" save   ", "label"), ("↑ ↓", "key"), (" rule   ", "label"),
            ("← →", "key"), (" change   ", "label"), ("Esc", "key"), (" close", "label"),
        )  # fmt: skip
        self._keys.show([keys])
        self._mode.focus()
        self.call_after_refresh(self.paint)

    def on_resize(self) -> None:
        """Lines are cut anew."""
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Whose rules these are."""
        name = self._deck.chat_names(self._chat)(*key_of(self._chat))
        self._top.show([clip(((for_terminal(name), "strong"),), self._top.size.width)])

    def _qualities(self, kind: Kind) -> Sequence[str]:
        """Those that make sense, and the one that the rules name, whatever it is."""
        offered = QUALITIES[kind]
        own = self._chat.quality
        return offered if own is None or own in offered else (*offered, own)

    def on_choice_changed(self) -> None:
        """Sounds have other qualities than pictures."""
        self._quality.offer(self._qualities(Kind(self._kind.value)))

    def rules(self) -> ChatRules:
        """The rules as they are chosen now."""
        names = self._sources.value.replace(",", " ").split()
        kind, quality = Kind(self._kind.value), self._quality.value
        return replace(
            self._chat,
            mode=ChatMode(self._mode.value),
            kind=kind if kind is not Kind.AUTO or self._chat.kind else None,
            quality=quality if quality != "best" or self._chat.quality else None,
            sources=tuple(dict.fromkeys(names)) or None,
            reply=self._reply.value == _BACK,
            archive=self._archive.value == _KEPT,
            feedback=Feedback(self._feedback.value),
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter saves wherever the cursor is."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Send the rules, unless they name a source that does not exist."""
        known = {str(source.get("name")) for source in self._deck.sync.status.get("sources", ())}
        wrong = [name for name in self.rules().sources or () if name not in known]
        if wrong and known:
            text = f"there is no source {for_terminal(wrong[0])}; there are: {', '.join(sorted(known))}"
            self._note.show([((text, "warn"),)])
        elif not self._is_sending:
            self.run_worker(self._send(), group="send", exclusive=True)

    async def _send(self) -> None:
        self._is_sending = True
        try:
            stored = await self._deck.client.set_chat(self.rules())
        except ReeldeckError as error:
            self._is_sending = False
            self._note.show(refusal_lines(error, max(20, self._note.size.width), NOTE_LINES))
        else:
            self.dismiss(stored)
