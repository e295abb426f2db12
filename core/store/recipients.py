"""Who gets the file of a job: written together with the request, and with whatever becomes of the job.

A delivery waits for its job. Of a list nothing is sent: whoever asked for it gets each of its items instead.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from core.domain.delivery import Delivery, DeliveryState
from core.domain.job import Job, JobStatus, ReplyTo
from core.store.rows import JOB, Row, chunked, job_of, placeholders
from core.store.transaction import Transaction

_FIELDS = tuple(field.name for field in dataclasses.fields(Delivery))
DELIVERY = ", ".join(_FIELDS)
_STATE = {
    JobStatus.COMPLETED: DeliveryState.READY,
    JobStatus.FAILED: DeliveryState.FAILED,
    JobStatus.CANCELLED: DeliveryState.FAILED,
}
#: What a delivery says whose job was cancelled: the job itself has no error.
_CANCELLED = "The job was cancelled"
#: The class and the text of an error.
_Error = tuple[str | None, str | None]
_NO_ERROR: _Error = (None, None)


def delivery_of(row: Row) -> Delivery:
    """A row that was selected as `DELIVERY`."""
    values = dict(zip(_FIELDS, row, strict=True))
    return Delivery(**{**values, "state": DeliveryState(values["state"])})


def new_random_id() -> int:
    """Positive, 63 bits: Telegram's clients use signed numbers."""
    return secrets.randbits(63) or 1


async def ask(transaction: Transaction, asked: Sequence[tuple[Job, ReplyTo]], *, now: float) -> None:
    """Let files of jobs answer messages; each once, however often it is asked for."""
    level, found = dict.fromkeys((job.id, reply) for job, reply in asked), dict[int, Job]()
    found |= {job.id: job for job, _ in asked}
    seen: dict[tuple[int, ReplyTo], None] = {}
    while level:
        seen |= level
        items = await _items(transaction, {job_id for job_id, _ in level})
        found |= {item.id: item for listed in items.values() for item in listed}
        below = ((item.id, reply) for job_id, reply in level for item in items.get(job_id, ()))
        level = dict.fromkeys(each for each in below if each not in seen)
    await _insert(transaction, [(found[job_id], reply) for job_id, reply in seen], now=now)
    for reply in dict.fromkeys(reply for _, reply in asked):
        await _skip_repeats(transaction, reply.chat_id, reply.message_id, now=now)
        await unsettle(transaction, reply.chat_id, reply.message_id, topic_id=reply.topic_id)


async def listed(transaction: Transaction, list_id: int, jobs: Sequence[Job], *, now: float) -> None:
    """*jobs* are items of a list: whoever waits for the list gets them too."""
    await transaction.execute_many(
        "INSERT INTO list_items (list_id, job_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [[list_id, job.id] for job in jobs],
    )
    replies = await _replies(transaction, list_id)
    await ask(transaction, [(job, reply) for reply in replies for job in jobs], now=now)


async def inherit(transaction: Transaction, list_id: int, twin_id: int) -> None:
    """A list has the items of its twin."""
    await transaction.execute(
        "INSERT INTO list_items (list_id, job_id) SELECT ?, job_id FROM list_items WHERE list_id = ?"
        " ON CONFLICT DO NOTHING",
        *(list_id, twin_id),
    )


async def job_ended(transaction: Transaction, job: Job, *, now: float) -> None:
    """*job* is final now: what waited for it goes out, or fails with it."""
    state = _state(job)
    error = _error(job) if state is DeliveryState.FAILED else _NO_ERROR
    await _turn(transaction, job.id, DeliveryState.WAITING, state, error, now=now)
    if job.is_list:
        # Somebody may have joined after its items were stored.
        await ask(transaction, [(job, reply) for reply in await _replies(transaction, job.id)], now=now)


async def job_begins_again(transaction: Transaction, job: Job, *, now: float) -> None:
    """*job* was final and is not any more: those whom it failed wait for it again."""
    await _turn(transaction, job.id, DeliveryState.FAILED, DeliveryState.WAITING, _NO_ERROR, now=now)


async def unsettle(
    transaction: Transaction, chat_id: int, message_id: int | None, *, topic_id: int | None = None
) -> None:
    """What a message was told is not all there is to tell."""
    if message_id is None:
        return
    await transaction.execute(
        "INSERT INTO acknowledgements (chat_id, message_id, topic_id, is_settled) VALUES (?, ?, ?, 0)"
        " ON CONFLICT (chat_id, message_id) DO UPDATE SET is_settled = 0",
        *(chat_id, message_id, topic_id),
    )


