"""Sources as text: what runs of each, which rest, and why. Pure.

An engine tells of its sources in mappings; what an older one leaves out is left blank here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.errors import ERRORS
from core.domain.figures import rate_text
from core.domain.history import DayFigures
from core.domain.job import Job, JobStatus, from_iso
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.history import CHART_CELLS, beside, chart
from tui.paragraphs import Fact, blank, fact_lines, paragraph
from tui.present import ARROW, DOT, HOLLOW, NOW, Line, Span, clock_text, count_text, fit, join_sides, pad

Source = Mapping[str, Any]

#: What is said of jobs names the keys of their page.
_KEYS = keys_on("jobs")
_STATE_CELLS = 10
#: Facts beside a chart take so many cells.
_LEAST_FACTS = 36
_NAME_CELLS = 12
_LEFT_ALIGNED = frozenset({"TRIES AT", "PROXY"})
#: Columns right of the label from this width on, with their cells.
_BREAKPOINTS: tuple[tuple[int, Mapping[str, int]], ...] = (
    (70, {"RUNS": 5, "WAIT": 5, "TRIES AT": 8, "RATE": 6, "PROXY": 5}),
    (60, {"RUNS": 5, "WAIT": 5, "TRIES AT": 8}),
    (50, {"RUNS": 5, "WAIT": 5}),
    (0, {"RUNS": 5}),
)


@dataclass(frozen=True, slots=True)
class Rest:
    """Why jobs of a source, or of one of its hosts, do not start: its breaker is not closed."""

    host: str | None
    #: One job may try now whether it works again.
    is_tried: bool
    since: float | None
    #: When one may try at the earliest, None while one does.
    retry_at: float | None
    #: An error class, or text of strangers.
    reason: str

    @property
    def why(self) -> str:
        """What went wrong last, as a sentence without its end."""
        kind = ERRORS.get(self.reason)
        return kind.summary if kind else self.reason or "Its last tries failed one after another"


def rests_of(source: Source) -> list[Rest]:
    """The breakers of a source and of its hosts that are not closed."""
    breakers = [source.get("breaker"), *(source.get("hosts") or ())]
    return [
        Rest(
            host=str(each["host"]) if each.get("host") else None,
            is_tried=each["state"] == "half_open",
            since=_moment(each.get("since")),
            retry_at=_moment(each.get("retry_at")),
            reason=str(each.get("reason") or ""),
        )
        for each in breakers
        if each and each.get("state") in {"open", "half_open"}
    ]


def _moment(value: Any) -> float | None:
    try:
        return from_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


def state_of_source(source: Source) -> Span:
    """A sign and a word for how a source is, and their style."""
    if not source.get("enabled", True):
        return f"{HOLLOW} off", "dim"
    if rests := rests_of(source):
        own = next((rest for rest in rests if rest.host is None), None)
        if own is not None:
            return (f"{NOW} trying", "warn") if own.is_tried else ("! rests", "bad")
        return f"! {len(rests)} host{'s' * (len(rests) > 1)}", "warn"
    states = (
        ("quiet_until", (f"{HOLLOW} quiet", "state.wait")),
        ("slowed", (f"{DOT} slowed", "warn")),
        ("in_flight", (f"{DOT} runs", "state.run")),
    )
    return next((state for name, state in states if source.get(name)), (f"{DOT} ready", "good"))


def _columns(width: int) -> tuple[int, Mapping[str, int]]:
    cells = next(cells for least, cells in _BREAKPOINTS if width >= least)
    used = _STATE_CELLS + 1 + _NAME_CELLS + 1 + sum(1 + each for each in cells.values()) + 1
    return max(0, width - used), cells


def source_heads(width: int) -> Line:
    """The line above the rows."""
    label_cells, cells = _columns(width)
    text = f"{'STATE':<{_STATE_CELLS}} {'SOURCE':<{_NAME_CELLS}} {fit('SITE', label_cells)}"
    for name, each in cells.items():
        text += " " + fit(name, each, right=name not in _LEFT_ALIGNED)
    return pad(((text, "head"),), width)


def source_row(source: Source, now: float, width: int) -> Line:
    """One source as a line of exactly *width* cells."""
    label_cells, cells = _columns(width)
    state, style = state_of_source(source)
    next_try = min((rest.retry_at for rest in rests_of(source) if rest.retry_at), default=None)
    texts = {
        "RUNS": f"{source.get('in_flight', 0)}/{source.get('max_parallel', '')}",
        "WAIT": count_text(_waiting(source)) if _waiting(source) else "",
        "TRIES AT": clock_text(next_try, now, seconds=True),
        "RATE": _rate(source),
        "PROXY": "yes" if source.get("is_proxied") else "",
    }
    quiet = "text" if source.get("enabled", True) else "dim"
    spans: list[Span] = [
        (fit(state, _STATE_CELLS), style),
        (" " + fit(str(source.get("name", "")), _NAME_CELLS), "strong" if quiet == "text" else "dim"),
        (" " + fit(str(source.get("label", "")), label_cells), quiet),
    ]
    for name, each in cells.items():
        style = (
            "warn" if name == "TRIES AT" else "text" if name == "RUNS" and source.get("in_flight") else "dim"
        )
        spans.append((" " + fit(texts[name], each, right=name not in _LEFT_ALIGNED), style))
    return pad(tuple(spans), width)


def _waiting(source: Source) -> int:
    return int(source.get("queued") or 0) + int(source.get("waiting") or 0)


def _rate(source: Source) -> str:
    rate = source.get("rate_per_s")
    return f"{rate:g}/s" if isinstance(rate, int | float) and rate else ""


def source_detail(
    source: Source,
    now: float,
    width: int,
    key: KeyOf = _KEYS,
    *,
    days: Sequence[DayFigures] | None = None,
    is_tall: bool = False,
) -> list[Line]:
    """All about a source in lines of exactly *width* cells.

    *days* are charted once they are known: beside the facts where there is room, unless it *is_tall*.
    """
    state, style = state_of_source(source)
    left: Line = ((f" {for_terminal(str(source.get('label', '')))}", "strong"),)
    lines = [join_sides(left, ((f"{state} ", style),), width)]
    for rest in rests_of(source):
        lines += paragraph(_why(rest, now), "bad" if rest.host is None else "warn", width)
        lines += paragraph(_what_next(rest, now, key), "text", width, first=f"{ARROW} ")
    if not source.get("enabled", True):
        lines += paragraph("Its links are refused.", "dim", width)
        lines += paragraph(
            f"Switch it on: [sources.{source.get('name')}] enabled = true", "text", width, first=f"{ARROW} "
        )
    lines.append(blank(width))
    if days is None:
        return lines + fact_lines(_facts(source, now), width)
    name, today = str(source.get("name")), datetime.fromtimestamp(now).date()  # noqa: DTZ006 -- people's days
    left_width = width - CHART_CELLS
    if is_tall or left_width < _LEAST_FACTS:
        facts = fact_lines(_facts(source, now), width)
        return [*lines, *facts, blank(width), *chart(days, name, today, width, is_tall=is_tall)]
    facts = fact_lines(_facts(source, now), left_width)
    return lines + beside(facts, chart(days, name, today, CHART_CELLS), left_width, CHART_CELLS)


def _why(rest: Rest, now: float) -> str:
    since = f", since {clock_text(rest.since, now, seconds=True)}" if rest.since else ""
    return f"{f'{rest.host}: ' if rest.host else ''}{rest.why}{since}."


def _what_next(rest: Rest, now: float, key: KeyOf) -> str:
    where = "of this host" if rest.host else "of this source"
    if rest.is_tried and rest.retry_at is None:
        return f"One job tries now: if it succeeds all {where} go on, else the wait grows."
    at = clock_text(rest.retry_at, now, seconds=True)
    when = f" at {at}" if at and not rest.is_tried else " next"
    return (
        f"Jobs {where} wait. One tries{when}: if it succeeds all go on, else the wait grows. "
        f"{key('retry')} on a job tries now."
    )


def _facts(source: Source, now: float) -> Iterator[Fact]:
    yield "name", str(source.get("name", "")), 1
    yield "runs", f"{source.get('in_flight', 0)} of at most {source.get('max_parallel', '?')} at a time", 1
    count = _waiting(source)
    yield "waits", f"{count} job{'s' * (count != 1)}", 1
    yield "pace", f"at most {_rate(source)[:-2]} requests a second" if _rate(source) else "", 1
    slowed = [f"{each['host']} every {each['gap_s']:g} s" for each in source.get("slowed") or ()]
    yield "slowed", ", ".join(slowed), 4
    yield "speed", f"at most {rate_text(source['bandwidth_bps'])}" if source.get("bandwidth_bps") else "", 1
    quiet_until = clock_text(_moment(source.get("quiet_until")), now)
    yield "quiet", f"no downloads until {quiet_until}" if quiet_until else "", 1
    yield "proxy", "goes through a proxy" if source.get("is_proxied") else "", 1


def held(job: Job, sources: Sequence[Source], now: float) -> str:
    """Why *job* does not start although it could: its source, or its host there, rests. Else nothing."""
    if job.status not in {JobStatus.QUEUED, JobStatus.PENDING}:
        return ""
    source = next((source for source in sources if source.get("name") == job.source_type), None)
    for rest in rests_of(source) if source else ():
        if rest.host in {None, job.host}:
            at = clock_text(rest.retry_at, now, seconds=True)
            until = f" until {at}" if at else ""
            return f"{rest.host or job.source_type} rests{until}: {rest.why}"
    return ""
