"""Messages to those who want to be told when a job ends, and how those who get them fare."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one receiver is still to be told. Receivers get theirs in the order of `id`."""

    id: int
    #: What receivers recognise a repeated message by.
    name: str
    #: JSON, as it is sent.
    payload: str
    #: Tries that failed.
    attempt: int
    #: When it is tried again; None = now.
    not_before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """How far somebody is with their messages. Times are seconds since the epoch, UTC."""

    #: Stands for the address, which may hold a secret.
    key: str
    waiting: int
    #: When the first of those that wait was written; None when nothing waits.
    oldest: float | None
    failing_since: float | None
    #: When the first of them is tried again.
    not_before: float | None
    error_type: str | None
    error_message: str | None
