"""Watched chats as text: what is done with their links, how far they were read, what waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import Delivery, DeliveryState
from core.domain.folding import fold
from core.domain.job import Job, Kind
from core.domain.messenger import Chats
from core.domain.text import for_terminal
from tui.account import LOGIN, Account
from tui.actions import KeyOf, keys_on
from tui.deliveries import Names, delivery_row, within
from tui.paragraphs import blank, fact_lines, heading, nothing_yet, paragraph, steps
from tui.present import (
    DOT,
    HOLLOW,
    SEPARATOR,
    TICK,
    Line,
    Span,
    count_text,
    fit,
    join_sides,
    pad,
)

#: What a chat, or a topic of one, is known by.
ChatKey = tuple[int, int]

_MODES: Mapping[ChatMode, tuple[str, str, str]] = {
    ChatMode.AUTO: (f"{DOT} auto", "good", "Every link that is posted here becomes a job."),
    ChatMode.COMMAND: (f"{DOT} command", "accent", "Links become jobs when an admin commands it."),
    ChatMode.OFF: (f"{HOLLOW} off", "dim", "Its links are left alone."),
}
_FEEDBACK = {
    Feedback.REACTION: "by a reaction to the link",
    Feedback.STATUS: "by a message that changes as things go on",
    Feedback.NONE: "nothing",
}
_KEYS = keys_on("chats")
_MODE_CELLS = 9
#: Columns right of the name from this width on, with their cells.
_BREAKPOINTS: tuple[tuple[int, Mapping[str, int]], ...] = (
    (90, {"RULES": 30, "WAIT": 5, "READ TO": 9}),
    (70, {"RULES": 22, "WAIT": 5, "READ TO": 9}),
    (50, {"RULES": 16, "WAIT": 5}),
    (0, {"WAIT": 5}),
)
_RIGHT_ALIGNED = frozenset({"WAIT", "READ TO"})


def key_of(chat: ChatRules) -> ChatKey:
    """What it is known by."""
    return chat.chat_id, chat.topic_id


def in_order(chats: Sequence[ChatRules]) -> list[ChatRules]:
    """By title, each chat's topics after it."""
    titles = {chat.chat_id: fold(chat.title or "") for chat in chats if not chat.topic_id}
    return sorted(
        chats,
        key=lambda chat: (
            titles.get(chat.chat_id, ""),
            chat.chat_id,
            chat.topic_id != 0,
            fold(chat.title or ""),
            chat.topic_id,
        ),
    )


def with_rules(known: Chats | None, rules: ChatRules) -> Chats:
    """*known* with other rules for a chat."""
    known = known or Chats(rules=())
    return replace(known, rules=[*(each for each in known.rules if key_of(each) != key_of(rules)), rules])


def without_rules(known: Chats | None, key: ChatKey) -> Chats:
    """*known* without a topic, or without a chat and its topics."""
    known = known or Chats(rules=())
    chat_id, topic_id = key
    kept = [each for each in known.rules if each.chat_id != chat_id or (topic_id and key_of(each) != key)]
    return replace(known, rules=kept)


def rules_in_short(chat: ChatRules) -> str:
    """What differs from taking everything and sending it back. Not yet safe to print."""
    parts = [
        chat.kind.value if chat.kind not in {None, Kind.AUTO} else "",
        chat.quality if chat.quality not in {None, "best"} else "",
        ", ".join(chat.sources) if chat.sources is not None else "",
        "" if chat.reply else "no reply",
        "" if chat.archive else "no archive",
        {Feedback.STATUS: "status", Feedback.NONE: "silent"}.get(chat.feedback, ""),
    ]
    return f" {SEPARATOR} ".join(part for part in parts if part)


def _columns(width: int) -> tuple[int, Mapping[str, int]]:
    cells = next(cells for least, cells in _BREAKPOINTS if width >= least)
    return max(0, width - _MODE_CELLS - 1 - sum(1 + each for each in cells.values()) - 1), cells


def chat_heads(width: int) -> Line:
    """The line above the rows."""
    name_cells, cells = _columns(width)
    text = f"{'MODE':<{_MODE_CELLS}} {fit('CHAT', name_cells)}"
    for name, each in cells.items():
        text += " " + fit(name, each, right=name in _RIGHT_ALIGNED)
    return pad(((text, "head"),), width)


