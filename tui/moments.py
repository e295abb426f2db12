"""Dates and times as people type them."""

from __future__ import annotations

from datetime import datetime

from core.domain.errors import InvalidRequest


def moment_of(text: str) -> float:
    """Seconds since the epoch of a date, or a date and time (ISO 8601); without a time zone it is local time.

    Raises:
        InvalidRequest: It is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        hint = "As in 2024-05-31 or 2024-05-31T18:00."
        raise InvalidRequest(f"{text!r} is no date like 2024-05-31 or 2024-05-31T18:00", hint=hint) from None
