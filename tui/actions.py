"""Everything the dashboard can do, in one list: it feeds key bindings, the footer, `?` and the palette to come.

An action is never hidden when it cannot be used now: it says why. To add one, add it here and write
`do_<id>` on the screens that have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from textual.binding import Binding, BindingType

from core.domain.job import Job, JobStatus

_S = JobStatus
_ACTIVE = (_S.PENDING, _S.QUEUED, _S.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What there is to act on."""

    #: How many of the marked jobs (else: the one under the cursor) are in each status.
    statuses: Mapping[JobStatus, int] = field(default_factory=dict)
    has_file: bool = False
    is_connected: bool = True
    shown: int = 0
    is_narrowed: bool = False  # by a filter or view
    marked: int = 0

    def any_of(self, *statuses: JobStatus) -> bool:
        """At least one target is in one of these."""
        return any(self.statuses.get(status, 0) for status in statuses)


def situation_of(targets: Sequence[Job], **others: bool | int) -> Situation:
    """The situation in which an action is for *targets*."""
    return Situation(
        statuses=Counter(job.status for job in targets),
        has_file=any(job.file_path for job in targets),
        **others,  # type: ignore[arg-type] # the fields' own names and kinds
    )


#: Says why an action cannot be used now; empty when it can.
Reason = Callable[[Situation], str]


def _always(_: Situation) -> str:
    return ""


def _connected(now: Situation) -> str:
    return "" if now.is_connected else "The engine is not connected"


def _on(what: str, *statuses: JobStatus, needs_engine: bool = True) -> Reason:
    """Usable when a target is in one of *statuses* (in any, when none is named)."""

    def reason(now: Situation) -> str:
        if needs_engine and not now.is_connected:
            return _connected(now)
        if not now.statuses:
            return "No job is selected"
        if statuses and not now.any_of(*statuses):
            words = " or ".join(status.value.lower() for status in now.statuses)
            return f"{what}: this job is {words}" if sum(now.statuses.values()) == 1 else f"{what}: all are {words}"
        return ""

    return reason


def _has_file(now: Situation) -> str:
    return _on("")(now) or ("" if now.has_file else "There is no file yet")


def _has_rows(now: Situation) -> str:
    return "" if now.shown else "There are no jobs here"


def _pause_title(now: Situation) -> str:
    return "Resume" if now.any_of(_S.PAUSED) and not now.any_of(*_ACTIVE) else "Pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can be done."""

    id: str
    #: Textual's names of keys; the first is shown.
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    screens: tuple[str, ...] = ("jobs",)
    reason: Reason = _always
    #: Place in the footer, lowest first; None keeps it out.
    footer: int | None = None
    #: A title that depends on the situation.
    retitle: Callable[[Situation], str] | None = None

    def title_now(self, now: Situation) -> str:
        """The title in this situation."""
        return self.retitle(now) if self.retitle else self.title


_BOTH = ("jobs", "detail")
_EVERYWHERE = ("jobs", "detail", "help")
_MOVE, _LIST, _JOB, _DECK = "Move", "List", "Jobs", "Dashboard"

