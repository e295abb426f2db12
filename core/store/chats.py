"""Chats and topics that are watched: their rules, and how far each was read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.job import Kind
from core.store.rows import Reader, Row, placeholders, to_cell, to_json
from core.store.transaction import Transaction
from core.store.writer import Writer

_NAMES = tuple(field.name for field in dataclasses.fields(ChatRules))
_COLUMNS = ", ".join(_NAMES)
_FLAGS = ("archive", "reply")


class Chats:
    """Reads rules, and changes them through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def all(self) -> list[ChatRules]:
        """All rules, chats before their topics."""
        rows = await self._reader.rows(f"SELECT {_COLUMNS} FROM chats ORDER BY chat_id, topic_id")  # noqa: S608 -- constants
        return [_rules(row) for row in rows]

    async def put(self, rules: ChatRules) -> ChatRules:
        """Set rules instead of those that were there; how far the chat was read, and a known title, stay."""
        return await self._writer.run(partial(_put, rules=rules))

    async def forget(self, chat_id: int, topic_id: int = 0) -> bool:
        """Forget a chat with its topics, or a topic; whether there was something to forget."""
        return await self._writer.run(partial(_forget, chat_id=chat_id, topic_id=topic_id))


async def read_up_to(transaction: Transaction, *, cursors: Mapping[int, int]) -> None:
    """Set how far chats that have rules were read; never back."""
    await transaction.execute_many(
        # The whole chat's row has it, also where only topics have rules.
        f"INSERT INTO chats ({_COLUMNS}) SELECT chat_id, 0, NULL, 'off', NULL, NULL, NULL, archive, reply,"  # noqa: S608 -- constants
        " feedback, ? FROM chats WHERE chat_id = ? ORDER BY topic_id LIMIT 1"
        " ON CONFLICT (chat_id, topic_id) DO UPDATE SET last_message_id = excluded.last_message_id"
        " WHERE last_message_id IS NULL OR last_message_id < excluded.last_message_id",
        [[message_id, chat_id] for chat_id, message_id in cursors.items()],
    )


async def _put(transaction: Transaction, *, rules: ChatRules) -> ChatRules:
    cells = {name: to_cell(name, getattr(rules, name)) for name in _NAMES}
    cells["sources"] = None if rules.sources is None else to_json(list(rules.sources))
    kept = ("title", "last_message_id")
    changes = [f"{name} = excluded.{name}" for name in _NAMES[2:] if name not in kept]
    changes.append("title = COALESCE(excluded.title, title)")
    changes.append("last_message_id = COALESCE(last_message_id, excluded.last_message_id)")
    (row,) = await transaction.rows(
        f"INSERT INTO chats ({_COLUMNS}) VALUES ({placeholders(len(cells))})"  # noqa: S608 -- constants
        f" ON CONFLICT (chat_id, topic_id) DO UPDATE SET {', '.join(changes)} RETURNING {_COLUMNS}",
        *cells.values(),
    )
    return _rules(row)


async def _forget(transaction: Transaction, *, chat_id: int, topic_id: int) -> bool:
    return bool(
        await transaction.execute(
            "DELETE FROM chats WHERE chat_id = ? AND ? IN (0, topic_id)", *(chat_id, topic_id)
        )
    )


def _rules(row: Row) -> ChatRules:
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    sources: Sequence[str] | None = json.loads(values["sources"]) if values["sources"] else None
    return ChatRules(
        **{
            **values,
            "mode": ChatMode(values["mode"]),
            "feedback": Feedback(values["feedback"]),
            "kind": Kind(values["kind"]) if values["kind"] else None,
            "sources": None if sources is None else tuple(sources),
            **{name: bool(values[name]) for name in _FLAGS},
        }
    )
