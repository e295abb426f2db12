"""How things look as text: cells, bars, sizes, times, states. Pure: plain text with style names, no Textual.

A line is a tuple of spans; a span is a text and the name of a style that `theme` gives a colour. Whatever
came from outside passes `for_terminal` here, so that widths are exact however hostile the contents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.domain.figures import rough_text, size_text
from core.domain.job import (
    WAITING_DISK,
    WAITING_JOB,
    WAITING_LIVE,
    WAITING_NETWORK,
    WAITING_QUIET,
    WAITING_RETRY,
    Job,
    JobStatus,
)
from core.domain.text import cell_width, for_terminal
from core.domain.wording import problem_of, state_word

Span = tuple[str, str]
Line = tuple[Span, ...]

BAR_FULL, BAR_REST = "━", "─"
SPARKS = "▁▂▃▄▅▆▇█"
RULE, CURSOR, MARK, DOT, HOLLOW, TICK, NOW, LATER = "─", "▌", "*", "●", "○", "✓", "▸", "·"
DOWN, UP, ARROW, SEPARATOR = "↓", "↑", "→", "·"
#: One cell each way, so that widths stay right: what --ascii shows instead of everything drawn here.
TO_ASCII = str.maketrans(
    f"{BAR_FULL}{BAR_REST}{SPARKS}{CURSOR}{DOT}{HOLLOW}{TICK}{NOW}{LATER}{DOWN}{UP}{ARROW}←…│█",
    "#-_.-:=+*#>*ox>.v^><~|#",
)

_STYLES = {
    JobStatus.QUEUED: "state.wait",
    JobStatus.RUNNING: "state.run",
    JobStatus.PAUSED: "state.pause",
    JobStatus.COMPLETED: "state.done",
    JobStatus.FAILED: "state.fail",
    JobStatus.CANCELLED: "state.cancel",
}
#: Of what waits for something, by its word.
_WAITING_STYLES = {
    "retrying": "state.retry",
    "disk full": "state.hold",
    "offline": "state.hold",
    "login": "state.hold",
    "held": "state.hold",
}


def state_of(job: Job) -> Span:
    """The word for where *job* stands, at most nine cells, and its style."""
    word = state_word(job)
    style = _STYLES.get(job.status) or _WAITING_STYLES.get(word, "state.wait")
    return word, style


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """*text*, made safe, cut or padded to exactly *cells* terminal cells."""
    if cells <= 0:
        return ""
    shown = for_terminal(text, cells=cells)
    space = " " * (cells - cell_width(shown))
    return space + shown if right else shown + space


def width_of(line: Line) -> int:
    """Terminal cells that *line* takes up."""
    return sum(cell_width(text) for text, _ in line)


def join_sides(left: Line, right: Line, cells: int) -> Line:
    """*left* and *right* at the two ends of a line of exactly *cells* cells; the left one gives way."""
    right = clip(right, cells)
    left = clip(left, cells - width_of(right))
    return (*left, (" " * (cells - width_of(left) - width_of(right)), "text"), *right)


def clip(line: Line, cells: int) -> Line:
    """The beginning of *line* that fits *cells* cells."""
    shown: list[Span] = []
    for text, style in line:
        wide = cell_width(text)
        if wide > cells:
            if cells > 0:
                shown.append((fit(text, cells), style))
            break
        shown.append((text, style))
        cells -= wide
    return tuple(shown)


def pad(line: Line, cells: int) -> Line:
    """*line* cut or padded to exactly *cells* cells."""
    return join_sides(line, (), cells)


def clock_text(at: float | None, now: float, *, seconds: bool = False) -> str:
    """A moment in this machine's time: `14:05` today, `20 Nov` on another day. It never ages on screen."""
    if at is None:
        return ""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)  # noqa: DTZ006 -- people read local time
    if then.date() == today.date():
        return then.strftime("%H:%M:%S" if seconds else "%H:%M")
    # `Nov 23` would be a day to many.
    shown = then.strftime("%d %b" if then.year == today.year else "%b'%y")
    return shown + then.strftime(" %H:%M") if seconds else shown


def ago_text(at: float | None, now: float) -> str:
    """How long ago a moment was, in at most ten cells; empty when it never was."""
    if at is None:
        return ""
    return f"{rough_text(now - at)} ago" if now - at >= 60 else "just now"


def until_text(at: float | None, now: float) -> str:
    """How far away a moment is, in at most nine cells; empty when nothing is known of it."""
    if at is None:
        return ""
    return f"in {rough_text(at - now)}" if at > now else "ended"


def count_text(count: int) -> str:
    """A number of jobs in at most five cells."""
    return (
        f"{count}"
        if count < 100_000
        else f"{count / 1000:.0f}k"
        if count < 9_999_500
        else f"{count / 1e6:.0f}M"
    )


def bar(share: float | None, cells: int, style: str = "bar.full") -> Line:
    """A progress bar of exactly *cells* cells. Full only when all is there."""
    share = min(max(share or 0.0, 0.0), 1.0)
    full = cells if share >= 1 else min(round(share * cells), cells - 1)
    return ((BAR_FULL * full, style), (BAR_REST * (cells - full), "bar.rest"))


def sparkline(values: Sequence[float], top: float | None = None) -> str:
    """One symbol for each of *values*: blank for nothing, the lowest for next to nothing."""
    peak = top or max(values, default=0.0)
    if peak <= 0:
        return " " * len(values)
    last = len(SPARKS) - 1
    return "".join(
        " " if value <= 0 else SPARKS[min(last, int(value / peak * last + 0.5))] for value in values
    )


def _problem_in(job: Job, cells: int) -> str:
    """`problem_of`, or the error's code in words where that is too long."""
    full = problem_of(job)
    if cell_width(full) <= cells or not job.error_type:
        return full
    return job.error_type.replace("_", " ").lower()


def note_of(job: Job, now: float, cells: int = 999) -> Span:
    """What a row says where a running job shows its bar: why it waits, failed, or what came of it."""
    style = "dim"
    match job.status:
        case JobStatus.PENDING:
            text = _wait_note(job, now)
        case JobStatus.FAILED:
            text, style = _problem_in(job, cells), "problem"
        case JobStatus.COMPLETED:
            size = size_text(job.size_bytes) if job.size_bytes else ""
            text = f"{size:>8}  {clock_text(job.finished, now)}"
        case JobStatus.CANCELLED:
            text = f"{'':8}  {clock_text(job.finished, now)}"
        case _:
            text = f"priority {job.priority:+}" if job.priority else ""
    return text, style


def _wait_note(job: Job, now: float) -> str:
    at = clock_text(job.not_before, now)
    waits, _, name = (job.waiting_for or "").partition(":")
    notes = {
        WAITING_RETRY: f"try {job.attempt + 1}{f' at {at}' if at else ''}: {problem_of(job)}".rstrip(": "),
        WAITING_DISK: "waits for disk space",
        WAITING_LIVE: f"looks again at {at}" if at else "waits until it is there",
        "auth": f"waits for {name}",
        "job": f"waits for job {name}, which does the same",
        "source": f"{name} rests{f' until {at}' if at else ''}",
        WAITING_JOB[:-1]: f"job {name} does the same",
        WAITING_NETWORK: "waits for the internet",
        WAITING_QUIET: f"quiet hours{f' until {at}' if at else ''}",
    }
    return notes.get(waits, f"starts at {at}" if at else "")
