"""What is amiss with an engine that answers: one line under the header of every page. Pure.

The engine tells of itself in a mapping; what an older one leaves out is left blank here.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from core.domain.figures import rough_text, size_text
from core.domain.job import from_iso
from core.domain.text import for_terminal
from tui.present import SEPARATOR, Line, pad

Status = Mapping[str, Any]
#: Clocks that differ by less show nobody a wrong time.
SKEW_S = 120.0


@cache
def own_version() -> str:
    """The version of this dashboard."""
    return importlib.metadata.version("reeldeck")


@cache
def made_at() -> float:
    """When a part of this program was made, in seconds since the epoch: no right clock is behind that."""
    try:
        year, month, day, *_ = importlib.metadata.version("yt-dlp").split(".")
        return datetime(int(year), int(month), int(day), tzinfo=UTC).timestamp()
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return 0.0


def _disk(status: Status, _: float) -> tuple[str, str]:
    disk = status.get("disk", {})
    free, kept = disk.get("free_bytes"), disk.get("min_free_bytes", 0)
    if free is None or free >= kept:
        return "", ""
    return (
        f"The disk is almost full: {size_text(free)} free, {size_text(kept)} kept",
        "jobs wait",
    )


def _internet(status: Status, _: float) -> tuple[str, str]:
    if not status.get("network", {}).get("is_away"):
        return "", ""
    return "This machine does not reach the internet", "jobs go on when it does"


def _told_now(status: Status) -> float | None:
    told = status.get("engine", {}).get("now")
    try:
        return from_iso(told) if isinstance(told, str) else None
    except ValueError:
        return None


def _clock(status: Status, heard: float) -> tuple[str, str]:
    now = _told_now(status)
    if now is None:
        return "", ""
    if now < made_at():
        shown = datetime.fromtimestamp(now, UTC).date().isoformat()
        return f"The engine's machine says it is {shown}", "sites refuse that: timedatectl"
    if abs(now - heard) < SKEW_S:
        return "", ""
    which = "behind" if now < heard else "ahead of"
    return (
        f"The engine's clock is {rough_text(abs(now - heard))} {which} this one",
        "times here are off",
    )


def _version(status: Status, _: float) -> tuple[str, str]:
    engine = status.get("engine", {}).get("version")
    if not engine or engine == own_version():
        return "", ""
    return (
        f"Engine {for_terminal(str(engine), cells=20)}, dashboard {own_version()}",
        "start it again: reeldeck stop, reeldeck serve",
    )


#: What matters most comes first: there is one line.
_CHECKS: tuple[Callable[[Status, float], tuple[str, str]], ...] = (_clock, _disk, _internet, _version)


def amiss(status: Status, heard: float, width: int) -> Line:
    """What is wrong and what comes of it, in a line of *width* cells; nothing when all is well.

    Args:
        status: What the engine said of itself.
        heard: When it did, by the clock here, in seconds since the epoch.
        width: In cells.
    """
    found = next((told for check in _CHECKS if (told := check(status, heard))[0]), None)
    if found is None:
        return ()
    what, then = found
    return pad(((f" {what}", "bad"), (f" {SEPARATOR} {then}", "text")), width)
