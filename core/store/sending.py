"""What becomes of a delivery: the only writer of the states of those that were READY once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import IllegalTransition, NoSuchEntry, StaleClaim
from core.domain.events import EventType
from core.domain.job import JobStatus
from core.store.recipients import DELIVERY, delivery_of, new_random_id, unsettle
from core.store.rows import EventWithData, Reader, to_cells
from core.store.transaction import Transaction

#: What a delivery that goes well has not.
_NO_ERROR = dict.fromkeys(("error_type", "error_message", "not_before"))
_FACTS = frozenset(field.name for field in dataclasses.fields(Delivery))
_READY, _SENDING = DeliveryState.READY, DeliveryState.SENDING


async def get(reader: Reader, delivery_id: int) -> Delivery:
    """One delivery. Raises NoSuchEntry."""
    rows = await reader.rows(f"SELECT {DELIVERY} FROM deliveries WHERE id = ?", delivery_id)  # noqa: S608 -- constants
    if not rows:
        raise NoSuchEntry(
            f"there is no delivery {delivery_id}", hint="See the deliveries of a job with: reeldeck job ID"
        )
    return delivery_of(rows[0])


async def _move(
    transaction: Transaction,
    *,
    delivery_id: int,
    from_: DeliveryState,
    facts: dict[str, Any],
    event: EventType | None,
    data: Mapping[str, Any] = MappingProxyType({}),
    now: float,
) -> Delivery:
    """Change a delivery that is in *from_*. Raises NoSuchEntry, StaleClaim."""
    cells = {**to_cells(facts, _FACTS), "updated": now}
    row = await transaction.row(
        f"UPDATE deliveries SET {', '.join(f'{name} = ?' for name in cells)}"  # noqa: S608 -- column names are checked
        f" WHERE id = ? AND state = ? RETURNING {DELIVERY}",
        *(*cells.values(), delivery_id, from_.value),
    )
    if row is None:
        was = await get(transaction, delivery_id)
        raise StaleClaim(f"delivery {delivery_id} is {was.state.value}, not {from_.value}")
    moved = delivery_of(row)
    if moved.state is _READY:
        transaction.is_due = True
    if event is not None:
        who = {"delivery_id": moved.id, "chat_id": moved.chat_id, "part_index": moved.part_index}
        transaction.event(moved.job_id, event, {**who, **data}, now=now)
    await unsettle(transaction, moved.chat_id, moved.reply_to, topic_id=moved.topic_id)
    return moved


async def begin(transaction: Transaction, *, delivery_id: int, now: float) -> Delivery:
    """READY to SENDING; `attempt` rises. Raises NoSuchEntry, StaleClaim."""
    was = await get(transaction, delivery_id)
    return await _move(
        transaction,
        delivery_id=delivery_id,
        from_=_READY,
        facts={"state": _SENDING, "attempt": was.attempt + 1, **_NO_ERROR},
        event=EventType.TELEGRAM_SEND_STARTED,
        data={"attempt": was.attempt + 1},
        now=now,
    )


async def end(
    transaction: Transaction,
    *,
    delivery_id: int,
    message_id: int | None,
    document_id: int | None,
    now: float,
) -> Delivery:
    """SENDING to SENT, or without a message to SKIPPED. Raises NoSuchEntry, StaleClaim."""
    state = DeliveryState.SKIPPED if message_id is None else DeliveryState.SENT
    return await _move(
        transaction,
        delivery_id=delivery_id,
        from_=_SENDING,
        facts={"state": state, "message_id": message_id, "document_id": document_id, **_NO_ERROR},
        event=EventType.TELEGRAM_SEND_FINISHED,
        data={"message_id": message_id},
        now=now,
    )


async def fail(
    transaction: Transaction,
    *,
    delivery_id: int,
    error: Mapping[str, str],
    retry_at: float | None,
    event: EventWithData,
    now: float,
) -> Delivery:
    """SENDING to READY at *retry_at*, or to FAILED. Raises NoSuchEntry, StaleClaim."""
    state = DeliveryState.FAILED if retry_at is None else _READY
    return await _move(
        transaction,
        delivery_id=delivery_id,
        from_=_SENDING,
        facts={"state": state, "not_before": retry_at, **error},
        event=event[0],
        data=event[1],
        now=now,
    )


async def note_upload(transaction: Transaction, *, delivery_id: int, figures: tuple[int, int, int]) -> None:
    """Store upload id, parts done and parts in all of a delivery that is SENDING."""
    await transaction.execute(
        "UPDATE deliveries SET upload_id = ?, upload_parts_done = ?, upload_parts_total = ?"
        " WHERE id = ? AND state = 'SENDING'",
        *(*figures, delivery_id),
    )


async def split(transaction: Transaction, *, delivery_id: int, parts: int, now: float) -> list[Delivery]:
    """Make it the first of so many parts; all of them, in order. Repeatable. Raises NoSuchEntry."""
    first = await get(transaction, delivery_id)
    copied = "job_id, chat_id, topic_id, reply_to, 'READY', ?, ?, 0, 0, ?, ?"
    await transaction.execute_many(
        "INSERT INTO deliveries (job_id, chat_id, topic_id, reply_to, state, random_id, part_index,"  # noqa: S608 -- constants
        f" upload_parts_done, attempt, created, updated) SELECT {copied} FROM deliveries WHERE id = ?"
        " ON CONFLICT (chat_id, reply_to, job_id, part_index) DO NOTHING",
        [[new_random_id(), index, now, now, first.id] for index in range(1, parts)],
    )
    transaction.is_due = True
    rows = await transaction.rows(
        f"SELECT {DELIVERY} FROM deliveries WHERE chat_id = ? AND reply_to IS ? AND job_id = ?"  # noqa: S608 -- constants
        " ORDER BY part_index",
        *(first.chat_id, first.reply_to, first.job_id),
    )
    return [delivery_of(row) for row in rows]


async def retry(transaction: Transaction, *, delivery_id: int, now: float) -> Delivery:
    """FAILED to READY. Raises NoSuchEntry, IllegalTransition."""
    was = await get(transaction, delivery_id)
    row = await transaction.row("SELECT status FROM jobs WHERE id = ?", was.job_id)
    assert row is not None, "deliveries go with their jobs"
    if was.state is not DeliveryState.FAILED:
        raise IllegalTransition(f"delivery {delivery_id} is {was.state.value} and cannot be retried")
    if JobStatus(row["status"]) is not JobStatus.COMPLETED:
        raise IllegalTransition(
            f"job {was.job_id} has no file to send", hint=f"First: reeldeck retry {was.job_id}"
        )
    return await _move(
        transaction,
        delivery_id=delivery_id,
        from_=DeliveryState.FAILED,
        facts={"state": _READY, **_NO_ERROR},
        event=None,
        now=now,
    )


async def recover(transaction: Transaction, *, now: float) -> int:
    """SENDING to READY: whoever sent them is gone. Returns how many."""
    count = await transaction.execute(
        "UPDATE deliveries SET state = 'READY', updated = ? WHERE state = 'SENDING'", now
    )
    transaction.is_due = transaction.is_due or bool(count)
    return count
