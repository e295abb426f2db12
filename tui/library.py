"""The library as text: what is kept, where, and what a search that cannot be understood meant. Pure.

What was fetched is named by strangers: it passes `for_terminal` here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from core.domain.errors import ReeldeckError
from core.domain.figures import size_text, span_text
from core.domain.job import Kind
from core.domain.library import LibraryEntry, MediaItem
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.paragraphs import Fact, blank, fact_lines, heading, nothing_yet, paragraph, steps
from tui.present import ARROW, SEPARATOR, Line, Span, clock_text, fit, pad

_KEYS = keys_on("library")
#: Columns beside the title from this width on, with their cells.
_BREAKPOINTS: tuple[tuple[int, Mapping[str, int]], ...] = (
    (90, {"BY": 18, "KIND": 5, "LENGTH": 6, "SIZE": 8, "DATE": 10}),
    (70, {"BY": 14, "KIND": 5, "LENGTH": 6, "SIZE": 8}),
    (50, {"LENGTH": 6, "SIZE": 8}),
    (0, {"LENGTH": 6}),
)
_RIGHT_ALIGNED = frozenset({"LENGTH", "SIZE"})
_COLUMN = re.compile(r"column (\d{1,4}): ")


def _columns(width: int) -> tuple[int, Mapping[str, int]]:
    cells = next(cells for least, cells in _BREAKPOINTS if width >= least)
    return max(0, width - sum(1 + each for each in cells.values()) - 1), cells


def item_heads(width: int) -> Line:
    """The line above the rows."""
    title_cells, cells = _columns(width)
    text = fit("TITLE", title_cells)
    for name, each in cells.items():
        text += " " + fit(name, each, right=name in _RIGHT_ALIGNED)
    return pad(((text, "head"),), width)


def title_of_item(item: MediaItem) -> str:
    """What a file is called. Not yet safe to print."""
    return item.title or item.url


def item_row(item: MediaItem, width: int) -> Line:
    """One file as a line of exactly *width* cells."""
    title_cells, cells = _columns(width)
    texts = {
        "BY": item.artist or "",
        "KIND": item.kind.value,
        "LENGTH": span_text(item.duration_s),
        "SIZE": size_text(item.size_bytes) if item.size_bytes else "",
        "DATE": item.date or "",
    }
    spans: list[Span] = [(fit(title_of_item(item), title_cells), "text")]
    spans += [(" " + fit(texts[name], cells[name], right=name in _RIGHT_ALIGNED), "dim") for name in cells]
    return pad(tuple(spans), width)


def item_detail(item: MediaItem, entry: LibraryEntry | None, now: float, width: int) -> list[Line]:
    """All about a file in lines of exactly *width* cells; *entry* is what was asked for, if it is there."""
    lines = paragraph(title_of_item(item), "strong", width)
    by = f" {SEPARATOR} ".join(text for text in (item.artist, item.album) if text)
    if by:
        lines += paragraph(by, "accent", width)
    if entry is not None and not entry.is_there:
        gone = "The file is not where it was put: it was moved or deleted."
        if item.removed is not None:
            gone = f"The file was kept long enough: deleted {clock_text(item.removed, now)}."
        lines += paragraph(gone, "bad", width)
        lines += paragraph("reeldeck add --force LINK fetches it again", "text", width, first=f"{ARROW} ")
    lines.append(blank(width))
    lines += fact_lines(_facts(item, now), width)
    if entry is not None and entry.copies:
        lines += [blank(width), heading("THE SAME CONTENT", width)]
        for copy in entry.copies:
            lines += paragraph(copy.file_path, "dim", width)
    return lines


def _facts(item: MediaItem, now: float) -> Iterator[Fact]:
    yield "file", item.file_path, 6
    size = size_text(item.size_bytes) if item.size_bytes else ""
    picture = f"{item.width}×{item.height}" if item.kind is Kind.VIDEO and item.width else ""  # noqa: RUF001 -- the sign for it
    what = (size, span_text(item.duration_s), item.container or "", picture)
    yield "format", f" {SEPARATOR} ".join(text for text in what if text), 2
    number = f", number {item.track_number}" if item.track_number and item.album else ""
    yield "date", f"{item.date or ''}{number}".removeprefix(", "), 1
    yield "source", item.source_type, 1
    yield "link", item.url, 4
    yield "heard", item.performers or "", 3
    yield "tags", ", ".join(item.tags), 2
    yield "fetched", clock_text(item.created, now), 1
    yield "job", str(item.job_id) if item.job_id is not None else "", 1
    yield "chat", str(item.chat_id) if item.chat_id is not None else "", 1
    yield "sha256", item.sha256 or "", 3


def column_of(error: ReeldeckError) -> int | None:
    """Where in a search the fault is, counted from 0; None when it is not about the search's words."""
    found = _COLUMN.search(str(error))
    return int(found[1]) - 1 if found else None


def problem_lines(error: ReeldeckError, indent: int, width: int) -> list[Line]:
    """Two lines under what was typed, which begins at *indent*: a pointer to the fault, and what it is."""
    column = column_of(error)
    what = _COLUMN.sub("", str(error))
    told: Line = ((f" {for_terminal(what)}", "bad"), (f"  {for_terminal(error.hint)}", "dim"))
    if column is None:
        return [pad(((" ", "text"),), width), pad(told, width)]
    return [pad(((" " * min(indent + column, width - 1), "text"), ("^", "bad")), width), pad(told, width)]


def no_items(*, is_live: bool, is_asked: bool, text: str, key: KeyOf = _KEYS) -> Sequence[Line]:
    """What stands in place of files when there are none."""
    if not is_asked:
        return nothing_yet("the library", is_lost=not is_live)
    if text:
        return [
            (("Nothing has these words", "strong"),),
            (),
            (("duration>1h  size<50MB  by:name  source:youtube  after:2024  -word", "accent"),),
            (),
            *steps((key("filter"), "change the search"), (key("back"), "show all")),
        ]
    return [
        (("The library is empty", "strong"),),
        (),
        (("What is downloaded comes here, and can be found by its words", "dim"),),
        (),
        *steps(
            (key("add"), "add a link, or just paste one here"),
            ("$", "reeldeck library import DIR, for files that you have"),
            (key("help"), "see all keys"),
        ),
    ]
