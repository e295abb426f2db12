"""The dialog that fetches what a chat already holds."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.errors import InvalidRequest
from core.domain.messenger import Collect, Collected
from tui.deck import Deck
from tui.figures import collect_progress, collect_summary
from tui.moments import moment_of
from tui.screens.form import FormScreen
from tui.widgets.choice import Choice
from tui.widgets.safe_input import SafeInput

_CHAT, _TYPES, _SINCE, _UNTIL, _WORDS, _MOST = "chat", "types", "since", "until", "words", "at most"
_ALL_TYPES = "all"
_OFFERED: Mapping[str, frozenset[str]] = {
    "audio, video": frozenset({"audio", "video"}),
    "audio": frozenset({"audio"}),
    "video": frozenset({"video"}),
    "voice": frozenset({"voice"}),
    "document": frozenset({"document"}),
    _ALL_TYPES: frozenset({"audio", "video", "voice", "document"}),
}
_ADVICE = {
    _CHAT: "Its @name, its number, or a link to it.",
    _TYPES: "Which media are fetched.",
    _SINCE: "Sent on this day or later, as in 2024-05-31; may be left empty.",
    _UNTIL: "Sent before this day; may be left empty.",
    _WORDS: "Only messages with these words in the text or the file's name; may be left empty.",
    _MOST: "Messages at most; empty is all of them.",
}


class CollectScreen(FormScreen):
    """Counts what fits, then makes a job of each message, once. Answers with what came of it, or None.

    Args:
        deck: What all screens share.
        chat: Of which chat, as its name is typed; empty to ask.
        topic_id: Of which topic of it.
    """

    TITLE_TEXT, VERB = "Fetch what a chat already holds", "count what fits"

    def __init__(self, deck: Deck, chat: str = "", topic_id: int | None = None) -> None:
        self._chat, self._topic_id = chat, topic_id
        self._counted: Collect | None = None
        super().__init__(deck)

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """Which chat, and which of its messages."""
        return {
            _CHAT: SafeInput(id="collect-chat", value=self._chat, placeholder="@name, number or link"),
            _TYPES: Choice(_TYPES, tuple(_OFFERED), id="collect-types"),
            _SINCE: SafeInput(id="collect-since", placeholder="2024-05-31"),
            _UNTIL: SafeInput(id="collect-until", placeholder="2025-01-01"),
            _WORDS: SafeInput(id="collect-words", placeholder="words of the text or the file's name"),
            _MOST: SafeInput(id="collect-most", placeholder="all"),
        }

    def advice(self, name: str) -> str:
        """What may stand there."""
        return _ADVICE[name]

    @property
    def verb(self) -> str:
        """First it is counted; what was counted is fetched."""
        return "fetch them" if self._counted is not None else self.VERB

    def changed(self) -> None:
        """Other messages are to be counted first."""
        self._counted = None
        self.show_keys()

    def _wanted(self, *, is_dry: bool) -> Collect:
        if not self.text(_CHAT):
            raise InvalidRequest("which chat?", hint=_ADVICE[_CHAT])
        most = self.text(_MOST)
        if most and not (most.isascii() and most.isdecimal() and len(most) <= 9):
            raise InvalidRequest(f"{most!r} is no number of messages", hint=_ADVICE[_MOST])
        since, until = (moment_of(self.text(name)) if self.text(name) else None for name in (_SINCE, _UNTIL))
        return Collect(
            chat=self.text(_CHAT),
            topic_id=self._topic_id if self.text(_CHAT) == self._chat else None,
            limit=int(most or 0),
            types=_OFFERED[self.text(_TYPES)],
            since=since,
            until=until,
            grep=self.text(_WORDS) or None,
            dry_run=is_dry,
        )

    async def act(self) -> str | None:
        """Count them; once they were counted, fetch them."""
        if self._counted is None:
            asked = self._wanted(is_dry=True)
            figures = await self._follow(asked)
            if not figures.found:
                self.tell(f"{figures.seen} messages; none of them fits.", "warn")
                return None
            self._counted = asked
            names = f" As in: {', '.join(figures.sample[:3])}" if figures.sample else ""
            self.tell(
                f"{collect_summary(figures, is_dry=True)}. Enter makes a job of each, once.",
                "good",
                names.strip(),
            )
            return None
        return collect_summary(await self._follow(self._wanted(is_dry=False)), is_dry=False)

    async def _follow(self, wanted: Collect) -> Collected:
        figures = Collected()
        self.tell("Asking Telegram …")
        async for figures in self.deck.client.collect(wanted):
            self.tell(f"{collect_progress(figures)} … ended early, it goes on when it is asked for again.")
        return figures
