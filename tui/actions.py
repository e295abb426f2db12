"""Everything the dashboard can do, in one list: it feeds key bindings, footer, `?` and the palette to come.

An action is never hidden when it cannot be used now: it says why. To add one, add it here and write
`do_<id>` on the screens that have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
    has_playlist: bool = False
    is_connected: bool = True
    shown: int = 0
    marked: int = 0
    #: Files that could not be sent, of what actions are for.
    unsent: int = 0

    def any_of(self, *statuses: JobStatus) -> bool:
        """At least one target is in one of these."""
        return any(self.statuses.get(status, 0) for status in statuses)


def situation_of(targets: Sequence[Job], **others: bool | int) -> Situation:
    """The situation in which an action is for *targets*."""
    return Situation(
        statuses=Counter(job.status for job in targets),
        has_file=any(job.file_path for job in targets),
        has_playlist=any(job.group_id is not None for job in targets),
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
            which = "this job is" if sum(now.statuses.values()) == 1 else "all are"
            return f"{what}: {which} {words}"
        return ""

    return reason


def _has_file(now: Situation) -> str:
    return _on("")(now) or ("" if now.has_file else "There is no file yet")


def _has_playlist(now: Situation) -> str:
    return _on("")(now) or ("" if now.has_playlist else "This job belongs to no playlist")


def _has_login(now: Situation) -> str:
    return _connected(now) or ("" if now.shown else "There is no login yet")


def _has_chat(now: Situation) -> str:
    return _connected(now) or ("" if now.shown else "No chat is watched yet")


def _has_unsent(now: Situation) -> str:
    return _connected(now) or ("" if now.unsent else "Nothing failed to be sent")


def _is_lost(now: Situation) -> str:
    return "The engine is connected" if now.is_connected else ""


def _has_rows(now: Situation) -> str:
    return "" if now.shown else "There are no jobs here"


def _pause(now: Situation) -> str:
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
_ROSTERS = ("sources", "auth", "chats")
_PAGES = (*_BOTH, *_ROSTERS, "deliveries")
_EVERYWHERE = (*_PAGES, "help")
_CAN_PAUSE = _on("Nothing to pause", *_ACTIVE, _S.PAUSED)
_CAN_RETRY = _on("Nothing to retry", _S.FAILED, _S.CANCELLED, _S.PENDING, _S.QUEUED)
_CAN_CANCEL = _on("Nothing to cancel", *_ACTIVE, _S.PAUSED)
_CAN_DELETE = _on("Nothing to delete", _S.COMPLETED, _S.FAILED, _S.CANCELLED)
_CAN_MOVE = _on("Nothing to move", *_ACTIVE, _S.PAUSED)
_HAS_JOB = _on("", needs_engine=False)


def _make(group: str, screens: tuple[str, ...]) -> Callable[..., Action]:
    def action(name: str, keys: str, title: str, explained: str, **more: Any) -> Action:
        return Action(
            id=name,
            keys=tuple(keys.split()),
            title=title,
            help=explained,
            **{"group": group, "screens": screens} | more,
        )

    return action


_job = _make("Jobs", _BOTH)
_list = _make("List", ("jobs",))
_move = _make("Move", _EVERYWHERE)
_source = _make("Sources", ("sources",))
_login = _make("Logins", ("auth",))
_chat = _make("Chats", ("chats",))
_file = _make("Files", ("deliveries",))
_page = _make("Pages", _PAGES)
_deck = _make("Dashboard", _PAGES)

#: In the order of the help page. `footer` is an action's place at the bottom of the screen.
ACTIONS: tuple[Action, ...] = (
    _job(
        "add",
        "a",
        "Add",
        "Add links; pasting some anywhere does the same",
        screens=(*_BOTH, "sources"),
        reason=_connected,
        footer=1,
    ),
    _job("open", "enter", "Open", "Everything about the job", screens=("jobs",), reason=_HAS_JOB, footer=10),
    _job(
        "pause",
        "p",
        "Pause",
        "Pause; resume what is paused",
        reason=_CAN_PAUSE,
        footer=2,
        retitle=_pause,
    ),
    _job("retry", "r", "Retry", "Start again what ended; what waits, now", reason=_CAN_RETRY, footer=3),
    _job("cancel", "x", "Cancel", "End a job and delete what it fetched", reason=_CAN_CANCEL, footer=4),
    _job("delete", "D", "Delete", "Forget a finished job; its file stays", reason=_CAN_DELETE, footer=9),
    _job("raise_priority", "plus equals_sign", "Sooner", "Raise the priority", reason=_CAN_MOVE, footer=12),
    _job("lower_priority", "minus", "Later", "Lower the priority", reason=_CAN_MOVE, footer=13),
    _job("copy_url", "y", "Copy", "Copy the link; again: show it", reason=_HAS_JOB, footer=8),
    _job("copy_path", "Y", "Copy path", "Copy the file's path; again: show it", reason=_has_file),
    _job("playlist", "P", "Playlist", "All jobs of this one's playlist", reason=_has_playlist, footer=11),
    _job(
        "send_again",
        "R",
        "Send again",
        "Send to Telegram what could not be sent",
        screens=("detail",),
        reason=_has_unsent,
        footer=5,
    ),
    _list("filter", "slash", "Filter", "Show only some jobs", footer=5),
    _list("sort", "s", "Sort", "Sort by the next column", footer=6),
    _list("reverse", "S", "Reverse", "Turn the order round"),
    _list("mark", "space", "Mark", "Mark: keys then act on all marked jobs", reason=_has_rows, footer=7),
    _list("mark_all", "asterisk", "Mark all", "Mark all that are shown, or none", reason=_has_rows),
    _list("next_view", "right l", "Next tab", "All, running, waiting … to the right"),
    _list("previous_view", "left h", "Previous tab", "… and to the left"),
    _source("source_jobs", "enter", "Its jobs", "The jobs of this source", footer=2),
    _login("add_login", "a", "Add login", "Use a cookie file as a login", reason=_connected, footer=1),
    _login("check", "c", "Check", "Read the file again and ask the site", reason=_has_login, footer=2),
    _login("check_all", "C", "Check all", "The same for every login", reason=_has_login, footer=3),
    _login("remove_login", "D", "Remove", "Forget a login; its file stays", reason=_has_login, footer=4),
    _login(
        "login_jobs", "enter", "Its jobs", "The jobs that wait for this login", reason=_has_login, footer=6
    ),
    _login("how_to", "h", "How to", "How to get a cookie file out of a browser", footer=5),
    _login("copy_path", "Y", "Copy path", "Copy the cookie file's path; again: show it", reason=_has_login),
    _chat("add_chat", "a", "Add chat", "Choose a chat or topic to watch", reason=_connected, footer=1),
    _chat("edit_chat", "e", "Edit", "What is done with its links", reason=_has_chat, footer=2),
    _chat("watch", "w", "Watch on/off", "Take its links, or leave them alone", reason=_has_chat, footer=3),
    _chat("deliveries", "d", "Files", "All its files and where they are", reason=_has_chat, footer=4),
    _chat("send_again", "r", "Send again", "Send what could not be sent", reason=_has_unsent, footer=5),
    _chat("forget_chat", "D", "Forget", "Forget its rules; files stay", reason=_has_chat, footer=6),
    _chat("chat_jobs", "enter", "Its jobs", "The jobs that were asked for there", reason=_has_chat, footer=7),
    _file("open_job", "enter", "Its job", "Everything about the job", footer=2),
    _file("send_again", "r", "Send again", "Send what could not be sent", reason=_has_unsent, footer=1),
    _move("down", "j down", "Down", "Next row"),
    _move("up", "k up", "Up", "Row before"),
    _move("page_down", "ctrl+d pagedown", "Page down", "Half a page down"),
    _move("page_up", "ctrl+u pageup", "Page up", "Half a page up"),
    _move("top", "g home", "Top", "First row"),
    _move("bottom", "G end", "Bottom", "Last row"),
    _page("show_jobs", "1", "Jobs", "The list of jobs"),
    _page("show_sources", "2", "Sources", "The sites: what runs, what rests and why"),
    _page("show_auth", "3", "Auth", "The logins: how they are, what to do"),
    _page("show_chats", "4", "Chats", "Telegram's chats: what is taken, what waits to be sent"),
    _deck("theme", "t", "Theme", "Dark, light, or the terminal's own colours"),
    _deck("reconnect", "ctrl+r", "Reconnect", "Look for the engine now", reason=_is_lost),
    _deck("help", "question_mark", "Keys", "This page", footer=0),
    _deck("back", "escape", "Back", "Close; clear marks, filter, tab", screens=_EVERYWHERE),
    _deck(
        "leave",
        "q ctrl+c",
        "Leave",
        "Leave the dashboard; jobs go on",
        screens=("jobs", *_ROSTERS),
        footer=0,
    ),
    _deck("close", "q ctrl+c question_mark", "Close", "Close this page", screens=("help",), footer=0),
    _deck("close", "q ctrl+c enter", "Close", "Back to the list", screens=("detail",), footer=0),
    _deck("close", "q ctrl+c", "Close", "Back to the chats", screens=("deliveries",), footer=0),
)

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
        Binding(
            ",".join(action.keys), f"act('{action.id}')", action.title, id=f"{screen}.{action.id}", show=False
        )
        for action in actions_of(screen)
    ]
