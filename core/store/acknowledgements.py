"""What messages with links were told, so that it is told once, and to its end, whatever stops the engine."""

from __future__ import annotations

from functools import partial

from core.domain.job import ReplyTo
from core.domain.messenger import Acknowledgement
from core.store.rows import Reader
from core.store.transaction import Transaction
from core.store.writer import Writer

#: States in which a delivery's end is still to be told.
_OPEN = "'WAITING', 'READY', 'SENDING'"


class Acknowledgements:
    """Reads them, and writes them through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, reply_to: ReplyTo) -> Acknowledgement | None:
        """What a message was last told; None when nothing was."""
        rows = await self._reader.rows(
            "SELECT status_message_id, shown FROM acknowledgements WHERE chat_id = ? AND message_id = ?"
            " AND (status_message_id IS NOT NULL OR shown IS NOT NULL)",
            *(reply_to.chat_id, reply_to.message_id),
        )
        if not rows:
            return None
        return Acknowledgement(
            reply_to=reply_to, status_message_id=rows[0]["status_message_id"], shown=rows[0]["shown"]
        )

    async def put(self, told: Acknowledgement) -> None:
        """Store what a message was told."""
        await self._writer.run(partial(_put, told=told))

    async def unsettled(self) -> list[ReplyTo]:
        """Messages that were not yet told how their last delivery ended, oldest first."""
        rows = await self._reader.rows(
            "SELECT chat_id, message_id, topic_id FROM acknowledgements WHERE is_settled = 0 ORDER BY id"
        )
        return [ReplyTo(row["chat_id"], row["message_id"], row["topic_id"]) for row in rows]


async def _put(transaction: Transaction, *, told: Acknowledgement) -> None:
    message = (told.reply_to.chat_id, told.reply_to.message_id)
    await transaction.execute(
        "INSERT INTO acknowledgements"  # noqa: S608 -- constants
        " (chat_id, message_id, topic_id, status_message_id, shown, is_settled)"
        f" VALUES (?, ?, ?, ?, ?, COALESCE(?, NOT EXISTS (SELECT 1 FROM deliveries"
        f" WHERE chat_id = ? AND reply_to = ? AND state IN ({_OPEN}))))"
        " ON CONFLICT (chat_id, message_id) DO UPDATE SET status_message_id = excluded.status_message_id,"
        " shown = excluded.shown, is_settled = excluded.is_settled",
        *(*message, told.reply_to.topic_id, told.status_message_id, told.shown, told.is_settled, *message),
    )
