"""What stands around the list, as text: header, tabs, footer, banner, and what an empty list says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.events import Event, EventType
from core.domain.figures import rate_text, size_text
from core.domain.job import JobStatus
from core.domain.text import for_terminal
from core.domain.wording import event_words
from tui.account import Account, header_variants
from tui.actions import NO_KEYS, KeyOf, OwnKeys, actions_of, key_name, keys_on
from tui.paragraphs import nothing_yet, steps
from tui.present import (
    DOT,
    DOWN,
    HOLLOW,
    SEPARATOR,
    UP,
    Line,
    Span,
    clip,
    clock_text,
    count_text,
    join_sides,
    sparkline,
    width_of,
)
from tui.situation import Situation
from tui.state import VIEWS, JobIndex
from tui.sync import Connection, Link

_KEYS = keys_on("jobs")
_ENGINE_WORDS = {
    "running": ("", "good"),  # as it should be: a dot says it
    "disk_low": ("disk is low", "bad"),
    "stopping": ("stopping", "warn"),
}
#: Events that are worth a line when nothing else is to be said.
NEWS = frozenset(
    {
        EventType.JOB_COMPLETED, EventType.JOB_FAILED, EventType.RETRY_SCHEDULED, EventType.PARKED,
        EventType.UNPARKED, EventType.JOB_RECOVERED, EventType.PROFILE_FALLBACK, EventType.FLOOD_WAIT,
        EventType.DISK_LOW, EventType.JOB_JOINED, EventType.TELEGRAM_SEND_FAILED,
    }
)  # fmt: skip


def header(  # noqa: PLR0913 -- it shows a little of everything
    connection: Connection,
    status: Mapping[str, Any],
    speed_bps: float,
    speeds: Sequence[float],
    width: int,
    *,
    now: float,
    page: str = "jobs",
    calls: Mapping[str, int] | None = None,
    keys: OwnKeys = NO_KEYS,
) -> Line:
    """The top line: the pages, how engine and messenger are, how fast it goes, how much room is left.

    Args:
        connection: To the engine.
        status: What the engine last said of itself.
        speed_bps: Of all transfers.
        speeds: The last ones, for a sparkline; what has no room is left out.
        width: In cells.
        now: Seconds since the epoch.
        page: The page that is shown.
        calls: How many things on a page call for a person; the page is marked.
        keys: Those that people chose themselves.
    """
    tabs, few_tabs = (_page_tabs(page, calls or {}, keys, is_short=short) for short in (False, True))
    engine, dot = (_engine_state(connection, status, is_short=short) for short in (False, True))
    rate: Line = ()
    if connection.link is Link.LIVE:
        rate = ((f" {rate_text(speed_bps) or 'idle':>7}", "strong" if speed_bps >= 1 else "dim"),)
    disk, room = (_disk(status, is_short=short) for short in (False, True))
    brand: Line = ((" reeldeck ", "brand"),)
    left, rate = next(
        (
            (left, right)
            for left, right in (
                ((*brand, *tabs, *engine), (*rate, *disk)),
                ((*tabs, *engine), (*rate, *disk)),
                ((*tabs, *engine), (*rate, *room)),
                ((*tabs, *dot), (*rate, *room)),
                ((*tabs, *dot), rate),
                ((*few_tabs, *dot), (*rate, *disk)),
            )
            if width_of((*left, *right)) <= width
        ),
        ((*few_tabs, *dot), rate),
    )
    account = header_variants(Account.of(status), now)
    left = (*left, *next((each for each in account if width_of((*left, *each, *rate)) < width), ()))
    spark_cells = width - width_of((*left, *rate)) - 1
    shown = speeds[-spark_cells:] if spark_cells > 0 and rate else []
    right = ((sparkline(shown), "spark"), *rate)
    load = _load(status)
    if width_of((*left, *load, *right)) < width:
        left = (*left, *load)
    return join_sides(left, right, width)


def _disk(status: Mapping[str, Any], *, is_short: bool) -> Line:
    free = status.get("disk", {}).get("free_bytes")
    if free is None:
        return ()
    low = free < status["disk"].get("min_free_bytes", 0)
    shown = f"  {rate_text(free).removesuffix('/s')} " if is_short else f"   {size_text(free)} free "
    return ((shown, "bad" if low else "dim"),)


def _page_tabs(page: str, calls: Mapping[str, int], keys: OwnKeys, *, is_short: bool) -> Line:
    """The pages; where it must be short, all but the one that is shown by their keys alone."""
    spans: list[Span] = []
    for action in actions_of("jobs", keys):
        if action.group != "Pages":
            continue
        name = action.id.removeprefix("show_")
        key = key_name(action.keys[0])
        spans.append(("  " if spans else " ", "tab"))
        spans.append(
            (
                key if is_short and name != page else f"{key} {action.title}",
                "tab.on" if name == page else "tab",
            )
        )
        if calls.get(name):
            spans.append((f" !{calls[name]}", "bad"))
    return tuple(spans)


def _engine_state(connection: Connection, status: Mapping[str, Any], *, is_short: bool) -> Line:
    """A sign for how the engine is, and a word; where it must be short, only where something is amiss."""
    gap: Span = ("  ", "text")
    if connection.link is not Link.LIVE:
        is_new = connection.link is Link.CONNECTING
        word, style = ("connecting", "dim") if is_new else ("engine lost", "bad")
        return (gap, (f"{HOLLOW} ", style), (word, style))
    if status.get("network", {}).get("is_away"):
        return (gap, (f"{HOLLOW} ", "bad"), ("no internet", "bad"))
    if status.get("limits", {}).get("maintenance"):
        return (gap, (f"{DOT} ", "warn"), ("maintenance", "warn"))
    state = status.get("engine", {}).get("state", "running")
    word, style = _ENGINE_WORDS.get(state, (str(state), "warn"))
    shown = for_terminal(word, cells=20)
    if not shown and is_short:
        return (gap, (DOT, style))
    return (gap, (f"{DOT} ", style), (shown if is_short else f"engine {shown}".rstrip(), "text"))


def _load(status: Mapping[str, Any]) -> Line:
    if not status.get("engine"):
        return ()
    memory = size_text(status.get("memory_bytes", 0))
    return ((f"   cpu {status.get('cpu_percent', 0):.0f}% {SEPARATOR} memory {memory}", "dim"),)


def tabs(index: JobIndex, counts: Mapping[JobStatus, int], *, has_older: bool, width: int) -> Line:
    """The second line: parts of the list with their sizes, the sort, and where the cursor is."""
    total = sum(counts.values())
    left: list[Span] = []
    for name, statuses in VIEWS.items():
        count = total if statuses is None else sum(counts.get(status, 0) for status in statuses)
        is_on = name == index.view
        if name == "Cancelled" and not (is_on or width >= 100):
            continue
        warns = name == "Failed" and count
        left.append((f" {name}", "tab.on" if is_on else "tab"))
        left.append((f" {count_text(count)}", "state.fail" if warns else "accent" if is_on else "faint"))
        left.append((" ", "tab"))
    shown = f"{count_text(len(index))}{'+' if has_older else ''}"
    place = f"{index.cursor_row + 1 if len(index) else 0}/{shown} "
    sort = f"sort {index.sort} {UP if index.is_reversed else DOWN}   "
    right: Line = ((place, "dim"),)
    if width_of(tuple(left)) + len(sort) + len(place) < width:
        right = ((sort, "faint"), (place, "dim"))
    return join_sides(tuple(left), right, width)


def footer(screen: str, now: Situation, width: int, keys: OwnKeys = NO_KEYS) -> Line:
    """The last line: keys that work here, dim where they cannot be used now. Help and leaving always fit."""
    chosen = [action for action in actions_of(screen, keys) if action.footer is not None]
    chosen.sort(key=lambda action: action.footer or 0)

    def item(key: str, title: str, *, is_on: bool) -> Line:
        return ((f" {key}", "key" if is_on else "key.off"), (f" {title} ", "label" if is_on else "label.off"))

    last = [action for action in chosen if action.footer == 0]
    tail: list[Span] = []
    for action in last:
        title = "Leave, jobs go on" if action.id == "leave" and width >= 100 else action.title
        tail += item(key_name(action.keys[0]), title, is_on=True)
    spans: list[Span] = []
    room = width - width_of(tuple(tail))
    for action in chosen[len(last) :]:
        more = item(key_name(action.keys[0]), action.title_now(now), is_on=not action.reason(now))
        if width_of(more) > room:
            break
        room -= width_of(more)
        spans += more
    return join_sides(tuple(spans), tuple(tail), width)


def banner(connection: Connection, now: float, width: int, key: KeyOf | None = _KEYS) -> Line:
    """Says that the engine is lost, and when it is looked for again; by which *key* at once, if by any."""
    error = connection.error
    wait_s = max(0, round((connection.retry_at or now) - now))
    when = f"looking again in {wait_s} s" if wait_s else "looking for it now"
    seen = f"; shown as of {clock_text(connection.heard, now)}" if connection.heard else ""
    hint = f"  {error.hint}" if error and not connection.heard else ""
    left: Line = (
        (f" {error.summary if error else 'No connection'}", "bad"),
        (f" {SEPARATOR} {when}{seen}{for_terminal(hint)}", "text"),
    )
    right: Line = ((f"  {key('reconnect')}", "key"), (" now ", "label")) if key else ()
    return join_sides(left, right, width)


def empty_list(index: JobIndex, *, is_loaded: bool, is_lost: bool, key: KeyOf = _KEYS) -> list[Line]:
    """What stands in place of rows when there are none, with what to do next."""
    if not is_loaded:
        return nothing_yet("jobs", is_lost=is_lost)
    if not index.filter.is_empty:
        return [
            (("No job matches this filter", "strong"),),
            (),
            *steps((key("filter"), "change it"), (key("back"), "show all jobs")),
        ]
    if index.view != "All":
        return [
            ((f"Nothing is {index.view.lower()}", "strong"),),
            (),
            *steps(
                (f"{key('previous_view')} {key('next_view')}", "look at another part"),
                (key("back"), "all jobs"),
            ),
        ]
    return [
        (("No jobs yet", "strong"),),
        (),
        *steps(
            (key("add"), "add a link, or just paste one here"),
            ("$", "reeldeck add URL, in any shell"),
            (key("help"), "see all keys"),
        ),
    ]


def news(event: Event, title: str, now: float, width: int) -> Line:
    """One line on the last thing that happened."""
    words, style = event_words(event)
    what = f"{event.job_id} {title}: " if event.job_id is not None else ""
    line: Line = (
        (f" {clock_text(event.created, now)}  ", "faint"),
        (for_terminal(what), "dim"),
        (for_terminal(words), style if style in {"bad", "good", "warn"} else "dim"),
    )
    return clip(line, width)
