"""Looks at a link while somebody thinks about it: what it leads to, and the formats to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer

from core.domain.errors import ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Request
from core.domain.snapshot import MetadataPreview
from tui.present import Line
from tui.previews import BY_QUALITY, Chosen, chosen_by, format_row, preview_lines, quality_row, refusal_lines
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster, Row

#: A link is asked for once it has stayed as it is for so long.
DEBOUNCE_S = 0.5
#: Lines that a preview of a single thing takes.
FACT_LINES = 2
LABEL_CELLS = 9


class PreviewPane(Vertical):
    """Never waited for: what it knows is shown when it comes, and a link can be added before.

    Args:
        client: The engine.
        labels: Tells the sources' labels by name.
        is_ascii: Draw with ASCII only.
    """

    class Changed(Message):
        """More is known, or less."""

    def __init__(
        self, client: EngineInterface, labels: Callable[[], Mapping[str, str]], *, is_ascii: bool = False
    ) -> None:
        super().__init__(id="preview")
        self._client = client
        self._labels = labels
        self._facts = LineBar(id="preview-facts", is_ascii=is_ascii)
        self._label = LineBar(id="preview-label", is_ascii=is_ascii)
        self.formats = Roster(id="preview-formats", is_ascii=is_ascii)
        self._choice = Horizontal(self._label, self.formats, id="preview-choice")
        self._asked: Request | None = None
        self._found: MetadataPreview | ReeldeckError | None = None
        self._timer: Timer | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Facts, then formats beside their label."""
        yield self._facts
        yield self._choice

    def on_mount(self) -> None:
        """The label never changes."""
        self._label.show([(("format", "dim"),)])

    @property
    def has_formats(self) -> bool:
        """There are some to choose from."""
        return self.display and self.formats.count > 1

    def chosen_for(self, url: str) -> Chosen:
        """What was chosen for *url*, as fields of a request."""
        key = self.formats.key if self._asked and self._asked.url == url else None
        return key if isinstance(key, tuple) else BY_QUALITY

    def look_at(self, request: Request | None) -> None:
        """Find out what *request* leads to; what is under way for another one is given up. None: nothing."""
        if request == self._asked:
            return
        self._asked, self._found = request, None
        if self._timer:
            self._timer.stop()
        self.workers.cancel_node(self)
        if request is not None:
            self._timer = self.set_timer(DEBOUNCE_S, lambda: self._start(request))

    def _start(self, request: Request) -> None:
        self.run_worker(self._look(request), group="preview", exclusive=True)

    async def _look(self, request: Request) -> None:
        try:
            self._found = await self._client.preview(request)
        except ReeldeckError as error:
            self._found = error
        self.post_message(self.Changed())

    def fit(self, width: int, lines: int) -> int:
        """Show what is known in at most *lines* lines of *width* cells; returns how many it takes."""
        facts, rows = self._content(width, lines)
        self._facts.styles.height = len(facts)
        self._facts.show(facts)
        shown = min(len(rows), lines - len(facts)) if rows else 0
        if shown < 2:
            rows, shown = [], 0
        self._choice.display = bool(rows)
        self.formats.styles.height = max(1, shown)
        self.formats.show_rows(rows)
        return len(facts) + shown

    def _content(self, width: int, lines: int) -> tuple[Sequence[Line], list[Row]]:
        if self._asked is None or lines <= 0:
            return [], []
        if self._found is None:
            return [(("looking at the link …", "dim"),)], []
        if isinstance(self._found, ReeldeckError):
            return refusal_lines(self._found, width, min(lines, 4)), []
        found, cells = self._found, width - LABEL_CELLS - 1
        named = [(chosen_by(each), each) for each in found.formats]
        rows: list[Row] = [(chosen, format_row(each, cells)) for chosen, each in named if chosen is not None]
        if not rows:
            return preview_lines(found, self._labels(), width, lines), []
        rows.insert(0, (BY_QUALITY, quality_row(found, cells)))
        return preview_lines(found, self._labels(), width, min(lines, FACT_LINES)), rows
