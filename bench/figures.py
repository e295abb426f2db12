"""What a case measured, the machine that it was measured on, and the table of both."""

from __future__ import annotations

import importlib.metadata
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure beside its goal."""

    #: What was done, and under which condition.
    work: str
    measured: float
    unit: str
    #: What it is compared with, in the same unit; None where the goal is a figure of its own.
    baseline: float | None = None
    #: The goal in words (`≤ 2x`), and whether it is met; None for figures that have none.
    goal: str = ""
    is_met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Measured against baseline."""
        return self.measured / self.baseline if self.baseline else None


def at_most(work: str, measured: float, unit: str, *, limit: float) -> Figure:
    """A figure that is to stay below *limit*."""
    return Figure(
        work=work, measured=measured, unit=unit, goal=f"≤ {limit:g} {unit}", is_met=measured <= limit
    )


def at_most_times(work: str, measured: float, unit: str, *, baseline: float, times: float) -> Figure:
    """A figure that is to stay below so many times another one."""
    return Figure(
        work=work,
        measured=measured,
        unit=unit,
        baseline=baseline,
        goal=f"≤ {times:g}x",
        is_met=measured <= times * baseline,
    )


def machine() -> str:
    """What the figures depend on, in one line."""
    load = " ".join(f"{value:.2f}" for value in psutil.getloadavg())
    return (
        f"{psutil.cpu_count()} cores, load {load}, {psutil.virtual_memory().available / 2**30:.1f} GiB free; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, reeldeck {importlib.metadata.version('reeldeck')}"
    )


def tell(figure: Figure) -> None:
    """Say a figure as soon as it is known: a case that is ended early has told something."""
    print(f"  {figure.work}: {_rounded(figure.measured)} {figure.unit}", file=sys.stderr, flush=True)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def said(figures: Iterable[Figure]) -> list[Figure]:
    """The same figures, each printed at once: whoever waits for a long case sees that it goes on."""
    told = []
    for figure in figures:
        beside = f", beside {_rounded(figure.baseline)}" if figure.baseline is not None else ""
        goal = f" ({figure.goal}: {'met' if figure.is_met else 'SHORT'})" if figure.goal else ""
        load = psutil.getloadavg()[0]
        print(
            f"{figure.work}: {_rounded(figure.measured)} {figure.unit}{beside}{goal}  [load {load:.1f}]",
            flush=True,
        )
        told.append(figure)
    return told


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, and below them what falls short."""
    rows = [("work", "measured", "compared with", "ratio", "goal", "")]
    rows += [
        (
            figure.work,
            f"{_rounded(figure.measured)} {figure.unit}",
            f"{_rounded(figure.baseline)} {figure.unit}" if figure.baseline is not None else "",
            f"{figure.ratio:.2f}x" if figure.ratio is not None else "",
            figure.goal,
            {True: "met", False: "SHORT", None: ""}[figure.is_met],
        )
        for figure in figures
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    judged = [figure for figure in figures if figure.is_met is not None]
    missed = [figure.work for figure in judged if not figure.is_met]
    verdict = f"{len(judged) - len(missed)} of {len(judged)} goals met"
    return "\n".join([*lines, verdict + "".join(f"\n  falls short: {work}" for work in missed)])
