"""The rows of the list and the line above them, cell by cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def tail(self) -> int:
        """Cells of bar, rate and ETA together: where a row that moves no bytes has its note."""
        return self.bar + sum(1 + cells for cells in (self.rate, self.eta) if cells)


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


def columns_for(width: int) -> Columns:
    """How a row of *width* cells is divided; the title takes what is left."""
    _, (job_id, source, added, bar_cells, rate, eta) = next(row for row in _BREAKPOINTS if width >= row[0])
    fixed = sum(1 + cells for cells in (STATE_CELLS, job_id, source, added, bar_cells, rate, eta) if cells)
    return Columns(width, job_id, source, max(0, width - fixed - 2), added, bar_cells, rate, eta)


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
        ("ADDED", columns.added, True),
        ("PROGRESS", columns.bar, False),
        ("SPEED", columns.rate, True),
        ("LEFT", columns.eta, True),
    ):
        if cells:
            spans += [(" ", "head"), head(name, cells, right=right)]
    return pad(tuple(spans), columns.width)
