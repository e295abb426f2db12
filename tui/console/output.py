"""What commands print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any

import click

from core.domain.job import WAITING_DISK, WAITING_LIVE, WAITING_RETRY, Job, JobStatus
from core.domain.text import cell_width, for_terminal

#: Colours of states and levels. The word says it, the colour only repeats it.
COLOURS = {
    "RUNNING": "blue",
    "COMPLETED": "green",
    "FAILED": "red",
    "PAUSED": "yellow",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}
#: Narrower than this a column says nothing.
_MIN_CELLS = 12
_GAP = "  "


def is_terminal(stream: IO[Any]) -> bool:
    """Whether a person looks at *stream*."""
    return stream.isatty()


def has_colours(stream: IO[Any]) -> bool:
    """Whether *stream* shows colours and nobody asked for none (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def json_line(value: Mapping[str, Any]) -> None:
    """Print one JSON object. In ASCII, so that no text of strangers reaches a terminal as it is."""
    click.echo(json.dumps(value))


def line(text: str) -> None:
    """Print a line that may hold text of strangers."""
    click.echo(for_terminal(text))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, flexible: int) -> None:
    """Print *rows* in columns.

    Args:
        header: Names of the columns.
        rows: Their texts, as strangers wrote them.
        flexible: The column that is cut where a terminal is too narrow; elsewhere nothing is.
    """
    shown = [[for_terminal(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(cell_width, column)) for column in zip(*shown, strict=True)]
    if is_terminal(sys.stdout):
        others = sum(widths) - widths[flexible] + len(_GAP) * (len(widths) - 1)
        room = shutil.get_terminal_size().columns - others
        widths[flexible] = min(widths[flexible], max(room, _MIN_CELLS))
    colours = has_colours(sys.stdout)
    for row in shown:
        cells = [_cell(text, width, colours=colours) for text, width in zip(row, widths, strict=True)]
        click.echo(_GAP.join(cells).rstrip(), color=colours)


def _cell(text: str, width: int, *, colours: bool) -> str:
    cut = for_terminal(text, cells=width)
    padded = cut + " " * (width - cell_width(cut))
    return styled(padded, text, colours=colours)


def styled(text: str, word: str, *, colours: bool) -> str:
    """*text* in the colour of *word*, where there are colours and the word has one."""
    return click.style(text, fg=COLOURS[word]) if colours and word in COLOURS else text


def size(size_bytes: float | None) -> str:
    """Bytes as people read them: `1.4 GiB`."""
    if size_bytes is None:
        return "-"
    units = ["TiB", "GiB", "MiB", "KiB", "B"]
    while size_bytes >= 1024 and len(units) > 1:
        size_bytes /= 1024
        units.pop()
    return f"{size_bytes:.0f} B" if units[-1] == "B" else f"{size_bytes:.1f} {units[-1]}"


def span(seconds: float) -> str:
    """A time span in its two largest units: `2 h 5 min`."""
    whole = max(0, round(seconds))
    for name, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {name} {rest} {smaller}" if rest else f"{whole // length} {name}"
    return f"{whole} s"


def when(epoch_s: float) -> str:
    """A moment in local time."""
    return datetime.fromtimestamp(epoch_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def name_of(job: Job) -> str:
    """What people call the job: its title, else its link."""
    return job.title or job.url


def state_of(job: Job) -> str:
    """What the job does or waits for, beyond its status, in a few words; often nothing."""
    if job.status is JobStatus.RUNNING:
        share = f" {job.progress:.0%}" if job.progress is not None and job.stage == "DOWNLOAD" else ""
        wish = f", to {job.control.value}" if job.control else ""
        return f"{(job.stage or 'begins').lower()}{share}{wish}"
    if job.status is not JobStatus.PENDING or job.waiting_for is None:
        return ""
    left = f" in {span(job.not_before - time.time())}" if job.not_before else ""
    fixed = {WAITING_RETRY: f"tries again{left}", WAITING_DISK: "waits for disk space"}
    fixed[WAITING_LIVE] = f"not available yet, looks again{left}"
    kind, _, name = job.waiting_for.partition(":")
    return fixed.get(job.waiting_for) or f"waits for {kind.replace('_', ' ')} {name}".rstrip()
