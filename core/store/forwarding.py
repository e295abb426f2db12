"""A file of the library sent to a chat where no message asked for it: a delivery without `reply_to`."""

from __future__ import annotations

from typing import Any

from core.domain.delivery import Delivery
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.domain.library import MediaItem
from core.store import items, moves, submission
from core.store.recipients import DELIVERY, delivery_of, new_random_id
from core.store.rows import JOB, job_of, placeholders
from core.store.submission import NewJob
from core.store.transaction import Transaction


async def forward(
    transaction: Transaction, *, item_id: int, chat_id: int, topic_id: int | None, now: float
) -> Delivery:
    """Let an item's file go to a chat; while it is on its way there, asking again changes nothing.

    Raises:
        NoSuchEntry: There is no such item.
    """
    item = await items.get(transaction, item_id)
    job = await _job_of(transaction, item) or await _job_for(transaction, item, now=now)
    place = (job.id, chat_id, topic_id)
    before = [
        delivery_of(each)
        for each in await transaction.rows(
            f"SELECT {DELIVERY} FROM deliveries"  # noqa: S608 -- constants
            " WHERE job_id = ? AND chat_id = ? AND topic_id IS ? AND reply_to IS NULL ORDER BY id",
            *place,
        )
    ]
    if under_way := [each for each in before if not each.state.is_final]:
        return under_way[0]
    # A file that was too large goes in as many parts as the last time.
    for part in sorted({0, *(each.part_index for each in before)}):
        await _insert(transaction, place, part, now=now)
    transaction.is_due = True
    row = await transaction.row(
        f"SELECT {DELIVERY} FROM deliveries WHERE job_id = ? AND part_index = 0 ORDER BY id DESC LIMIT 1",  # noqa: S608 -- constants
        job.id,
    )
    assert row is not None
    return delivery_of(row)


async def _insert(
    transaction: Transaction, place: tuple[int, int, int | None], part: int, *, now: float
) -> None:
    job_id, chat_id, topic_id = place
    cells: dict[str, Any] = {
        "job_id": job_id,
        "chat_id": chat_id,
        "topic_id": topic_id,
        "state": "READY",
        "random_id": new_random_id(),
        "part_index": part,
        "upload_parts_done": 0,
        "attempt": 0,
        "created": now,
        "updated": now,
    }
    await transaction.execute(
        f"INSERT INTO deliveries ({', '.join(cells)}) VALUES ({placeholders(len(cells))})",  # noqa: S608 -- constants
        *cells.values(),
    )


async def _job_of(transaction: Transaction, item: MediaItem) -> Job | None:
    """A finished job that has the item's file."""
    row = await transaction.row(
        f"SELECT {JOB} FROM jobs WHERE (id = ? OR sha256 = ?) AND file_path = ? AND status = 'COMPLETED'"  # noqa: S608 -- constants
        " ORDER BY id DESC LIMIT 1",
        *(item.job_id, item.sha256, item.file_path),
    )
    return job_of(row) if row is not None else None


async def _job_for(transaction: Transaction, item: MediaItem, *, now: float) -> Job:
    """A finished job for a file that none has: it was imported, or its job is forgotten."""
    key = f"library:{item.id}"
    new = NewJob(
        request=Request(url=item.url, kind=item.kind, force=True),
        source_type=item.source_type,
        url=item.url,
        url_hash=key,
        job_key=key,
        media_id=item.media_id,
    )
    (submitted,) = await submission.submit(transaction, [new], now=now)
    (claimed,) = await moves.claim(
        transaction,
        engine="library",
        epoch=0,
        now=now,
        limit=1,
        exclude_sources=frozenset(),
        exclude_hosts=frozenset(),
        only=frozenset({submitted.job.id}),
    )
    facts = {"title": item.title, "duration_s": item.duration_s, "size_bytes": item.size_bytes}
    job = await moves.transition(
        transaction,
        claimed.id,
        JobStatus.RUNNING,
        JobStatus.COMPLETED,
        attempt=claimed.attempt,
        now=now,
        events=[(EventType.JOB_COMPLETED, {"item": item.id})],
        facts={
            **facts,
            "bytes_done": item.size_bytes or 0,
            "file_path": item.file_path,
            "sha256": item.sha256,
        },
    )
    await transaction.execute("UPDATE media_items SET job_id = ? WHERE id = ?", job.id, item.id)
    return job
