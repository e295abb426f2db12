"""Files on their way back to who asked for them, as text: where each stands, and when it goes on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import ERRORS
from core.domain.figures import percent_text, span_text
from core.domain.job import Job
from core.domain.text import for_terminal
from core.domain.wording import title_of
from tui.paragraphs import blank, fact_lines, heading, paragraph
from tui.present import (
    ARROW,
    HOLLOW,
    LATER,
    NOW,
    SEPARATOR,
    TICK,
    Line,
    Span,
    bar,
    clock_text,
    fit,
    join_sides,
    pad,
)

_D = DeliveryState
_STATES: Mapping[DeliveryState, tuple[str, str, str]] = {
    _D.WAITING: (HOLLOW, "waiting", "dim"),
    _D.READY: (LATER, "ready", "state.wait"),
    _D.SENDING: (NOW, "sending", "state.run"),
    _D.SENT: (TICK, "sent", "good"),
    _D.SKIPPED: (LATER, "skipped", "dim"),
    _D.FAILED: ("!", "failed", "bad"),
}
STATE_CELLS = 9
#: What the note of a row takes from this width on.
_BREAKPOINTS = ((90, 40), (70, 32), (45, 20), (0, 10))
#: The names that a chat and its topics go by.
Names = Callable[[int, int | None], str]


def chat_names(chats: Iterable[ChatRules]) -> Names:
    """How to call a chat, or a topic of one, by what is known of *chats*. Names are not yet safe to print."""
    titles = {(chat.chat_id, chat.topic_id): chat.title for chat in chats if chat.title}

    def name(chat_id: int, topic_id: int | None) -> str:
        chat = titles.get((chat_id, 0))
        topic = titles.get((chat_id, topic_id)) if topic_id else None
        if topic and not chat:
            return topic
        chat = chat or f"chat {chat_id}"
        return f"{chat} {ARROW} {within(chat, topic or f'topic {topic_id}')}" if topic_id else chat

    return name


def within(chat: str, topic: str) -> str:
    """The name of a topic below its chat's: messengers tell it as `chat / topic`."""
    return topic.removeprefix(f"{chat} / ")


def wait_s(delivery: Delivery, now: float) -> float | None:
    """How long it is held back yet, None when it is not."""
    is_held = delivery.state is _D.READY and delivery.not_before is not None and delivery.not_before > now
    return delivery.not_before - now if is_held and delivery.not_before else None


def share_sent(delivery: Delivery) -> float | None:
    """How much of its upload is there, 0 to 1; None when there is none."""
    if not delivery.upload_parts_total:
        return None
    return min(1.0, delivery.upload_parts_done / delivery.upload_parts_total)


def is_moving(delivery: Delivery, now: float) -> bool:
    """It looks different a second from now: it is being sent, or a countdown runs."""
    return delivery.state is _D.SENDING or wait_s(delivery, now) is not None


def state_of_delivery(delivery: Delivery, now: float) -> Span:
    """A sign and a word for where it stands, at most nine cells, and their style."""
    if wait_s(delivery, now) is not None:
        return f"{HOLLOW} held", "state.hold"
    sign, word, style = _STATES[delivery.state]
    return f"{sign} {word}", style


def note_of_delivery(delivery: Delivery, now: float) -> str:
    """What is to be said beyond its state: when it goes on and why it waits, or what came of it."""
    left, share = wait_s(delivery, now), share_sent(delivery)
    match delivery.state:
        case _D.WAITING:
            return "when its job is done"
        case _D.READY if left is not None:
            return f"in {span_text(left)}: {_problem(delivery)}".rstrip(": ")
        case _D.SENDING:
            return percent_text(share) if share is not None else ""
        case _D.FAILED:
            return _problem(delivery)
        case _D.SENT:
            return clock_text(delivery.updated, now)
        case _:
            return ""


def _problem(delivery: Delivery) -> str:
    known = ERRORS.get(delivery.error_type or "")
    return known.summary if known else delivery.error_message or delivery.error_type or ""


def _part(delivery: Delivery) -> str:
    return f" (part {delivery.part_index + 1})" if delivery.part_index else ""


def delivery_heads(width: int) -> Line:
    """The line above the rows."""
    note_cells = _note_cells(width)
    title = fit("JOB", width - STATE_CELLS - note_cells - 2)
    return pad(((f"{'STATE':<{STATE_CELLS}} {title} NOTE", "head"),), width)


def delivery_row(delivery: Delivery, job: Job | None, now: float, width: int) -> Line:
    """One delivery as a line of exactly *width* cells."""
    note_cells = _note_cells(width)
    state, style = state_of_delivery(delivery, now)
    title = title_of(job) if job else f"job {delivery.job_id}"
    left: Line = (
        (fit(state, STATE_CELLS), style),
        (" " + fit(title + _part(delivery), max(0, width - STATE_CELLS - note_cells - 2)), "text"),
        (" ", "text"),
    )
    return pad((*left, *_note(delivery, now, note_cells)), width)


