"""Who is told when a job ends: messages are written with that end, and stay until they were taken.

Each receiver has its own row, with what its first message has met: nothing overtakes that message.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Collection
from functools import partial

from core.domain.job import Job, JobStatus, iso
from core.domain.webhook import Message, Receiver
from core.store.rows import Reader, placeholders, to_cell, to_json
from core.store.transaction import Transaction
from core.store.writer import Writer

#: What a message is about, by the state in which its job ended.
TYPES = {
    JobStatus.COMPLETED: "job.completed",
    JobStatus.FAILED: "job.failed",
    JobStatus.CANCELLED: "job.cancelled",
}
_MESSAGE = tuple(field.name for field in dataclasses.fields(Message))
_RECEIVER = tuple(field.name for field in dataclasses.fields(Receiver))
_NO_TROUBLE = "attempt = 0, not_before = NULL, failing_since = NULL, error_type = NULL, error_message = NULL"


class WebhookOutbox:
    """Reads who waits for what, and changes it through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def open(self, keys: Collection[str], *, now: float) -> int:
        """Write for these receivers from now on, and for no others; how many messages that forgets."""
        return await self._writer.run(partial(_open, keys=list(dict.fromkeys(keys)), now=now))

    async def first(self, key: str) -> Message | None:
        """The oldest message of a receiver."""
        rows = await self._reader.rows(
            "SELECT message.id AS id, name, payload, attempt, not_before FROM webhook_messages message"
            " JOIN webhook_receivers receiver ON receiver.id = receiver_id WHERE key = ?"
            " ORDER BY message.id LIMIT 1",
            key,
        )
        return next((Message(**{field: row[field] for field in _MESSAGE}) for row in rows), None)

    async def receivers(self) -> list[Receiver]:
        """All of them, with what waits."""
        rows = await self._reader.rows(
            "SELECT key, not_before, failing_since, error_type, error_message,"
            " (SELECT COUNT(*) FROM webhook_messages WHERE receiver_id = receiver.id) AS waiting,"
            " (SELECT created FROM webhook_messages WHERE receiver_id = receiver.id ORDER BY id LIMIT 1)"
            " AS oldest FROM webhook_receivers receiver ORDER BY id"
        )
        return [Receiver(**{field: row[field] for field in _RECEIVER}) for row in rows]

    async def taken(self, key: str, message_id: int) -> None:
        """A receiver has got a message; it is well."""
        await self._writer.run(partial(_taken, key=key, message_id=message_id))

    async def refused(
        self, key: str, *, error_type: str, error_message: str, retry_at: float, now: float
    ) -> None:
        """A receiver did not take its first message, which is tried again at *retry_at*."""
        error = (error_type, to_cell("error_message", error_message))
        await self._writer.run(partial(_refused, key=key, error=error, retry_at=retry_at, now=now))

    async def hurry(self, key: str) -> None:
        """The first message of a receiver is due, whatever its tries have met."""
        await self._writer.run(partial(_hurry, key=key))

    async def forget(self, key: str, *, before: float) -> int:
        """Give up what waits since *before*; how many messages that were."""
        return await self._writer.run(partial(_forget, key=key, before=before))


async def job_ended(transaction: Transaction, job: Job, *, now: float) -> None:
    """*job* has ended: every receiver is to be told, as it is now."""
    receivers = await transaction.rows("SELECT id FROM webhook_receivers")
    if not receivers:
        return
    # The shape of Standard Webhooks; `data` is a job as the API shows it.
    payload = to_json({"type": TYPES[job.status], "timestamp": iso(now), "data": job.to_json()})
    await transaction.execute_many(
        "INSERT INTO webhook_messages (receiver_id, name, payload, created) VALUES (?, ?, ?, ?)",
        [[row["id"], f"msg_{secrets.token_hex(12)}", payload, now] for row in receivers],
    )


async def _open(transaction: Transaction, *, keys: list[str], now: float) -> int:
    known = placeholders(len(keys))
    stale = f"SELECT id FROM webhook_receivers WHERE key NOT IN ({known})"  # noqa: S608 -- placeholders
    forgotten = await transaction.execute(
        f"DELETE FROM webhook_messages WHERE receiver_id IN ({stale})",  # noqa: S608 -- placeholders
        *keys,
    )
    await transaction.execute(
        f"DELETE FROM webhook_receivers WHERE key NOT IN ({known})",  # noqa: S608 -- placeholders
        *keys,
    )
    # Somebody who starts the engine has mended something, perhaps: what waits is tried at once.
    await transaction.execute("UPDATE webhook_receivers SET not_before = NULL")
    await transaction.execute_many(
        "INSERT INTO webhook_receivers (key, attempt, created) VALUES (?, 0, ?) ON CONFLICT DO NOTHING",
        [[key, now] for key in keys],
    )
    return forgotten


async def _taken(transaction: Transaction, *, key: str, message_id: int) -> None:
    await transaction.execute("DELETE FROM webhook_messages WHERE id = ?", message_id)
    await transaction.execute(
        f"UPDATE webhook_receivers SET {_NO_TROUBLE} WHERE key = ? AND failing_since IS NOT NULL",  # noqa: S608 -- a constant
        key,
    )


async def _refused(
    transaction: Transaction, *, key: str, error: tuple[str, str], retry_at: float, now: float
) -> None:
    await transaction.execute(
        "UPDATE webhook_receivers SET attempt = attempt + 1, not_before = ?,"
        " failing_since = COALESCE(failing_since, ?), error_type = ?, error_message = ? WHERE key = ?",
        *(retry_at, now, *error, key),
    )


async def _hurry(transaction: Transaction, *, key: str) -> None:
    await transaction.execute("UPDATE webhook_receivers SET not_before = NULL WHERE key = ?", key)


async def _forget(transaction: Transaction, *, key: str, before: float) -> int:
    return await transaction.execute(
        "DELETE FROM webhook_messages WHERE created < ?"
        " AND receiver_id = (SELECT id FROM webhook_receivers WHERE key = ?)",
        *(before, key),
    )
