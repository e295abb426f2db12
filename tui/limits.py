"""Limits and switches that hold now, as text, and as people type them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.limit import RunningLimit, figure_text, range_text
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.paragraphs import blank, fact_lines, paragraph
from tui.present import ARROW, DOT, HOLLOW, Line, Span, fit, join_sides, pad

_KEYS = keys_on("settings")
#: The row of the switch that is no limit.
MAINTENANCE = "maintenance"
_ABOUT_MAINTENANCE = "Nothing new is taken; what was taken goes on, and what is finished is still sent"
_NAME_CELLS, _VALUE_CELLS = 28, 12
#: With less room than this, what a setting is about stands in its detail alone.
_LEAST_ABOUT_CELLS = 30


def value_text(limit: RunningLimit, value: int) -> str:
    """A limit's value as people read it."""
    if limit.is_switch:
        return f"{DOT} on" if value else f"{HOLLOW} off"
    return figure_text(limit, value)


def limit_heads(width: int) -> Line:
    """The line above the rows."""
    text = f"{'SETTING':<{_NAME_CELLS}} {'NOW':<{_VALUE_CELLS}} {'CONFIGURED':<{_VALUE_CELLS}}"
    return pad(((text, "head"), *_about("WHAT", width, "head")), width)


def _about(text: str, width: int, style: str = "dim") -> Line:
    """The last column of a row of *width* cells, where there is room for more than its first word."""
    room = width - _NAME_CELLS - 2 * _VALUE_CELLS - 3
    return ((f" {for_terminal(text)}", style),) if room >= _LEAST_ABOUT_CELLS else ()


def limit_row(limit: RunningLimit, width: int) -> Line:
    """A limit as a line of exactly *width* cells."""
    spans: list[Span] = [
        (fit(limit.name, _NAME_CELLS), "text"),
        (" " + fit(value_text(limit, limit.value), _VALUE_CELLS), "accent" if limit.is_changed else "strong"),
        (" " + fit(value_text(limit, limit.configured), _VALUE_CELLS), "dim"),
        *_about(limit.about, width),
    ]
    return pad(tuple(spans), width)


def switch_row(width: int, *, is_on: bool) -> Line:
    """The switch as a line of exactly *width* cells."""
    state: Span = (f"{DOT} on", "warn") if is_on else (f"{HOLLOW} off", "strong")
    spans: list[Span] = [
        (fit(MAINTENANCE, _NAME_CELLS), "text"),
        (" " + fit(state[0], _VALUE_CELLS), state[1]),
        (" " + fit("off", _VALUE_CELLS), "dim"),
        *_about(_ABOUT_MAINTENANCE, width),
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
        *paragraph(f"{key('change')} switches it.", "dim", width, first=f"{ARROW} "),
    ]


def no_limits(problem: str) -> Sequence[Line]:
    """What stands in place of rows when there are none."""
    if problem:
        return [(("The settings cannot be shown", "strong"),), (), ((problem, "dim"),)]
    return [(("Loading the settings …", "dim"),)]