def _note_cells(width: int) -> int:
    return next(cells for least, cells in _BREAKPOINTS if width >= least)


def _note(delivery: Delivery, now: float, cells: int) -> Line:
    share = share_sent(delivery)
    if delivery.state is _D.SENDING and share is not None:
        bar_cells = min(cells - 5, 20)
        return (*bar(share, bar_cells), (f" {percent_text(share):>4}", "text"))
    style = "problem" if delivery.state is _D.FAILED else "dim"
    return ((fit(note_of_delivery(delivery, now), cells), style),)


def delivery_detail(delivery: Delivery, job: Job | None, where: str, now: float, width: int) -> list[Line]:
    """All about a delivery in lines of exactly *width* cells; *where* is the name of its chat."""
    state, style = state_of_delivery(delivery, now)
    title = title_of(job) if job else f"job {delivery.job_id}"
    right: Line = ((f"{state} ", style),)
    lines = [join_sides(((f" {for_terminal(title)}", "strong"),), right, width)]
    lines += _trouble(delivery, now, width)
    share = share_sent(delivery)
    if delivery.state is _D.SENDING and share is not None:
        cells = max(4, min(30, width - 8))
        lines.append(pad(((" ", "text"), *bar(share, cells), (f" {percent_text(share)}", "text")), width))
    lines.append(blank(width))
    part = f" {SEPARATOR} part {delivery.part_index + 1}" if delivery.part_index else ""
    tries = f"{delivery.attempt} time{'s' * (delivery.attempt != 1)}" if delivery.attempt else ""
    return lines + fact_lines(
        (
            ("job", f"{delivery.job_id}{part}", 1),
            ("to", where, 2),
            ("answers", f"message {delivery.reply_to}" if delivery.reply_to else "", 1),
            ("sent as", f"message {delivery.message_id}" if delivery.message_id else "", 1),
            ("tried", tries, 1),
            ("asked", clock_text(delivery.created, now, seconds=True), 1),
            ("changed", clock_text(delivery.updated, now, seconds=True), 1),
        ),
        width,
    )


def _trouble(delivery: Delivery, now: float, width: int) -> list[Line]:
    """What went wrong last, and what comes next; nothing when all is well."""
    left = wait_s(delivery, now)
    if delivery.state is not _D.FAILED and left is None:
        return []
    known = ERRORS.get(delivery.error_type or "")
    message = delivery.error_message or _problem(delivery)
    lines = paragraph(message, "bad" if delivery.state is _D.FAILED else "warn", width) if message else []
    if left is not None:
        at = clock_text(delivery.not_before, now, seconds=True)
        goes_on = f"Sent in {span_text(left)}, at {at}, by itself."
        return lines + paragraph(goes_on, "text", width, first=f"{ARROW} ")
    hint = known.default_hint if known else "Send it again."
    return lines + paragraph(hint, "text", width, first=f"{ARROW} ")


def summary(deliveries: Sequence[Delivery], now: float) -> Span:
    """Where a job's deliveries stand together, in a few words: the one that calls loudest."""
    loud = (_D.FAILED, _D.SENDING, _D.READY, _D.SENT)
    chosen = next((each for state in loud for each in deliveries if each.state is state), None)
    if chosen is None:
        return "", "text"
    word, style = state_of_delivery(chosen, now)
    if chosen.state is _D.FAILED:
        return "! not sent", style
    left = wait_s(chosen, now)
    note = span_text(left) if left is not None else note_of_delivery(chosen, now)
    return f"{word} {note if chosen.state is not _D.SENT else ''}".rstrip(), style


def delivery_lines(deliveries: Sequence[Delivery], names: Names, now: float, width: int) -> list[Line]:
    """A job's deliveries under a heading, each with its chat, in lines of exactly *width* cells."""
    lines = [blank(width), heading("SENT TO", width)] if deliveries else []
    for delivery in deliveries:
        state, style = state_of_delivery(delivery, now)
        where = names(delivery.chat_id, delivery.topic_id) + _part(delivery)
        head: Line = ((f" {fit(state, STATE_CELLS)} ", style), (for_terminal(where), "text"))
        lines.append(_with_note(head, delivery, now, width))
        lines += _trouble(delivery, now, width)
    return lines


def _with_note(head: Line, delivery: Delivery, now: float, width: int) -> Line:
    """*head*, and at the right end how far it is; troubles are told in lines of their own."""
    left = wait_s(delivery, now)
    if delivery.state is _D.SENDING and share_sent(delivery) is not None:
        note = _note(delivery, now, 20 if width >= 50 else 10)
    elif left is not None:
        note = ((f"in {span_text(left)}", "dim"),)
    else:
        note = ((clock_text(delivery.updated, now) if delivery.state is _D.SENT else "", "dim"),)
    return join_sides(head, ((" ", "text"), *note, (" ", "text")), width)
