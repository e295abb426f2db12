"""What an engine's owner looks at, as text: tokens, the record of changes, receivers, checks. Pure.

Names, hosts and paths come from outside: they pass `for_terminal` here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.job import from_iso
from core.domain.token import AuditEntry, Token
from tui.here import Check
from tui.paragraphs import blank, fact_lines, heading, paragraph, steps
from tui.present import ARROW, Line, Span, clock_text, count_text, fit, pad

#: Names of columns, their cells (the one with 0 takes what is left) and whether they stand to the right.
Columns = Sequence[tuple[str, int]]

TOKEN_COLUMNS: Columns = (("NAME", 0), ("OPENS", 22), ("MADE", 8), ("USED", 8), ("", 7))
AUDIT_COLUMNS: Columns = (("WHEN", 8), ("WHO", 18), ("WHAT", 0))
RECEIVER_COLUMNS: Columns = (("RECEIVER", 0), ("WAITING", 7), ("SENT", 7), ("STATE", 9))
CHECK_COLUMNS: Columns = (("", 5), ("CHECK", 14), ("WHAT IS THERE", 0))
_LEVELS = {"ok": "good", "warn": "warn", "fail": "bad"}
#: Jobs of a change that are named.
_NAMED = 12


def heads(columns: Columns, width: int) -> Line:
    """The line above the rows."""
    return row([(name, "head") for name, _ in columns], columns, width)


def row(cells: Sequence[Span], columns: Columns, width: int) -> Line:
    """Texts in columns, as a line of exactly *width* cells."""
    room = max(0, width - sum(each for _, each in columns) - len(columns))
    return pad(
        tuple(
            (f"{fit(text, each or room)} ", style)
            for (text, style), (_, each) in zip(cells, columns, strict=True)
        ),
        width,
    )


def token_row(token: Token, now: float, width: int) -> Line:
    """A token; what has ended is dim."""
    is_valid = token.revoked is None
    cells = [
        (token.name, "strong" if is_valid else "faint"),
        (", ".join(sorted(token.scopes)), "text" if is_valid else "faint"),
        (clock_text(token.created, now), "dim"),
        (clock_text(token.last_used, now) or "never", "dim"),
        ("" if is_valid else "ended", "dim"),
    ]
    return row(cells, TOKEN_COLUMNS, width)


def token_detail(token: Token, now: float, width: int) -> list[Line]:
    """All about a token; never what it is."""
    ended = clock_text(token.revoked, now)
    facts = (
        ("opens", ", ".join(sorted(token.scopes)), 2),
        ("made", clock_text(token.created, now, seconds=True), 1),
        ("used", clock_text(token.last_used, now) or "never", 1),
        ("ended", ended, 1),
    )
    told = "It opens nothing any more." if ended else "The token itself was shown once, when it was made."
    return [
        *paragraph(token.name, "strong", width),
        blank(width),
        *fact_lines(facts, width),
        blank(width),
        *paragraph(told, "dim", width),
    ]


def change_row(entry: AuditEntry, now: float, width: int) -> Line:
    """A change: when, by whom, what."""
    method = entry.action.partition(" ")[0]
    cells = [
        (clock_text(entry.created, now), "dim"),
        (entry.actor, "text" if entry.actor == "socket" else "accent"),
        (f"{method} {entry.target}", "text"),
    ]
    return row(cells, AUDIT_COLUMNS, width)


def change_detail(entry: AuditEntry, now: float, width: int) -> list[Line]:
    """All about a change."""
    jobs = [str(each) for each in entry.data.get("jobs", ())]
    more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
    facts = (
        ("who", entry.actor, 1),
        ("when", clock_text(entry.created, now, seconds=True), 1),
        ("jobs", ", ".join(jobs[:_NAMED]) + more, 3),
    )
    return [*paragraph(entry.action, "strong", width), blank(width), *fact_lines(facts, width)]


def receiver_row(receiver: Mapping[str, Any], width: int) -> Line:
    """One who is told when jobs end."""
    is_failing = receiver["failing_since"] is not None
    waiting = int(receiver["waiting"])
    cells = [
        (str(receiver["host"]), "strong"),
        (count_text(waiting), "warn" if waiting else "dim"),
        (count_text(int(receiver["sent"])), "dim"),
        ("failing", "bad") if is_failing else ("well", "good"),
    ]
    return row(cells, RECEIVER_COLUMNS, width)


def receiver_detail(receiver: Mapping[str, Any], now: float, width: int) -> list[Line]:
    """All about a receiver: what waits, and why."""
    lines = paragraph(str(receiver["host"]), "strong", width)
    if (since := from_iso(receiver["failing_since"])) is not None:
        lines += paragraph(f"{receiver['error_message']}, since {clock_text(since, now)}", "bad", width)
    facts = (
        ("next", clock_text(from_iso(receiver["retry_at"]), now, seconds=True), 1),
        ("waiting", str(receiver["waiting"]), 1),
        ("oldest", clock_text(from_iso(receiver["oldest"]), now, seconds=True), 1),
        ("sent", str(receiver["sent"]), 1),
        ("failed", str(receiver["failed"]), 1),
        ("dropped", str(receiver["given_up"]), 1),
    )
    return [*lines, blank(width), *fact_lines(facts, width)]


def check_row(check: Check, width: int) -> Line:
    """What a check saw."""
    cells = [(check.level, _LEVELS.get(check.level, "text")), (check.name, "strong"), (check.detail, "text")]
    return row(cells, CHECK_COLUMNS, width)


def check_detail(check: Check, width: int) -> list[Line]:
    """What a check saw, and what to do."""
    lines = [
        *paragraph(check.name, "strong", width),
        *paragraph(check.detail, _LEVELS.get(check.level, "text"), width),
    ]
    if check.fix:
        lines += [
            blank(width),
            heading("WHAT TO DO", width),
            *paragraph(check.fix, "text", width, first=f"{ARROW} "),
        ]
    return lines


def nothing(what: str, *next_steps: tuple[str, str]) -> list[Line]:
    """What stands on a page that has no rows: why, and what to do."""
    told: list[Line] = [((what, "strong"),)]
    return [*told, (), *steps(*next_steps)] if next_steps else told
