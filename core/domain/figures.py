"""Sizes, rates, spans of time and shares as people read them, each of a known greatest width. Pure."""

from __future__ import annotations


def size_text(size_bytes: float) -> str:
    """A size in at most eight cells: `1.42 GiB`."""
    if size_bytes < 1024:
        return f"{size_bytes:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size_bytes /= 1024
        if size_bytes < 1000 or unit == "TiB":
            digits = 2 if size_bytes < 9.995 else 1 if size_bytes < 99.95 else 0
            return f"{size_bytes:.{digits}f} {unit}"
    raise AssertionError("the last unit takes all")


def rate_text(rate_bps: float | None) -> str:
    """A rate in at most seven cells, `4.2M/s`; empty when there is none."""
    if not rate_bps or rate_bps < 1:
        return ""
    value = float(rate_bps)
    for unit in ("B", "K", "M", "G"):
        if value < 999.5 or unit == "G":
            digits = 1 if value < 99.95 and unit != "B" else 0
            return f"{value:.{digits}f}{unit}/s"
        value /= 1024
    raise AssertionError("the last unit takes all")


def span_text(seconds: float | None) -> str:
    """A time span in at most six cells, `0:41`, `2h 05m`, `3d 4h`; empty for None."""
    if seconds is None:
        return ""
    minutes, secs = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{secs:02}"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}m"
    return f"{hours // 24}d {hours % 24}h" if hours < 2400 else ">99d"


def rough_text(seconds: float) -> str:
    """A time span as people say it, in one unit and at most six cells: `5 min`, `3 h`, `12 d`."""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{min(int(seconds // length), 9999)} {unit}"
    return "<1 min"


def percent_text(share: float) -> str:
    """A share in at most four cells; 100 % only when all is there."""
    return f"{min(int(share * 100), 99 if share < 1 else 100)}%"