def chat_row(chat: ChatRules, names: Names, backlog: int, width: int, *, is_below: bool = False) -> Line:
    """One chat as a line of exactly *width* cells; a topic that *is_below* its chat is indented."""
    name_cells, cells = _columns(width)
    mode, style, _ = _MODES[chat.mode]
    is_off = chat.mode is ChatMode.OFF
    texts = {
        "RULES": "" if is_off else rules_in_short(chat),
        "WAIT": count_text(backlog) if backlog else "",
        "READ TO": f"#{chat.last_message_id}" if chat.last_message_id else "",
    }
    name = names(*key_of(chat))
    if is_below:
        name = f"  {within(names(chat.chat_id, 0), chat.title or f'topic {chat.topic_id}')}"
    spans: list[Span] = [
        (fit(mode, _MODE_CELLS), style),
        (" " + _indented(name, name_cells), "dim" if is_off else "strong"),
    ]
    for column, each in cells.items():
        look = "warn" if column == "WAIT" and backlog else "dim"
        spans.append((" " + fit(texts[column], each, right=column in _RIGHT_ALIGNED), look))
    return pad(tuple(spans), width)


def _indented(name: str, cells: int) -> str:
    indent = " " * min(cells, len(name) - len(name.lstrip(" ")))
    return indent + fit(name.lstrip(" "), cells - len(indent))


def chat_detail(
    chat: ChatRules,
    names: Names,
    backlog: int,
    deliveries: Sequence[Delivery],
    jobs: Mapping[int, Job],
    now: float,
    width: int,
    key: KeyOf = _KEYS,
) -> list[Line]:
    """All about a chat in lines of exactly *width* cells, its newest deliveries last."""
    mode, style, sentence = _MODES[chat.mode]
    title = for_terminal(names(*key_of(chat)))
    lines = [join_sides(((f" {title}", "strong"),), ((f"{mode} ", style),), width)]
    lines += paragraph(sentence, "text", width)
    failed = sum(each.state is DeliveryState.FAILED for each in deliveries)
    if failed:
        were = "file was" if failed == 1 else "files were"
        lines += paragraph(f"{failed} {were} not sent. {key('send_again')} sends again.", "bad", width)
    lines.append(blank(width))
    wanted = [chat.kind.value if chat.kind else "as offered", chat.quality or "best"]
    sources = ", ".join(chat.sources) if chat.sources is not None else "all"
    files = "sent back" if chat.reply else "not sent back"
    files += ", kept in the archive" if chat.archive else ", deleted once they were sent"
    lines += fact_lines(
        (
            ("id", f"{chat.chat_id}" + (f" {SEPARATOR} topic {chat.topic_id}" if chat.topic_id else ""), 1),
            ("wants", f" {SEPARATOR} ".join(wanted), 1),
            ("sources", sources, 3),
            ("files", files, 2),
            ("told", _FEEDBACK[chat.feedback], 2),
            ("read", f"to message {chat.last_message_id}" if chat.last_message_id else "", 1),
            ("waits", f"{backlog} file{'s' * (backlog != 1)} to be sent" if backlog else "", 1),
        ),
        width,
    )
    if deliveries:
        lines += [blank(width), heading("FILES, NEWEST FIRST", width)]
        lines += [
            ((" ", "text"), *delivery_row(each, jobs.get(each.job_id), now, width - 1)) for each in deliveries
        ]
    return lines


def no_chats(account: Account, *, is_loaded: bool, is_lost: bool = False, key: KeyOf = _KEYS) -> list[Line]:
    """What stands in place of rows when there are none."""
    if not is_loaded:
        return nothing_yet("chats", is_lost=is_lost)
    if not account.is_on:
        return [
            (("Telegram is off", "strong"),),
            (),
            (("Switch it on in the configuration, and log in, in any shell:", "dim"),),
            (),
            (("[telegram] enabled = true", "accent"),),
            (("$  ", "key"), (LOGIN, "accent")),
        ]
    if account.state == "login_needed":
        return [
            (("Telegram wants a login", "strong"),),
            (),
            (("$  ", "key"), (LOGIN, "accent"), ("  in any shell; the engine goes on by itself", "dim")),
        ]
    return [
        (("No chats are watched yet", "strong"),),
        (),
        (("Links that people post in a watched chat become jobs,", "dim"),),
        (("and their files are sent back as answers.", "dim"),),
        (),
        *steps(
            (key("add_chat"), "choose a chat"),
            ("$", "reeldeck telegram watch CHAT, in any shell"),
            (key("help"), "see all keys"),
        ),
    ]


# The choice of one


def matching(chats: Sequence[ChatRules], names: Names, typed: str) -> list[ChatRules]:
    """Those whose name or id has all words of *typed*, whatever the spelling."""
    words = fold(typed).split()
    return [
        chat
        for chat in in_order(chats)
        if all(word in f"{fold(names(*key_of(chat)))} {chat.chat_id}" for word in words)
    ]


def choice_row(chat: ChatRules, names: Names, width: int, *, is_watched: bool) -> Line:
    """A chat to choose, as a line of exactly *width* cells."""
    kind = "topic" if chat.topic_id else "person" if chat.chat_id > 0 else "chat"
    mark: Line = ((f"{TICK} watched ", "good"),) if is_watched else ((f"{kind} ", "dim"),)
    return join_sides(((for_terminal(names(*key_of(chat))), "text"),), ((" ", "text"), *mark), width)
