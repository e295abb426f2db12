"""Text laid out in lines of a width: broken at spaces, under headings, as facts with names. Pure.

Whatever came from outside passes `for_terminal` here.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.text import cell_width, for_terminal
from tui.present import Line, pad, width_of

#: A fact's name, its text, and how many lines it may take.
Fact = tuple[str, str, int]
#: What the longest name of a fact takes.
_NAME_CELLS = 7


def wrap(text: str, cells: int) -> list[str]:
    """*text*, made safe, in lines of at most *cells* cells, broken at spaces where that is possible."""
    lines: list[str] = []
    line = ""
    for word in for_terminal(text).split(" "):
        joined = f"{line} {word}" if line else word
        if cell_width(joined) <= cells:
            line = joined
            continue
        if line:
            lines.append(line)
        while cell_width(word) > cells:
            head = _head(word, cells)
            lines.append(head)
            word = word[len(head) :]  # noqa: PLW2901 -- what is left of the word
        line = word
    return [*lines, line] if line or not lines else lines


def _head(word: str, cells: int) -> str:
    end, room = 0, max(cells, 2)
    for char in word:
        room -= cell_width(char)
        if room < 0:
            break
        end += 1
    return word[: max(end, 1)]


def fold(lines: Iterable[Line], cells: int) -> list[Line]:
    """*lines*, with those that are too long broken in their last span, below which they go on."""
    folded: list[Line] = []
    for line in lines:
        if width_of(line) <= cells:
            folded.append(line)
            continue
        *before, (text, style) = line
        left = sum(cell_width(each) for each, _ in before) + len(text) - len(text.lstrip())
        first, *more = wrap(text.lstrip(), max(1, cells - left))
        gap = text[: len(text) - len(text.lstrip())]
        folded.append((*before, (gap + first, style)))
        folded += [((" " * left + each, style),) for each in more]
    return folded


def paragraph(text: str, style: str, width: int, *, first: str = "") -> list[Line]:
    """*text* in as many lines as it takes, *first* before the first of them."""
    indent = " " * len(first)
    return [
        pad(((f" {indent if number else first}{line}", style),), width)
        for number, line in enumerate(wrap(text, width - 2 - len(first)))
    ]


def fact_lines(facts: Iterable[Fact], width: int) -> list[Line]:
    """Names and what they stand for; a fact without a text is left out."""
    lines: list[Line] = []
    for name, value, most in facts:
        if not value:
            continue
        for number, text in enumerate(wrap(value, width - _NAME_CELLS - 3)[:most]):
            shown = "" if number else name
            lines.append(pad(((f" {shown:<{_NAME_CELLS}} ", "dim"), (text, "text")), width))
    return lines


def steps(*known: tuple[str, str]) -> list[Line]:
    """What can be done next, a line each: a key, or `$` for a shell, and what it does."""
    cells = max(cell_width(sign) for sign, _ in known) + 2
    return [((f"{sign:<{cells}}", "key"), (what, "dim")) for sign, what in known]


def nothing_yet(what: str, *, is_lost: bool) -> list[Line]:
    """What stands on a page before the engine has told of *what*, and when it cannot."""
    if not is_lost:
        return [((f"Loading {what} …", "dim"),)]
    return [
        (("The engine does not answer", "strong"),),
        (),
        (("It is looked for again by itself.", "dim"),),
        (("Start it with  ", "dim"), ("reeldeck serve", "accent")),
    ]


def heading(text: str, width: int) -> Line:
    """The line over a part."""
    return pad(((f" {text}", "head"),), width)


def blank(width: int) -> Line:
    """An empty line."""
    return ((" " * width, "text"),)