def _state(job: Job) -> DeliveryState:
    if job.is_list:
        return DeliveryState.SKIPPED
    return _STATE.get(job.status, DeliveryState.WAITING)


def _error(job: Job) -> _Error:
    return job.error_type, job.error_message or (_CANCELLED if job.error_type is None else None)


async def _turn(
    transaction: Transaction,
    job_id: int,
    from_: DeliveryState,
    to: DeliveryState,
    error: _Error,
    *,
    now: float,
) -> None:
    rows = await transaction.rows(
        "UPDATE deliveries SET state = ?, error_type = ?, error_message = ?, not_before = NULL, updated = ?"
        " WHERE job_id = ? AND state = ? RETURNING chat_id, reply_to, topic_id",
        *(to.value, *error, now, job_id, from_.value),
    )
    if rows and to is DeliveryState.READY:
        transaction.is_due = True
    for row in rows:
        if to is DeliveryState.READY:
            await _skip_repeats(transaction, row["chat_id"], row["reply_to"], now=now)
        await unsettle(transaction, row["chat_id"], row["reply_to"], topic_id=row["topic_id"])


async def _skip_repeats(
    transaction: Transaction, chat_id: int, message_id: int | None, *, now: float
) -> None:
    """Let no message get the same file twice because several of its links turned out to lead there."""
    await transaction.execute(
        "UPDATE deliveries SET state = 'SKIPPED', updated = ?"
        " WHERE chat_id = ? AND reply_to = ? AND state = 'READY' AND part_index = 0 AND EXISTS ("
        " SELECT 1 FROM deliveries other JOIN jobs theirs ON theirs.id = other.job_id"
        " JOIN jobs ours ON ours.id = deliveries.job_id"
        " WHERE other.chat_id = deliveries.chat_id AND other.reply_to = deliveries.reply_to"
        " AND other.job_id <> deliveries.job_id AND theirs.file_path = ours.file_path"
        " AND (other.state IN ('SENDING', 'SENT')"
        " OR other.state = 'READY' AND other.id < deliveries.id))",
        *(now, chat_id, message_id),
    )


async def _insert(transaction: Transaction, asked: Sequence[tuple[Job, ReplyTo]], *, now: float) -> None:
    rows: list[dict[str, Any]] = []
    for job, reply in asked:
        state = _state(job)
        error_type, error_message = _error(job) if state is DeliveryState.FAILED else _NO_ERROR
        rows.append(
            {
                "job_id": job.id,
                "chat_id": reply.chat_id,
                "topic_id": reply.topic_id,
                "reply_to": reply.message_id,
                "state": state.value,
                "random_id": new_random_id(),
                "part_index": 0,
                "upload_parts_done": 0,
                "attempt": 0,
                "error_type": error_type,
                "error_message": error_message,
                "created": now,
                "updated": now,
            }
        )
        if state is DeliveryState.READY:
            transaction.is_due = True
    if rows:
        await transaction.execute_many(
            f"INSERT INTO deliveries ({', '.join(rows[0])}) VALUES ({placeholders(len(rows[0]))})"  # noqa: S608 -- constants
            " ON CONFLICT (chat_id, reply_to, job_id, part_index) DO NOTHING",
            [list(row.values()) for row in rows],
        )


async def _replies(transaction: Transaction, job_id: int) -> list[ReplyTo]:
    """The messages that asked for a job."""
    rows = await transaction.rows(
        "SELECT chat_id, reply_to, topic_id FROM deliveries"
        " WHERE job_id = ? AND part_index = 0 AND reply_to IS NOT NULL ORDER BY id",
        job_id,
    )
    return [ReplyTo(row["chat_id"], row["reply_to"], row["topic_id"]) for row in rows]


async def _items(transaction: Transaction, list_ids: Collection[int]) -> dict[int, list[Job]]:
    """The items of those jobs that are lists, in the order in which they were stored."""
    pairs = [
        (row["list_id"], row["job_id"])
        for some in chunked(sorted(list_ids))
        for row in await transaction.rows(
            "SELECT list_id, job_id FROM list_items"  # noqa: S608 -- placeholders
            f" WHERE list_id IN ({placeholders(len(some))}) ORDER BY job_id",
            *some,
        )
    ]
    jobs = {
        row["id"]: job_of(row)
        for some in chunked(sorted({job_id for _, job_id in pairs}))
        for row in await transaction.rows(
            f"SELECT {JOB} FROM jobs WHERE id IN ({placeholders(len(some))})",  # noqa: S608 -- constants
            *some,
        )
    }
    found: dict[int, list[Job]] = {}
    for list_id, job_id in pairs:
        found.setdefault(list_id, []).append(jobs[job_id])
    return found
