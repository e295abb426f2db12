"""Everything the dashboard can do, in one list: it feeds key bindings, footer, `?` and palette.

An action is never hidden when it cannot be used now: it says why. To add one, add it here and write
`do_<id>` on the screens that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from core.domain.job import JobStatus
from tui.action import BOTH, EVERYWHERE, LISTINGS, OPENED, PAGES, ROSTERS, Action, make
from tui.operations import OPERATIONS
from tui.situation import (
    ACTIVE,
    can_send,
    can_tag,
    can_undo,
    connected,
    has_chat,
    has_file,
    has_item,
    has_items_job,
    has_line,
    has_login,
    has_playlist,
    has_rows,
    has_unsent,
    is_lost,
    is_of_job,
    on_job,
    pause_title,
)

if TYPE_CHECKING:
    from textual.binding import BindingType

_S = JobStatus


_CAN_PAUSE = on_job("Nothing to pause", *ACTIVE, _S.PAUSED)
_CAN_RETRY = on_job("Nothing to retry", _S.FAILED, _S.CANCELLED, _S.PENDING, _S.QUEUED)
_CAN_CANCEL = on_job("Nothing to cancel", *ACTIVE, _S.PAUSED)
_CAN_DELETE = on_job("Nothing to delete", _S.COMPLETED, _S.FAILED, _S.CANCELLED)
_CAN_SHIFT = on_job("Nothing to move", *ACTIVE, _S.PAUSED)
_IS_QUEUED = on_job("Only what is queued can be moved", _S.QUEUED)
_CAN_DEBUG = on_job("Nothing to write down", *ACTIVE, _S.PAUSED, _S.FAILED, _S.CANCELLED)
_CAN_RENAME = on_job("")
_HAS_JOB = on_job("", needs_engine=False)


_job = make("Jobs", BOTH)
_list = make("List", ("jobs",))
_move = make("Move", EVERYWHERE)
_source = make("Sources", ("sources",))
_login = make("Logins", ("auth",))
_chat = make("Chats", ("chats",))
_file = make("Files", ("deliveries",))
_item = make("Library", ("library",))
_log = make("Log", ("log",))
_setting = make("Settings", ("settings",))
_page = make("Pages", PAGES)
_deck = make("Dashboard", PAGES)

#: In the order of the help page. `footer` is an action's place at the bottom of the screen.
ACTIONS: tuple[Action, ...] = (
    _job(
        "add",
        "a",
        "Add",
        "Add links, or paste some anywhere",
        screens=(*BOTH, "sources", "library", "log"),
        reason=connected,
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
        retitle=pause_title,
    ),
    _job("retry", "r", "Retry", "Start again what ended; what waits, now", reason=_CAN_RETRY, footer=3),
    _job("cancel", "x", "Cancel", "End a job and delete what it fetched", reason=_CAN_CANCEL, footer=4),
    _job("delete", "D", "Delete", "Forget a finished job; its file stays", reason=_CAN_DELETE, footer=9),
    _job("raise_priority", "plus equals_sign", "Sooner", "Raise the priority", reason=_CAN_SHIFT, footer=12),
    _job("lower_priority", "minus", "Later", "Lower the priority", reason=_CAN_SHIFT, footer=13),
    _job("move_up", "K", "Move up", "Let it pass the one before it in the queue", reason=_IS_QUEUED),
    _job("move_down", "J", "Move down", "Let the one behind it pass", reason=_IS_QUEUED),
    _job("move_top", "T", "To the top", "Let it run next", reason=_IS_QUEUED),
    _job("move_bottom", "B", "To the end", "Let all others run before it", reason=_IS_QUEUED),
    _job("copy_url", "y", "Copy", "Copy the link; again: show it", reason=_HAS_JOB, footer=8),
    _job("copy_path", "Y", "Copy path", "Copy the file's path; again: show it", reason=has_file),
    _job("job_log", "L", "Log", "What the engine wrote down about the job", reason=_HAS_JOB),
    _job("debug", "d", "Debug on/off", "Write down everything about it until it ends", reason=_CAN_DEBUG),
    _job(
        "rename",
        "e",
        "Rename",
        "Another title; its file keeps its name",
        reason=_CAN_RENAME,
    ),
    _job("playlist", "P", "Playlist", "All jobs of this one's playlist", reason=has_playlist, footer=11),
    _job(
        "send_again",
        "R",
        "Send again",
        "Send to Telegram what could not be sent",
        screens=("detail",),
        reason=has_unsent,
        footer=5,
    ),
    _list("filter", "slash", "Filter", "Show only some jobs", footer=5),
    _list("sort", "s", "Sort", "Sort by the next column", footer=6),
    _list("reverse", "S", "Reverse", "Turn the order round"),
    _list("columns", "c", "Columns", "Choose what the list shows"),
    _list("mark", "space", "Mark", "Mark: keys then act on all marked jobs", reason=has_rows, footer=7),
    _list("mark_all", "asterisk", "Mark all", "Mark all that are shown, or none", reason=has_rows),
    _list("next_view", "right l", "Next tab", "All, running, waiting … to the right"),
    _list("previous_view", "left h", "Previous tab", "… and to the left"),
    _source("cap", "b", "Bandwidth", "Let it fetch slower or faster, for now", reason=connected, footer=3),
    _source("source_jobs", "enter", "Its jobs", "The jobs of this source", footer=2),
    _login("add_login", "a", "Add login", "Use a cookie file as a login", reason=connected, footer=1),
    _login("check", "c", "Check", "Read the file again and ask the site", reason=has_login, footer=2),
    _login("check_all", "C", "Check all", "The same for every login", reason=has_login, footer=3),
    _login("remove_login", "D", "Remove", "Forget a login; its file stays", reason=has_login, footer=4),
    _login(
        "login_jobs", "enter", "Its jobs", "The jobs that wait for this login", reason=has_login, footer=6
    ),
    _login("how_to", "h", "How to", "How to get a cookie file out of a browser", footer=5),
    _login("copy_path", "Y", "Copy path", "Copy the cookie file's path; again: show it", reason=has_login),
    _chat("add_chat", "a", "Add chat", "Choose a chat or topic to watch", reason=connected, footer=1),
    _chat("edit_chat", "e", "Edit", "What is done with its links", reason=has_chat, footer=2),
    _chat("watch", "w", "Watch on/off", "Take its links, or leave them alone", reason=has_chat, footer=3),
    _chat("deliveries", "d", "Files", "All its files and where they are", reason=has_chat, footer=4),
    _chat("send_again", "r", "Send again", "Send what could not be sent", reason=has_unsent, footer=5),
    _chat("forget_chat", "D", "Forget", "Forget its rules; files stay", reason=has_chat, footer=6),
    _chat("chat_jobs", "enter", "Its jobs", "The jobs that were asked for there", reason=has_chat, footer=7),
    _file("open_job", "enter", "Its job", "Everything about the job", footer=2),
    _file("send_again", "r", "Send again", "Send what could not be sent", reason=has_unsent, footer=1),
    _item("filter", "slash", "Search", "Words and filters; found as you type", footer=1),
    _item("send_item", "s", "Send", "Send the file to a chat", reason=can_send, footer=2),
    _item("open_folder", "o", "Folder", "Open its folder, or copy its path", reason=has_item, footer=3),
    _item("tag_item", "T", "Tags", "Give it tags, or take some", reason=can_tag, footer=7),
    _item("copy_path", "Y", "Copy path", "Copy the file's path; again: show it", reason=has_item, footer=5),
    _item("copy_url", "y", "Copy link", "Copy the link; again: show it", reason=has_item, footer=6),
    _item("open_job", "enter", "Its job", "The job that brought it", reason=has_items_job, footer=4),
    _item(
        "facets", "f", "Counts", "What it finds by kind, source and tag; only one of these", reason=connected
    ),
    _log("open_job", "enter", "Its job", "Everything about the job", reason=is_of_job, footer=4),
    _log("filter", "slash", "Filter", "Only lines with these words", footer=1),
    _log("level", "v", "Level", "Only lines from the next level on", footer=2),
    _log("follow", "f", "Follow on/off", "Go with the newest line, or stand still", footer=3),
    _log("job_log", "L", "Its lines", "Only lines about the same job", reason=is_of_job, footer=5),
    _log("copy_line", "y", "Copy", "Copy the line; again: show it", reason=has_line, footer=6),
    _setting("change", "enter", "Change", "Switch it, or type another value", reason=connected, footer=1),
    _setting("raise_limit", "plus equals_sign right", "More", "Raise it a bit", reason=connected, footer=2),
    _setting("lower_limit", "minus left", "Less", "Lower it a bit", reason=connected, footer=3),
    _setting("reset_limit", "backspace", "Reset", "As it is configured", reason=connected, footer=4),
    *OPERATIONS,
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
    _page("show_library", "5", "Library", "What was fetched: search it, send it again"),
    _page("show_log", "6", "Log", "What the engine wrote down, as it comes"),
    _deck("theme", "t", "Theme", "Dark, light, or the terminal's own colours"),
    _deck("reconnect", "ctrl+r", "Reconnect", "Look for the engine now", reason=is_lost),
    _deck("settings", "comma", "Settings", "Limits and switches that may change now"),
    _deck("operations", "O", "Operations", "Collect, import, duplicates, backup, tokens, changes …"),
    _deck(
        "undo",
        "u",
        "Undo",
        "Take the last change back, for some seconds",
        screens=(*PAGES, "settings"),
        reason=can_undo,
    ),
    _deck("stop_engine", "Q", "Stop engine", "Put running jobs back and end the engine", reason=connected),
    _deck("palette", "colon ctrl+p", "Palette", "Find what you want to do by its name", footer=14),
    _deck("help", "question_mark", "Keys", "This page", screens=(*PAGES, *OPENED), footer=0),
    _deck("back", "escape", "Back", "Close; clear marks, filter, tab", screens=EVERYWHERE),
    _deck(
        "leave",
        "q ctrl+c",
        "Leave",
        "Leave the dashboard; jobs go on",
        screens=("jobs", *ROSTERS),
        footer=0,
    ),
    _deck("close", "q ctrl+c question_mark", "Close", "Close this page", screens=("help",), footer=0),
    _deck("close", "q ctrl+c enter", "Close", "Back to the list", screens=("detail",), footer=0),
    _deck("close", "q ctrl+c", "Close", "Back to the chats", screens=("deliveries",), footer=0),
    _deck("close", "q ctrl+c comma", "Close", "Back to where it was opened", screens=("settings",), footer=0),
    _deck("close", "q ctrl+c O", "Close", "Back to where it was opened", screens=("operations",), footer=0),
    _deck("close", "q ctrl+c", "Close", "Back to where it was opened", screens=LISTINGS, footer=0),
)

#: Keys that people chose themselves, by the ids of actions.
OwnKeys = Mapping[str, tuple[str, ...]]
NO_KEYS: OwnKeys = {}

#: How keys are written for people, where Textual's name is not it.
KEY_NAMES = {
    "slash": "/", "space": "Space", "asterisk": "*", "question_mark": "?", "colon": ":", "comma": ",",
    "escape": "Esc", "plus": "+", "equals_sign": "=", "minus": "-", "enter": "Enter", "down": "↓", "up": "↑",
    "left": "←", "right": "→", "home": "Home", "end": "End", "pagedown": "PgDn", "pageup": "PgUp",
    "backspace": "Bksp",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key as people know it: `Ctrl+d`, `/`, `Esc`."""
    if key in KEY_NAMES:
        return KEY_NAMES[key]
    is_function = key.startswith("f") and key[1:].isdecimal()
    return key.upper() if is_function else key.replace("ctrl+", "Ctrl+")


def actions_of(screen: str, own: OwnKeys = NO_KEYS) -> list[Action]:
    """The actions of one screen, in the order of the list, with the keys that people chose themselves."""
    return [
        replace(action, keys=own[action.id]) if action.id in own else action
        for action in ACTIONS
        if screen in action.screens
    ]


#: Tells the key of an action by its id, for sentences that name it.
KeyOf = Callable[[str], str]


def keys_on(screen: str, own: OwnKeys = NO_KEYS) -> KeyOf:
    """What tells the keys of *screen*, as people know them. Raises KeyError for an action that it has not."""
    return {action.id: key_name(action.keys[0]) for action in actions_of(screen, own)}.__getitem__


def bindings_of(screen: str) -> list[BindingType]:
    """Key bindings of one screen; each calls its `action_act` with the action's id."""
    # Sentences that name keys are the command line's, too: it does not wait for Textual.
    from textual.binding import Binding  # noqa: PLC0415 -- as above

    return [
        Binding(
            ",".join(action.keys), f"act('{action.id}')", action.title, id=f"{screen}.{action.id}", show=False
        )
        for action in actions_of(screen)
    ]
