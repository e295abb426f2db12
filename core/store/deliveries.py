"""The outbox: deliveries as the messenger takes them, and what becomes of each."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.domain.delivery import Delivery, DeliveryState
from core.domain.job import Job, ReplyTo
from core.domain.snapshot import Page
from core.store import discarding, pages, sending
from core.store.recipients import DELIVERY, delivery_of
from core.store.rows import EventWithData, Reader
from core.store.writer import Writer

#: Earlier sends of a content that are told of: one is enough, if its message is still there.
_SENT_BEFORE = 10
#: Its content was sent before, by its job or by one with the same file; or its chat wants no files. The
#: pluses keep SQLite from reading all that was ever sent.
_NO_UPLOAD = (
    "EXISTS (SELECT 1 FROM deliveries sent WHERE sent.job_id = deliveries.job_id AND +sent.state = 'SENT'"
    " AND sent.part_index = deliveries.part_index)"
    " OR EXISTS (SELECT 1 FROM jobs ours JOIN jobs twins ON twins.sha256 = ours.sha256"
    " JOIN deliveries sent ON sent.job_id = twins.id AND +sent.state = 'SENT'"
    " WHERE ours.id = deliveries.job_id AND sent.part_index = deliveries.part_index)"
    " OR reply_to IS NOT NULL AND chat_id IN (SELECT rules.chat_id FROM chats rules WHERE NOT rules.reply)"
    " AND NOT (SELECT rules.reply FROM chats rules WHERE rules.chat_id = deliveries.chat_id"
    " AND rules.topic_id IN (0, deliveries.topic_id) ORDER BY rules.topic_id DESC LIMIT 1)"
)


class Deliveries:
    """Reads deliveries, and moves them through the writer. They are made by `core.store.recipients`."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, delivery_id: int) -> Delivery:
        """One delivery.

        Raises:
            NoSuchEntry: There is none.
        """
        return await sending.get(self._reader, delivery_id)

    async def page(
        self,
        *,
        state: DeliveryState | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Delivery]:
        """Deliveries, newest first.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        limit = pages.size_of(limit)
        asked = {"state": state.value if state else None, "job_id": job_id, "chat_id": chat_id}
        given = {name: value for name, value in asked.items() if value is not None}
        found = await self._select(
            f"WHERE id < ?{''.join(f' AND {name} = ?' for name in given)} ORDER BY id DESC LIMIT ?",
            *(pages.below(after), *given.values(), limit + 1),
        )
        return pages.page_of(found, limit)

    async def due(self, *, now: float, limit: int, is_quick: bool | None = None) -> list[Delivery]:
        """READY deliveries whose time has come, the oldest first.

        With *is_quick* only those that need no upload, as far as the store knows, or only the others: that
        takes some 5 µs for each that is READY.
        """
        which = "" if is_quick is None else f" AND {'' if is_quick else 'NOT '}({_NO_UPLOAD})"
        return await self._select(
            f"WHERE state = 'READY' AND (not_before IS NULL OR not_before <= ?){which} ORDER BY id LIMIT ?",
            *(now, limit),
        )

    async def next_due(self, *, now: float) -> float | None:
        """When the next READY delivery's time comes, after *now*."""
        (row,) = await self._reader.rows(
            "SELECT MIN(not_before) AS due FROM deliveries WHERE state = 'READY' AND not_before > ?", now
        )
        return None if row["due"] is None else float(row["due"])

    async def of(self, *, job_id: int | None = None, reply_to: ReplyTo | None = None) -> list[Delivery]:
        """Deliveries of a job, or those that answer a message, or both; oldest first."""
        asked = {"job_id": job_id}
        if reply_to is not None:
            asked |= {"chat_id": reply_to.chat_id, "reply_to": reply_to.message_id}
        given = {name: value for name, value in asked.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given) or "0"
        return await self._select(f"WHERE {where} ORDER BY id", *given.values())

    async def sent_before(self, job: Job, part_index: int) -> list[Delivery]:
        """SENT deliveries of the same content: this job's, or of the same `sha256`; newest first."""
        return await self._select(
            # The plus keeps SQLite from reading all that was ever sent.
            "WHERE +state = 'SENT' AND part_index = ? AND job_id IN"
            " (SELECT ? UNION SELECT id FROM jobs WHERE sha256 = ?) ORDER BY id DESC LIMIT ?",
            *(part_index, job.id, job.sha256, _SENT_BEFORE),
        )

    async def backlog(self) -> dict[int, int]:
        """Deliveries that are not final, by chat."""
        rows = await self._reader.rows(
            "SELECT chat_id, COUNT(*) AS n FROM deliveries WHERE state IN ('WAITING', 'READY', 'SENDING')"
            " GROUP BY chat_id"
        )
        return {row["chat_id"]: row["n"] for row in rows}

    async def begin(self, delivery_id: int, *, now: float) -> Delivery:
        """READY to SENDING; `attempt` rises.

        Raises:
            NoSuchEntry: There is none.
            StaleClaim: It is not READY.
        """
        return await self._writer.run(partial(sending.begin, delivery_id=delivery_id, now=now))

    async def note_upload(
        self, delivery_id: int, *, upload_id: int, parts_done: int, parts_total: int
    ) -> None:
        """How far an upload is; nothing happens unless it is SENDING."""
        await self._writer.run(
            partial(
                sending.note_upload, delivery_id=delivery_id, figures=(upload_id, parts_done, parts_total)
            )
        )

    async def split(self, delivery_id: int, parts: int, *, now: float) -> list[Delivery]:
        """Make it the first of so many parts; all of them, in order. Repeatable.

        Raises:
            NoSuchEntry: There is none.
        """
        return await self._writer.run(partial(sending.split, delivery_id=delivery_id, parts=parts, now=now))

    async def end(
        self, delivery_id: int, *, message_id: int | None, document_id: int | None, now: float
    ) -> Delivery:
        """SENDING to SENT, or without a message to SKIPPED.

        Raises:
            NoSuchEntry: There is none.
            StaleClaim: It is not SENDING.
        """
        command = partial(
            sending.end, delivery_id=delivery_id, message_id=message_id, document_id=document_id, now=now
        )
        return await self._writer.run(command)

    async def fail(
        self,
        delivery_id: int,
        *,
        error_type: str,
        error_message: str,
        retry_at: float | None,
        event: EventWithData,
        now: float,
    ) -> Delivery:
        """SENDING to READY at *retry_at*, or to FAILED.

        Raises:
            NoSuchEntry: There is none.
            StaleClaim: It is not SENDING.
        """
        error = {"error_type": error_type, "error_message": error_message}
        command = partial(
            sending.fail, delivery_id=delivery_id, error=error, retry_at=retry_at, event=event, now=now
        )
        return await self._writer.run(command)

    async def retry(self, delivery_id: int, *, now: float) -> Delivery:
        """FAILED to READY.

        Raises:
            NoSuchEntry: There is none.
            IllegalTransition: It has not failed, or its job has no file.
        """
        return await self._writer.run(partial(sending.retry, delivery_id=delivery_id, now=now))

    async def recover(self, *, now: float) -> int:
        """SENDING to READY: whoever sent them is gone. Returns how many."""
        return await self._writer.run(partial(sending.recover, now=now))

    async def discard(self, job_id: int, *, is_kept_by_default: bool, now: float) -> str | None:
        """Let go of a job's file, if nobody wants it kept; its path, which is to be deleted then.

        *is_kept_by_default* holds for chats without rules.
        """
        command = partial(discarding.discard, job_id=job_id, is_kept_by_default=is_kept_by_default, now=now)
        return await self._writer.run(command)

    async def jobs_sent_since(self, since: float) -> list[int]:
        """Jobs whose files were sent at this time or later, and are still there."""
        rows = await self._reader.rows(
            "SELECT DISTINCT job_id FROM deliveries JOIN jobs ON jobs.id = job_id"
            " WHERE state = 'SENT' AND deliveries.updated >= ? AND file_path IS NOT NULL",
            since,
        )
        return [row["job_id"] for row in rows]

    async def _select(self, where: str, *values: Any) -> list[Delivery]:
        rows = await self._reader.rows(
            f"SELECT {DELIVERY} FROM deliveries {where}",  # noqa: S608 -- constants
            *values,
        )
        return [delivery_of(row) for row in rows]
