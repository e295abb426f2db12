"""What messages with links were told, so that it is told once, and to its end, whatever stops the engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from core.domain.job import ReplyTo
from core.domain.messenger import Acknowledgement
from core.store.chats import read_up_to
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
        """What a message was last told, and is to be told; None when that is nothing."""
        rows = await self._reader.rows(
            "SELECT status_message_id, shown, refused FROM acknowledgements"
            " WHERE chat_id = ? AND message_id = ?"
            " AND (status_message_id IS NOT NULL OR shown IS NOT NULL OR refused IS NOT NULL)",
            *(reply_to.chat_id, reply_to.message_id),
        )
        return Acknowledgement(reply_to=reply_to, **dict(rows[0])) if rows else None

    async def put(self, told: Acknowledgement) -> None:
        """Store what a message was told."""
        await self._writer.run(partial(_put, told=told))

    async def note_read(self, cursors: Mapping[int, int], refused: Mapping[ReplyTo, str]) -> None:
        """How far chats were read, and what these messages are to be told."""
        await self._writer.run(partial(_note_read, cursors=cursors, refused=refused))

    async def unsettled(self) -> list[ReplyTo]:
        """Messages that were not yet told how their last delivery ended, or of a refusal, oldest first."""
        rows = await self._reader.rows(
            "SELECT chat_id, message_id, topic_id FROM acknowledgements WHERE is_settled = 0 ORDER BY id"
        )
        return [ReplyTo(row["chat_id"], row["message_id"], row["topic_id"]) for row in rows]


async def _note_read(
    transaction: Transaction, *, cursors: Mapping[int, int], refused: Mapping[ReplyTo, str]
) -> None:
    await read_up_to(transaction, cursors=cursors)
    await transaction.execute_many(
        "INSERT INTO acknowledgements (chat_id, message_id, topic_id, refused, is_settled)"
        " VALUES (?, ?, ?, ?, 0) ON CONFLICT (chat_id, message_id)"
        " DO UPDATE SET refused = excluded.refused, is_settled = 0",
        [[place.chat_id, place.message_id, place.topic_id, text] for place, text in refused.items()],
    )


async def _put(transaction: Transaction, *, told: Acknowledgement) -> None:
    message = (told.reply_to.chat_id, told.reply_to.message_id)
    # What was to be told may have become something else while this was told.
    await transaction.execute(
        "INSERT INTO acknowledgements"  # noqa: S608 -- constants
        " (chat_id, message_id, topic_id, status_message_id, shown, is_settled)"
        " VALUES (?, ?, ?, ?, ?, ? AND NOT EXISTS (SELECT 1 FROM deliveries"
        f" WHERE chat_id = ? AND reply_to = ? AND state IN ({_OPEN})))"
        " ON CONFLICT (chat_id, message_id) DO UPDATE SET status_message_id = excluded.status_message_id,"
        " shown = excluded.shown, refused = NULLIF(refused, ?),"
        " is_settled = excluded.is_settled AND NULLIF(refused, ?) IS NULL",
        *(*message, told.reply_to.topic_id, told.status_message_id, told.shown, told.is_settled, *message),
        *(told.refused, told.refused),
    )
