"""Lines of the engine's log as text: what is shown of each, and which of them somebody wants to see. Pure.

What stands in a log came from outside: it passes `for_terminal` here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from core.domain.job import from_iso
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.paragraphs import blank, heading, paragraph, steps, wrap
from tui.present import ARROW, Line, Span, clock_text, fit, join_sides, pad

_KEYS = keys_on("log")
#: Lowest levels to choose from, each with those that it shows.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_RANKS = {level: rank for rank, level in enumerate((*LEVELS, "CRITICAL"))}
_STYLES = {"DEBUG": "dim", "WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad"}
_SHORT = {"WARNING": "WARN", "CRITICAL": "FATAL"}
#: Of what a row tells beside the event: what comes first, and what only the detail tells.
_TELLING = frozenset({"message", "error_type", "to"})
_QUIET = frozenset({"logger", "seq", "logger_name"})
#: They have a place of their own.
_SHOWN_FIRST = frozenset({"time", "level", "event", "exception", "job_id"})
_TIME_CELLS, _LEVEL_CELLS, _JOB_CELLS = 8, 5, 7
#: Nobody reads more of one value.
_VALUE_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. Its texts are not yet safe to print."""

    #: Counts the lines that were read.
    number: int
    at: float | None
    level: str
    what: str
    job_id: int | None
    facts: tuple[tuple[str, str], ...]
    trace: tuple[str, ...]
    #: What words are looked for in.
    searched: str

    @classmethod
    def of(cls, number: int, fields: Mapping[str, Any]) -> Self:
        """A stored line, whatever it holds."""
        job_id = fields.get("job_id")
        facts = tuple(
            (str(name), _value(value)) for name, value in fields.items() if name not in _SHOWN_FIRST
        )
        trace = fields.get("exception")
        what = str(fields.get("event", ""))
        return cls(
            number=number,
            at=_moment(fields.get("time")),
            level=str(fields.get("level", "")).upper(),
            what=what,
            job_id=job_id if isinstance(job_id, int) else None,
            facts=facts,
            trace=tuple(map(str, trace)) if isinstance(trace, list) else (),
            searched=" ".join((what, *(f"{name}={value}" for name, value in facts))).casefold(),
        )


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_VALUE_CHARS]


def _moment(value: Any) -> float | None:
    try:
        return from_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are shown: from a level on, of one job, with all of some words and none of others."""

    level: str = "INFO"
    text: str = ""

    def matches(self, entry: Entry) -> bool:
        """Whether *entry* is shown."""
        if _RANKS.get(entry.level, len(_RANKS)) < _RANKS[self.level]:
            return False
        return all(self._holds(term, entry) for term in self.text.casefold().split())

    @staticmethod
    def _holds(term: str, entry: Entry) -> bool:
        word = term.removeprefix("!")
        name, _, number = word.partition(":")
        if name == "job" and number.isdecimal():
            found = entry.job_id == int(number)
        else:
            found = word in entry.searched
        return found != term.startswith("!") if word else True


def log_heads(width: int) -> Line:
    """The line above the rows."""
    text = f"{'TIME':<{_TIME_CELLS}} {'LEVEL':<{_LEVEL_CELLS}} {'JOB':>{_JOB_CELLS}} WHAT"
    return pad(((text, "head"),), width)


def log_row(entry: Entry, width: int) -> Line:
    """One line of the log as a line of exactly *width* cells."""
    at = clock_text(entry.at, entry.at or 0.0, seconds=True)
    style = _STYLES.get(entry.level, "text")
    facts = sorted(entry.facts, key=lambda fact: fact[0] not in _TELLING)
    rest = " ".join(f"{name}={value}" for name, value in facts if name not in _QUIET)
    spans: list[Span] = [
        (fit(at, _TIME_CELLS), "dim"),
        (" " + fit(_SHORT.get(entry.level, entry.level), _LEVEL_CELLS), "dim" if style == "text" else style),
        (" " + fit(f"#{entry.job_id}" if entry.job_id is not None else "", _JOB_CELLS, right=True), "dim"),
    ]
    room = width - sum(len(text) for text, _ in spans) - 1
    what = for_terminal(entry.what, cells=max(1, room)).rstrip()
    spans += [(f" {what}", style), (f"  {for_terminal(rest)}", "dim")]
    return pad(tuple(spans), width)


def log_detail(entry: Entry, now: float, width: int, key: KeyOf = _KEYS) -> list[Line]:
    """All of a line of the log in lines of exactly *width* cells."""
    style = _STYLES.get(entry.level, "dim")
    left: Line = ((f" {clock_text(entry.at, now, seconds=True)}", "strong"),)
    lines = [join_sides(left, ((f"{fit(entry.level, 8, right=True)} ", style),), width)]
    lines += paragraph(entry.what, "text", width)
    if entry.job_id is not None:
        ways = f"Job {entry.job_id}: {key('open_job')} shows it, {key('job_log')} its lines."
        lines += paragraph(ways, "dim", width, first=f"{ARROW} ")
    lines.append(blank(width))
    for name, value in entry.facts:
        lines += _fact(name, value, width)
    if entry.trace:
        lines += [blank(width), heading("WHERE", width)]
        lines += [line for text in entry.trace for line in paragraph(text, "dim", width)]
    return lines


def _fact(name: str, value: str, width: int) -> Iterator[Line]:
    """A name and its value, which begins a line of its own where it is long."""
    shown = for_terminal(name)
    texts = wrap(value, max(8, width - 4))
    if len(texts) == 1 and len(shown) + len(texts[0]) + 3 < width:
        yield pad(((f" {shown} ", "dim"), (texts[0], "text")), width)
        return
    yield pad(((f" {shown}", "dim"),), width)
    for text in texts:
        yield pad(((f"   {text}", "text"),), width)


def no_lines(*, is_kept: bool, is_filtered: bool, problem: str, key: KeyOf = _KEYS) -> Sequence[Line]:
    """What stands in place of lines when there are none."""
    if not is_kept:
        return [
            (("The engine keeps no log", "strong"),),
            (),
            (("Switch it on: [logging] json_file = true", "dim"),),
        ]
    if problem:
        return [(("The log cannot be read", "strong"),), (), ((for_terminal(problem), "dim"),)]
    if is_filtered:
        return [
            (("No line matches", "strong"),),
            (),
            *steps(
                (key("filter"), "change the words"),
                (key("level"), "another level"),
                (key("back"), "no words"),
            ),
        ]
    return [
        (("Nothing was written yet", "strong"),),
        (),
        (("What the engine does stands here as it comes, the newest last", "dim"),),
    ]