ACTIONS: tuple[Action, ...] = (
    Action(id="add", keys=("a",), title="Add", help="Add links; pasting links anywhere does the same",
           group=_JOB, reason=_connected, footer=1),
    Action(id="open", keys=("enter",), title="Open", help="Show everything about the job", group=_JOB,
           reason=_on("Nothing to open", needs_engine=False), footer=10),
    Action(id="pause", keys=("p",), title="Pause", help="Pause, or resume what is paused", group=_JOB, screens=_BOTH,
           reason=_on("Nothing to pause", *_ACTIVE, _S.PAUSED), footer=2, retitle=_pause_title),
    Action(id="retry", keys=("r",), title="Retry", help="Start a failed or cancelled job again, a waiting one now",
           group=_JOB, screens=_BOTH, reason=_on("Nothing to retry", _S.FAILED, _S.CANCELLED, _S.PENDING), footer=3),
    Action(id="cancel", keys=("x",), title="Cancel", help="End a job and delete what it fetched so far", group=_JOB,
           screens=_BOTH, reason=_on("Nothing to cancel", *_ACTIVE, _S.PAUSED), footer=4),
    Action(id="delete", keys=("D",), title="Delete", help="Forget a finished job; its file stays", group=_JOB,
           screens=_BOTH, reason=_on("Only finished jobs can be deleted", _S.COMPLETED, _S.FAILED, _S.CANCELLED),
           footer=9),
    Action(id="raise_priority", keys=("plus", "equals_sign"), title="Sooner", help="Raise the priority", group=_JOB,
           screens=_BOTH, reason=_on("Priority is for unfinished jobs", *_ACTIVE, _S.PAUSED), footer=12),
    Action(id="lower_priority", keys=("minus",), title="Later", help="Lower the priority", group=_JOB,
           screens=_BOTH, reason=_on("Priority is for unfinished jobs", *_ACTIVE, _S.PAUSED), footer=13),
    Action(id="copy_url", keys=("y",), title="Copy", help="Copy the link; again: show it", group=_JOB, screens=_BOTH,
           reason=_on("", needs_engine=False), footer=8),
    Action(id="copy_path", keys=("Y",), title="Copy path", help="Copy the file's path; again: show it", group=_JOB,
           screens=_BOTH, reason=_has_file),
    Action(id="filter", keys=("slash",), title="Filter", help="Show only some jobs", group=_LIST, footer=5),
    Action(id="sort", keys=("s",), title="Sort", help="Sort by the next column", group=_LIST, footer=6),
    Action(id="reverse", keys=("S",), title="Reverse", help="Turn the order round", group=_LIST),
    Action(id="mark", keys=("space",), title="Mark", help="Mark the job: keys then act on all marked ones",
           group=_LIST, reason=_has_rows, footer=7),
    Action(id="mark_all", keys=("asterisk",), title="Mark all", help="Mark all jobs that are shown, or none",
           group=_LIST, reason=_has_rows),
    Action(id="next_view", keys=("right", "l"), title="Next tab", help="All, running, waiting, … to the right",
           group=_LIST),
    Action(id="previous_view", keys=("left", "h"), title="Previous tab", help="… and to the left", group=_LIST),
    Action(id="down", keys=("j", "down"), title="Down", help="Next row", group=_MOVE, screens=_EVERYWHERE),
    Action(id="up", keys=("k", "up"), title="Up", help="Row before", group=_MOVE, screens=_EVERYWHERE),
    Action(id="page_down", keys=("ctrl+d", "pagedown"), title="Page down", help="Half a page down", group=_MOVE,
           screens=_EVERYWHERE),
    Action(id="page_up", keys=("ctrl+u", "pageup"), title="Page up", help="Half a page up", group=_MOVE,
           screens=_EVERYWHERE),
    Action(id="top", keys=("g", "home"), title="Top", help="First row", group=_MOVE, screens=_EVERYWHERE),
    Action(id="bottom", keys=("G", "end"), title="Bottom", help="Last row", group=_MOVE, screens=_EVERYWHERE),
    Action(id="theme", keys=("t",), title="Theme", help="Dark, light, the terminal's own colours", group=_DECK,
           screens=_BOTH),
    Action(id="reconnect", keys=("ctrl+r",), title="Reconnect", help="Look for the engine now", group=_DECK,
           screens=_BOTH, reason=lambda now: "The engine is connected" if now.is_connected else ""),
    Action(id="help", keys=("question_mark",), title="Keys", help="Show this page", group=_DECK, screens=_BOTH,
           footer=0),
    Action(id="back", keys=("escape",), title="Back", help="Back: close, clear marks, clear the filter", group=_DECK,
           screens=_EVERYWHERE),
    Action(id="leave", keys=("q", "ctrl+c"), title="Leave", help="Leave the dashboard; jobs go on", group=_DECK,
           screens=("jobs",), footer=0),
    Action(id="close", keys=("q", "ctrl+c", "question_mark"), title="Close", help="Close this page", group=_DECK,
           screens=("help",), footer=0),
    Action(id="close", keys=("q", "ctrl+c", "enter"), title="Close", help="Back to the list", group=_DECK,
           screens=("detail",), footer=0),
)  # fmt: skip

#: How keys are written for people, where Textual's name is not it.
_KEY_NAMES = {
    "slash": "/", "space": "Space", "asterisk": "*", "question_mark": "?", "escape": "Esc", "plus": "+",
    "equals_sign": "=", "minus": "-", "enter": "Enter", "down": "↓", "up": "↑", "left": "←", "right": "→",
    "home": "Home", "end": "End", "pagedown": "PgDn", "pageup": "PgUp",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key as people know it: `Ctrl+d`, `/`, `Esc`."""
    return _KEY_NAMES.get(key) or key.replace("ctrl+", "Ctrl+")


def actions_of(screen: str) -> list[Action]:
    """The actions of one screen, in the order of the list."""
    return [action for action in ACTIONS if screen in action.screens]


def bindings_of(screen: str) -> list[BindingType]:
    """Key bindings of one screen; each calls its `action_act` with the action's id."""
    return [
        Binding(",".join(action.keys), f"act('{action.id}')", action.title, id=f"{screen}.{action.id}", show=False)
        for action in actions_of(screen)
    ]
