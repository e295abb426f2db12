"""Attempts to command are written down, but no flood of them floods the record."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.job import ReplyTo
from userbot.commands import refusals
from userbot.commands.refusals import Refusals
from userbot.permission import Refusal

CHAT = -100_5


class Record:
    """The one thing that is asked of the engine here; `tests/userbot` asks the real one."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def audit_command(self, **row: Any) -> None:
        self.rows.append(row)


@pytest.fixture
def record():
    return Record()


@pytest.fixture
def clock():
    """A clock that stands; its first value is the time."""
    return [0.0]


@pytest.fixture
def attempts(record, clock):
    return Refusals(record, clock=lambda: clock[0])


async def attempt(attempts, user_id=7, number=1, *, name="clear", chat=CHAT):
    await attempts.note(name, Refusal.STRANGER, ReplyTo(chat, number), user_id)


async def test_an_attempt_is_written_down_with_its_reason(attempts, record):
    await attempt(attempts)
    assert record.rows == [
        {
            "actor": "telegram:7",
            "action": "command.refused",
            "target": str(CHAT),
            "data": {"command": "clear", "why": "not an admin", "message_id": 1, "count": 1},
        }
    ]


async def test_within_a_minute_attempts_are_only_counted(attempts, record, clock):
    for second in range(60):
        clock[0] = float(second)
        await attempt(attempts)
    assert len(record.rows) == 1
    clock[0] = 60.0
    await attempt(attempts)
    assert [row["data"]["count"] for row in record.rows] == [1, 60]


async def test_everybody_has_a_row_of_their_own(attempts, record):
    for user_id in (1, 2, None, 1, None):
        await attempt(attempts, user_id)
    assert [row["actor"] for row in record.rows] == ["telegram:1", "telegram:2", f"telegram:{CHAT}"]


async def test_each_command_and_each_chat_has_a_row_of_its_own(attempts, record):
    for name, chat in (("clear", CHAT), ("cancel", CHAT), ("clear", -5), ("clear", CHAT)):
        await attempt(attempts, name=name, chat=chat)
    told = [(row["data"]["command"], row["target"]) for row in record.rows]
    assert told == [("clear", str(CHAT)), ("cancel", str(CHAT)), ("clear", "-5")]


async def test_who_tries_everything_writes_few_rows_a_minute(attempts, record, clock):
    for number in range(100):
        await attempt(attempts, name=f"command{number}")
    assert len(record.rows) == refusals.MAX_ROWS_EACH
    clock[0] = 60.0
    await attempt(attempts, name="command99")
    assert record.rows[-1]["data"]["count"] == 2


async def test_a_crowd_does_not_fill_the_memory(attempts, record, monkeypatch):
    monkeypatch.setattr(refusals, "MAX_ATTEMPTS", 10)
    for user_id in range(50):
        await attempt(attempts, user_id)
    assert len(record.rows) == 50
    assert len(attempts._windows) == 10
