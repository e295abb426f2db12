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
from core.domain.job import Job
from core.domain.text import for_terminal
from core.domain.wording import standing_facts, title_of
from userbot.replies import MAX_UNITS

#: More lines than this are not read on a phone.
MAX_ROWS = 12
#: What strangers wrote is cut to this many cells: two lines of a phone.
REMOTE_CELLS = 60
#: Telegram makes links, mentions, commands and tags of these, which a touch on a phone would follow or send.
_LIVE = re.compile(r"@(?=\w)|(?<![\w/])[/#$](?=\w)|(?<=\w)(?:\.(?=[^\W\d_])|:(?=/))")
#: Breaks such a word where nobody sees it.
_WORD_JOINER = "\u2060"

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
    """*text* of strangers as part of a line: nothing hidden or reordered, and `inert`."""
    return inert(for_terminal(text, cells=cells))


def inert(text: str) -> str:
    """*text* as it was to the eye, in which nothing calls anybody or can be touched."""
    return _LIVE.sub(rf"\g<0>{_WORD_JOINER}", text)


def compose(mark: str, rows: Sequence[Row], *, more: str | None = None) -> Text:
    """A message of *rows*, at most MAX_ROWS with *more*, the line that ends it; what is too much is counted.

    *mark* begins it: so it is known for ours, and is no command whatever stands in it. It is never longer
    than Telegram takes: what a few letters with thousands of marks would add is cut off.
    """
    if more is None and len(rows) > MAX_ROWS:
        more = f"… and {len(rows) - MAX_ROWS + 1} more"
    room = MAX_ROWS - (more is not None)
    plain, entities, end = f"{mark} ", list[Any](), _units(f"{mark} ")
    for number, row in enumerate([*rows[:room], *([more] if more else [])]):
        pieces = [row] if isinstance(row, str) else row
        for piece in ["\n", *pieces] if number else pieces:
            text, kind = (piece, None) if isinstance(piece, str) else piece
            text = _head(text, MAX_UNITS - end)
            if kind is not None and text:
                entities.append(kind(end, _units(text)))
            plain += text
            end += _units(text)
    return Text(plain, tuple(entities))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _head(text: str, units: int) -> str:
    """As much of *text* as there is room for."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


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
    return " ".join(standing_facts(job, time.time() if now is None else now))
