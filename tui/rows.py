"""The rows of the list and the line above them, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from core.domain.figures import percent_text, rate_text, size_text, span_text
from core.domain.job import Job, JobStatus
from core.domain.wording import title_of
from tui.present import CURSOR, DOWN, MARK, UP, Line, Span, bar, clock_text, fit, note_of, pad, state_of


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells of a row's parts, 0 for those left out. Chosen by the room, never by the data."""

    width: int
    id: int
    source: int
    title: int
    added: int
    bar: int
    rate: int
    eta: int
    size: int = 0
    priority: int = 0

    @property
    def shown(self) -> frozenset[str]:
        """Names of the chosen columns that have room."""
        return frozenset(name for name, (part, _) in CHOICES.items() if getattr(self, part))

    @property
    def tail(self) -> int:
        """Cells of bar, rate and ETA together: where a row that moves no bytes has its note."""
        return self.bar + sum(1 + cells for cells in (self.rate, self.eta) if cells)


#: What people choose, by its name: the part of a row, and what it tells.
CHOICES: Mapping[str, tuple[str, str]] = {
    "id": ("id", "the job's number"),
    "source": ("source", "the site that it comes from"),
    "size": ("size", "bytes in all, as far as known"),
    "priority": ("priority", "higher runs first"),
    "added": ("added", "when it was asked for"),
    "speed": ("rate", "bytes a second"),
    "left": ("eta", "time to the end of the transfer"),
}
#: Where a chosen column has no room by default it takes so many cells; the first gives way last.
_USUAL_CELLS = {"rate": 7, "eta": 6, "id": 6, "source": 8, "size": 8, "added": 6, "priority": 4}
#: A title has at least so many cells before another column gets some.
_LEAST_TITLE = 12
STATE_CELLS = 9
_PERCENT_CELLS = 5
#: At least so wide: (id, source, added, bar with percentage, rate, eta)
_BREAKPOINTS = (
    (130, (7, 11, 6, 20, 8, 7)),
    (104, (7, 11, 6, 15, 8, 7)),
    (90, (6, 10, 0, 13, 7, 6)),
    (78, (6, 8, 0, 12, 7, 6)),
    (56, (0, 0, 0, 10, 7, 0)),
    (0, (0, 0, 0, 9, 0, 0)),
)


def columns_for(width: int, chosen: Collection[str] | None = None) -> Columns:
    """How a row of *width* cells is divided; the title takes what is left.

    *chosen* are names of CHOICES, as many as there is room for; None: those that suit the width.
    """
    _, (job_id, source, added, bar_cells, rate, eta) = next(row for row in _BREAKPOINTS if width >= row[0])
    columns = _with_title(Columns(width, job_id, source, 0, added, bar_cells, rate, eta))
    if chosen is None:
        return columns
    wanted = {CHOICES[name][0] for name in chosen if name in CHOICES}
    columns = _with_title(replace(columns, **dict.fromkeys(_USUAL_CELLS.keys() - wanted, 0)))
    for part, cells in _USUAL_CELLS.items():
        if part in wanted and not getattr(columns, part):
            wider = _with_title(replace(columns, **{part: cells}))
            columns = wider if wider.title >= _LEAST_TITLE else columns
    return columns


def _with_title(columns: Columns) -> Columns:
    others = (columns.id, columns.source, columns.size, columns.priority, columns.added)
    used = sum(1 + cells for cells in (STATE_CELLS, *others, columns.bar, columns.rate, columns.eta) if cells)
    return replace(columns, title=max(0, columns.width - used - 2))


def row(job: Job, columns: Columns, now: float, *, is_marked: bool = False, is_cursor: bool = False) -> Line:
    """One job as a line of exactly `columns.width` cells."""
    word, style = state_of(job)
    quiet = "dim" if job.status in {JobStatus.COMPLETED, JobStatus.CANCELLED} else "text"
    spans: list[Span] = [
        (MARK if is_marked else CURSOR if is_cursor else " ", "mark"),
        (fit(word, STATE_CELLS), style),
    ]
    if columns.id:
        spans.append((" " + fit(str(job.id), columns.id, right=True), "dim"))
    if columns.source:
        spans.append((" " + fit(job.source_type, columns.source), "dim"))
    title_style = "strong" if job.status is JobStatus.RUNNING else quiet
    spans.append((" " + fit(title_of(job), columns.title), title_style))
    if columns.size:
        spans.append(
            (" " + fit(size_text(job.size_bytes) if job.size_bytes else "", columns.size, right=True), "dim")
        )
    if columns.priority:
        spans.append(
            (" " + fit(f"{job.priority:+}" if job.priority else "", columns.priority, right=True), "dim")
        )
    if columns.added:
        spans.append((" " + fit(clock_text(job.created, now), columns.added, right=True), "dim"))
    spans += [(" ", "text"), *_tail(job, columns, now), (" ", "text")]
    return pad(tuple(spans), columns.width)


def _tail(job: Job, columns: Columns, now: float) -> Line:
    share = job.progress
    moves = job.status is JobStatus.RUNNING or (job.status is JobStatus.PAUSED and job.bytes_done > 0)
    if not moves:
        text, style = note_of(job, now, columns.tail)
        return ((fit(text, columns.tail), style),)
    if share is None:
        size = size_text(job.bytes_done) if job.bytes_done else ""
        progress: Line = ((fit(size, columns.bar, right=True), "text"),)
    else:
        style = "bar.full" if job.status is JobStatus.RUNNING else "bar.held"
        percent = fit(percent_text(share), _PERCENT_CELLS, right=True)
        progress = (*bar(share, columns.bar - _PERCENT_CELLS, style), (percent, "text"))
    rate = rate_text(job.rate) if job.status is JobStatus.RUNNING else ""
    spans: list[Span] = list(progress)
    if columns.rate:
        spans.append((" " + fit(rate, columns.rate, right=True), "text"))
    if columns.eta:
        spans.append((" " + fit(span_text(job.eta_s), columns.eta, right=True), "dim"))
    return tuple(spans)


def column_heads(columns: Columns, sorted_by: str, *, is_reversed: bool) -> Line:
    """The line above the rows, with an arrow at the column that they are sorted by."""

    def head(name: str, cells: int, *, right: bool = False) -> Span:
        arrow = (UP if is_reversed else DOWN) if name.lower() == sorted_by else ""
        return fit(name + arrow, cells, right=right), "head"

    spans: list[Span] = [(" ", "head"), head("STATE", STATE_CELLS)]
    for name, cells, right in (
        ("ID", columns.id, True),
        ("SOURCE", columns.source, False),
        ("TITLE", columns.title, False),
        ("SIZE", columns.size, True),
        ("PRIO", columns.priority, True),
        ("ADDED", columns.added, True),
        ("PROGRESS", columns.bar, False),
        ("SPEED", columns.rate, True),
        ("LEFT", columns.eta, True),
    ):
        if cells:
            spans += [(" ", "head"), head(name, cells, right=right)]
    return pad(tuple(spans), columns.width)
