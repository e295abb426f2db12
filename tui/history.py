"""What ended on each of the last days, as bars of cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from core.domain.figures import size_text
from core.domain.history import DayFigures
from tui.paragraphs import blank
from tui.present import SEPARATOR, SPARKS, Line, join_sides, pad, sparkline

#: Days that are shown where there is room, a cell each.
DAYS = 30
#: Lines of the bars of completed jobs where there is room below one another.
TALL = 4
_NAME_CELLS = 8
#: A chart of all days, with its names.
CHART_CELLS = _NAME_CELLS + DAYS + 2


def success_text(days: Sequence[DayFigures]) -> str:
    """How many jobs were completed and failed, and the share of the former; empty without any."""
    done, failed = sum(day.completed for day in days), sum(day.failed for day in days)
    if not done + failed:
        return ""
    # Rounded down: what failed once in a thousand times is not 100 %.
    return f"{done} done {SEPARATOR} {failed} failed {SEPARATOR} {done * 100 // (done + failed)} %"


def chart(
    days: Sequence[DayFigures], source: str, today: date, width: int, *, is_tall: bool = False
) -> list[Line]:
    """A source's last days in lines of exactly *width* cells; as many days as there is room for."""
    own = [day for day in days if day.source == source]
    count = max(1, min(DAYS, width - _NAME_CELLS - 2))
    dates = [(today - timedelta(days=back)).isoformat() for back in reversed(range(count))]
    shown = {day.day: day for day in own if day.day in dates}
    told = f"{success_text(list(shown.values()))} "
    name = f" LAST {count} DAYS" if len(told) + 14 <= width else f" {count} DAYS"
    head = join_sides(((name, "head"),), ((told, "dim"),), width)
    if not shown:
        return [head, pad(((" nothing ended", "faint"),), width)]
    series = [shown.get(each) for each in dates]
    done = [day.completed if day else 0 for day in series]
    failed = [day.failed if day else 0 for day in series]
    sizes = [day.size_bytes if day else 0 for day in series]
    lines = [head]
    for number, text in enumerate(bars(done, TALL if is_tall else 1)):
        lines.append(_row("" if number else "done", text, "spark", width))
    lines.append(_row("failed", sparkline(failed), "bad", width))
    lines.append(_row("size", sparkline(sizes), "dim", width))
    begin = date.fromisoformat(dates[0]).strftime("%d %b")
    axis = f"{begin}{'today':>{count - len(begin)}}" if count > len(begin) + 6 else ""
    lines.append(_row("", axis, "faint", width))
    totals = f" {size_text(sum(sizes))} in all {SEPARATOR} {max(done)} on the best day"
    return [*lines, pad(((totals, "dim"),), width)]


def bars(values: Sequence[float], rows: int) -> list[str]:
    """Bars of *values*, a cell wide and *rows* high, from the top; the least is not nothing."""
    peak, steps = max(values, default=0), len(SPARKS)
    heights = [max(1, round(value / peak * rows * steps)) if value > 0 else 0 for value in values]
    return [
        "".join(" " if height <= floor else SPARKS[min(height - floor, steps) - 1] for height in heights)
        for floor in (row * steps for row in reversed(range(rows)))
    ]


def beside(left: Sequence[Line], right: Sequence[Line], left_width: int, right_width: int) -> list[Line]:
    """Two columns of lines."""
    count = max(len(left), len(right))
    a = [*left, *[blank(left_width)] * (count - len(left))]
    b = [*right, *[blank(right_width)] * (count - len(right))]
    return [(*one, *other) for one, other in zip(a, b, strict=True)]


def _row(name: str, text: str, style: str, width: int) -> Line:
    return pad(((f" {name:<{_NAME_CELLS - 1}}", "dim"), (text, style)), width)
