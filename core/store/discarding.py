"""Files that nobody wants kept: once they were delivered to all who asked, their jobs let go of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.domain.delivery import Delivery, DeliveryState
from core.domain.events import EventType
from core.domain.job import Job, JobStatus
from core.store import items
from core.store.recipients import DELIVERY, delivery_of
from core.store.rows import JOB, job_of
from core.store.transaction import Transaction

#: Who asked for a job is told by these.
_ASKED = (EventType.JOB_CREATED.value, EventType.JOB_JOINED.value)
#: A job that has become the same as another is one of those that share the file; it says itself who asked.
_BETWEEN_JOBS = frozenset({"joined", "joined_by"})


async def discard(
    transaction: Transaction, *, job_id: int, is_kept_by_default: bool, now: float
) -> str | None:
    """Let go of a job's file, if nobody wants it kept; its path, which is to be deleted then.

    Somebody wants it kept who asked from anywhere but a chat, who asked in a chat whose rules keep files, and
    to whom it could not be sent. Where it cannot be told any more who asked, it is kept.
    """
    row = await transaction.row(f"SELECT {JOB} FROM jobs WHERE id = ?", job_id)  # noqa: S608 -- constants
    job = job_of(row) if row is not None else None
    if job is None or job.file_path is None or job.sha256 is None or job.status is not JobStatus.COMPLETED:
        return None
    sharing = await _sharing(transaction, job)
    states: set[DeliveryState] = set()
    for each in sharing:
        deliveries = await _deliveries(transaction, each)
        states |= {delivery.state for delivery in deliveries}
        if not await _is_unwanted(transaction, each, deliveries, is_kept_by_default=is_kept_by_default):
            return None
    if DeliveryState.SENT not in states or states - {DeliveryState.SENT, DeliveryState.SKIPPED}:
        return None
    for each in sharing:
        left = await transaction.row(
            f"UPDATE jobs SET file_path = NULL, updated = ? WHERE id = ? RETURNING {JOB}",  # noqa: S608 -- constants
            *(now, each.id),
        )
        assert left is not None
        transaction.changed(job_of(left))
    await items.remove(transaction, job.file_path)
    return job.file_path


async def _sharing(transaction: Transaction, job: Job) -> list[Job]:
    """The jobs whose result is the same file; found by its content, as paths have no index."""
    rows = await transaction.rows(f"SELECT {JOB} FROM jobs WHERE sha256 = ?", job.sha256)  # noqa: S608 -- constants
    return [each for each in map(job_of, rows) if each.file_path == job.file_path]


async def _deliveries(transaction: Transaction, job: Job) -> list[Delivery]:
    rows = await transaction.rows(f"SELECT {DELIVERY} FROM deliveries WHERE job_id = ?", job.id)  # noqa: S608 -- constants
    return [delivery_of(row) for row in rows]


async def _is_unwanted(
    transaction: Transaction, job: Job, deliveries: Sequence[Delivery], *, is_kept_by_default: bool
) -> bool:
    if job.out_dir is not None or not await _asked_in(transaction, job.id, deliveries):
        return False
    for chat_id, topic_id in {(each.chat_id, each.topic_id or 0) for each in deliveries}:
        if await _keeps(transaction, chat_id, topic_id, is_kept_by_default=is_kept_by_default):
            return False
    return True


async def _asked_in(transaction: Transaction, job_id: int, deliveries: Sequence[Delivery]) -> bool:
    """Whether nobody asked for a job, or for a list that holds it, but in chats that it was delivered to."""
    chats = {delivery.chat_id for delivery in deliveries}
    level, seen = {job_id}, set[int]()
    while level:
        seen |= level
        for each in level:
            events = await transaction.rows(
                "SELECT type, data FROM job_events WHERE job_id = ? AND type IN (?, ?)", each, *_ASKED
            )
            told = [json.loads(row["data"]) for row in events]
            if not any(row["type"] == EventType.JOB_CREATED.value for row in events):
                return False
            if any(not _BETWEEN_JOBS & data.keys() and data.get("chat_id") not in chats for data in told):
                return False
        above = [
            await transaction.rows("SELECT list_id FROM list_items WHERE job_id = ?", each) for each in level
        ]
        level = {row["list_id"] for rows in above for row in rows} - seen
    return True


async def _keeps(transaction: Transaction, chat_id: int, topic_id: int, *, is_kept_by_default: bool) -> bool:
    """Whether the rules of a topic, or else of its chat, keep files."""
    row = await transaction.row(
        "SELECT archive FROM chats WHERE chat_id = ? AND topic_id IN (0, ?) ORDER BY topic_id DESC LIMIT 1",
        *(chat_id, topic_id),
    )
    return is_kept_by_default if row is None else bool(row["archive"])
