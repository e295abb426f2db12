"""Limits and switches that hold now, as text, and as people type them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.domain.figures import rate_text, size_text
from core.domain.limit import RunningLimit
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.paragraphs import blank, fact_lines, paragraph
from tui.present import ARROW, DOT, HOLLOW, Line, Span, fit, join_sides, pad

_KEYS = keys_on("settings")
#: The row of the switch that is no limit.
MAINTENANCE = "maintenance"
_ABOUT_MAINTENANCE = "Nothing new is taken; what was taken goes on, and what is finished is still sent"
_NAME_CELLS, _VALUE_CELLS = 28, 12
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*([kmgt]?)i?b?(?:/s)?", re.IGNORECASE | re.ASCII)


def value_text(limit: RunningLimit, value: int) -> str:
    """A limit's value as people read it."""
    if limit.is_switch:
        return f"{DOT} on" if value else f"{HOLLOW} off"
    if value == 0:
        return "none" if limit.name.startswith("min_") else "no limit"
    if limit.name.endswith("_bps"):
        return rate_text(value)
    return size_text(value) if limit.name.endswith("_bytes") else str(value)


def range_text(limit: RunningLimit) -> str:
    """Between what a limit can be set."""
    least = f"0 ({value_text(limit, 0)})" if limit.least == 0 else value_text(limit, limit.least)
    return f"{least} to {value_text(limit, limit.most)}"


def typed_value(limit: RunningLimit, text: str) -> int | None:
    """The value that *text* means, `2.5M` being bytes; None when it is none, or beyond the limit's range."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    power = " kmgt".index(found[2].lower() or " ")
    if power and not limit.name.endswith(("_bps", "_bytes")):
        return None
    number = float(found[1].replace(",", ".")) * 1024**power
    if not power and not number.is_integer():
        return None
    return int(number) if limit.least <= number <= limit.most else None


def limit_heads(width: int) -> Line:
    """The line above the rows."""
    text = f"{'SETTING':<{_NAME_CELLS}} {'NOW':<{_VALUE_CELLS}} {'CONFIGURED':<{_VALUE_CELLS}} WHAT"
    return pad(((text, "head"),), width)


def limit_row(limit: RunningLimit, width: int) -> Line:
    """A limit as a line of exactly *width* cells."""
    spans: list[Span] = [
        (fit(limit.name, _NAME_CELLS), "text"),
        (" " + fit(value_text(limit, limit.value), _VALUE_CELLS), "accent" if limit.is_changed else "strong"),
        (" " + fit(value_text(limit, limit.configured), _VALUE_CELLS), "dim"),
        (f" {for_terminal(limit.about)}", "dim"),
    ]
    return pad(tuple(spans), width)


def switch_row(width: int, *, is_on: bool) -> Line:
    """The switch as a line of exactly *width* cells."""
    state: Span = (f"{DOT} on", "warn") if is_on else (f"{HOLLOW} off", "strong")
    spans: list[Span] = [
        (fit(MAINTENANCE, _NAME_CELLS), "text"),
        (" " + fit(state[0], _VALUE_CELLS), state[1]),
        (" " + fit("off", _VALUE_CELLS), "dim"),
        (f" {_ABOUT_MAINTENANCE}", "dim"),
    ]
    return pad(tuple(spans), width)


def limit_detail(limit: RunningLimit, width: int, key: KeyOf = _KEYS) -> list[Line]:
    """All about a limit in lines of exactly *width* cells."""
    state = ("changed ", "accent") if limit.is_changed else ("as configured ", "dim")
    lines = [join_sides(((f" {for_terminal(limit.name)}", "strong"),), (state,), width)]
    lines += paragraph(f"{limit.about}.", "text", width)
    lines.append(blank(width))
    lines += fact_lines(
        (
            ("now", value_text(limit, limit.value), 1),
            ("config", value_text(limit, limit.configured), 1),
            ("range", range_text(limit), 1),
        ),
        width,
    )
    lines.append(blank(width))
    reset = key("reset_limit")
    more = f"It holds at once and after a restart; the configuration's value comes back with {reset}."
    return lines + paragraph(more, "dim", width, first=f"{ARROW} ")


def switch_detail(width: int, *, is_on: bool, key: KeyOf = _KEYS) -> list[Line]:
    """All about the switch in lines of exactly *width* cells."""
    state = ("on ", "warn") if is_on else ("off ", "dim")
    lines = [join_sides(((f" {MAINTENANCE}", "strong"),), (state,), width)]
    lines += paragraph(f"{_ABOUT_MAINTENANCE}.", "text", width)
    return [
        *lines,
        blank(width),
        *paragraph(f"{key('change')} turns it over.", "dim", width, first=f"{ARROW} "),
    ]


def no_limits(problem: str) -> Sequence[Line]:
    """What stands in place of rows when there are none."""
    if problem:
        return [(("The settings cannot be shown", "strong"),), (), ((problem, "dim"),)]
    return [(("Loading the settings …", "dim"),)]
