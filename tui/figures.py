"""How long works stand, as text: folders that are imported, chats that are collected. Pure."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.figures import size_text
from core.domain.library import Imported
from core.domain.messenger import Collected

#: Writes bytes as a face does.
SizeText = Callable[[int], str]


def import_progress(figures: Imported, size: SizeText = size_text) -> str:
    """How far an import is."""
    share = figures.seen_bytes / figures.total_bytes if figures.total_bytes else 0.0
    return f"{share:4.0%}  {figures.seen} of {figures.total} files, {size(figures.seen_bytes)}"


def import_summary(figures: Imported, *, twice: str) -> str:
    """What came of an import; *twice* says where copies are listed."""
    told = (
        (figures.added, "entered"),
        (figures.copies, f"of them the same as another (see: {twice})"),
        (figures.known, "known"),
        (figures.found_again, "found again"),
        (figures.refused, "refused"),
        (figures.moved, "moved into the archive"),
    )
    return ", ".join(f"{count} {words}" for count, words in told if count) or "There are no sounds or films."


def collect_progress(figures: Collected, size: SizeText = size_text) -> str:
    """How far a collection is."""
    return f"{figures.seen} messages, {figures.found} fit, {size(figures.size_bytes)}"


def collect_summary(figures: Collected, size: SizeText = size_text, *, is_dry: bool) -> str:
    """What came of a collection."""
    jobs = "" if is_dry else f": {figures.added} new jobs, {figures.joined} known"
    return f"{collect_progress(figures, size)}{jobs}"
