"""What chats are told: lines with bold and code in them, and the sentences that say it. Pure.

Nothing is read as markup: formatting is entities, whose offsets count UTF-16 units. What strangers wrote
passes `remote`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telethon.tl import types

from core.domain.errors import ReeldeckError
from core.domain.figures import percent_text, rate_text, rough_text, size_text, span_text
from core.domain.job import Job, JobStatus
from core.domain.text import for_terminal
from core.domain.wording import state_word, title_of

#: More lines than this are not read on a phone.
MAX_ROWS = 12
#: What strangers wrote is cut to this many cells: two lines of a phone.
REMOTE_CELLS = 60
_MENTION = re.compile(r"@(?=\w)")

Piece = tuple[str, type[Any] | None]
#: A line: plain, or in pieces.
Row = str | Sequence[str | Piece]


@dataclass(frozen=True, slots=True)
class Text:
    """A message as Telegram takes it."""

    plain: str
    entities: tuple[Any, ...] = ()


def bold(text: str) -> Piece:
    """*text* in bold."""
    return text, types.MessageEntityBold


def code(text: str) -> Piece:
    """*text* in a fixed width; a touch copies it."""
    return text, types.MessageEntityCode


def remote(text: str, cells: int = REMOTE_CELLS) -> str:
    """*text* of strangers as part of a line: nothing hidden, nothing reordered, and it calls nobody."""
    return _MENTION.sub("@\u2060", for_terminal(text, cells=cells))


def compose(mark: str, rows: Sequence[Row], *, more: str | None = None) -> Text:
    """A message of *rows*, at most MAX_ROWS with *more*, the line that ends it; what is too much is counted.

    *mark* begins it: so it is known for ours, and is no command whatever stands in it.
    """
    if more is None and len(rows) > MAX_ROWS:
        more = f"… and {len(rows) - MAX_ROWS + 1} more"
    room = MAX_ROWS - (more is not None)
    plain, entities, end = f"{mark} ", list[Any](), _units(f"{mark} ")
    for number, row in enumerate([*rows[:room], *([more] if more else [])]):
        pieces = [row] if isinstance(row, str) else row
        for piece in ["\n", *pieces] if number else pieces:
            text, kind = (piece, None) if isinstance(piece, str) else piece
            if kind is not None and text:
                entities.append(kind(end, _units(text)))
            plain += text
            end += _units(text)
    return Text(plain, tuple(entities))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def and_more(total: int, shown: int, where: str) -> str | None:
    """The last line of a list that was cut: where the rest stands."""
    return f"… and {total - shown} more: {where}" if total > shown else None


def counted(count: int, noun: str) -> str:
    """`1 job`, `3 jobs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def problem(error: ReeldeckError) -> list[Row]:
    """What went wrong, and what to do."""
    return [remote(str(error), cells=200), remote(error.hint, cells=200)]


def job_row(job: Job) -> Row:
    """A job in a line: its number, how it stands, its title."""
    return [code(str(job.id)), f" {standing(job)} · {remote(title_of(job))}"]


def standing(job: Job, now: float | None = None) -> str:
    """How a job stands: `fetching 45% 4.2M/s 2:10 left`, `retrying in 5 min`, `done 1.2 GiB`."""
    word = state_word(job)
    if job.status is JobStatus.RUNNING:
        share = percent_text(job.progress) if job.progress is not None else ""
        left = f"{span_text(job.eta_s)} left" if job.eta_s is not None else ""
        return " ".join(filter(None, (word, share, rate_text(job.rate), left)))
    if job.status is JobStatus.PENDING and job.not_before is not None:
        wait_s = job.not_before - (time.time() if now is None else now)
        return f"{word} in {rough_text(wait_s)}" if wait_s > 0 else word
    if job.status is JobStatus.COMPLETED and job.size_bytes:
        return f"{word} {size_text(job.size_bytes)}"
    return word
