"""Line charts as SVG: both axes logarithmic, one line a series, no library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 110, 34, 44
_COLOURS = ("#3b6fb6", "#c0504d", "#4e9a51", "#8064a2", "#d98e04", "#4bacc6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart."""

    title: str
    x_label: str
    y_label: str
    #: Name → points (x, y), all above zero.
    series: Mapping[str, Sequence[tuple[float, float]]]


def draw(panels: Sequence[Panel]) -> str:
    """The panels side by side."""
    width = WIDTH * len(panels)
    inner = "".join(
        f'<g transform="translate({WIDTH * place},0)">{_panel(panel)}</g>'
        for place, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}"'
        f' width="{width}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="11" fill="#333">'
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>{inner}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    points = [point for line in panel.series.values() for point in line]
    x_ticks = sorted({x for x, _ in points})
    low, high = min(y for _, y in points), max(y for _, y in points)
    y_ticks = _decades(low, high)

    def x_at(x: float) -> float:
        first, last = math.log(x_ticks[0]), math.log(x_ticks[-1])
        return _LEFT + (math.log(x) - first) / ((last - first) or 1) * (WIDTH - _LEFT - _RIGHT)

    def y_at(y: float) -> float:
        first, last = math.log(y_ticks[0]), math.log(y_ticks[-1])
        return HEIGHT - _BOTTOM - (math.log(y) - first) / ((last - first) or 1) * (HEIGHT - _TOP - _BOTTOM)

    parts = [
        _text(_LEFT, 18, panel.title, bold=True),
        _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, panel.x_label, anchor="middle"),
        f'<g transform="rotate(-90 14 {HEIGHT / 2})">',
        _text(14, HEIGHT / 2, panel.y_label, anchor="middle"),
        "</g>",
    ]
    for y in y_ticks:
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y_at(y):.1f}" y2="{y_at(y):.1f}" stroke="#ddd"/>'
        )
        parts.append(_text(_LEFT - 6, y_at(y) + 4, f"{y:g}", anchor="end"))
    parts += [_text(x_at(x), HEIGHT - _BOTTOM + 16, f"{x:g}", anchor="middle") for x in x_ticks]
    ends: list[float] = []
    for (name, line), colour in zip(panel.series.items(), _COLOURS, strict=False):
        path = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        x, y = line[-1]
        at = y_at(y) + 4
        while any(abs(at - other) < 12 for other in ends):  # names do not cover each other
            at += 12
        ends.append(at)
        parts.append(_text(x_at(x) + 8, at, name, colour=colour))
    return "".join(parts)


def _decades(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 … from below *low* to above *high*."""
    ticks = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    first = max((tick for tick in ticks if tick <= low), default=ticks[0])
    last = min((tick for tick in ticks if tick >= high), default=ticks[-1])
    return [tick for tick in ticks if first <= tick <= last]


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#333", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(text)}</text>'
    )
