"""A finished file on its way to somebody who asked for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from core.domain.job import from_iso, iso


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "WAITING"
    """Its job has not ended."""
    READY = "READY"
    """Its job has ended; it goes out as soon as its turn, or `not_before`, has come."""
    SENDING = "SENDING"
    """Being uploaded or sent. After a crash it is READY again, with its `random_id` and upload."""
    SENT = "SENT"
    SKIPPED = "SKIPPED"
    """Nothing to send: a list, whose items have their own; no files wanted; the same file by another link."""
    FAILED = "FAILED"
    """It will not be sent: the job failed or was cancelled, or Telegram refuses the file or the chat."""

    @property
    def is_final(self) -> bool:
        """Nothing happens any more unless somebody asks."""
        return self in {DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of `deliveries`. Times are seconds since the epoch, UTC."""

    id: int
    job_id: int
    chat_id: int
    topic_id: int | None
    #: The message that asked.
    reply_to: int | None
    state: DeliveryState
    #: Stored before the send: Telegram takes a second send with the same one for a repetition of the first.
    random_id: int
    #: Which part of a file that was split, from 0.
    part_index: int
    #: Telegram's name of the upload, and how many of its parts are there.
    upload_id: int | None
    upload_parts_done: int
    upload_parts_total: int | None
    #: What was sent.
    message_id: int | None
    document_id: int | None
    #: Rises with every try.
    attempt: int
    not_before: float | None
    error_type: str | None
    error_message: str | None
    created: float
    updated: float

    def evolve(self, **changes: Any) -> Delivery:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The shape that the API and `--json` share."""
        shown = {name: getattr(self, name) for name in _SHOWN_COLUMNS}
        for name in TIME_COLUMNS:
            shown[name] = iso(shown[name])
        return shown

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        values: dict[str, Any] = {field.name: data.get(field.name) for field in dataclasses.fields(cls)}
        for name in TIME_COLUMNS:
            values[name] = from_iso(values[name])
        values |= {"state": DeliveryState(data["state"]), "random_id": 0}
        return cls(**values)


#: Columns that hold a time: seconds in Python and the store, ISO 8601 UTC in JSON.
TIME_COLUMNS = ("not_before", "created", "updated")
#: 64-bit numbers, which JavaScript rounds, and which nobody outside needs.
HIDDEN_COLUMNS = frozenset({"random_id", "upload_id", "document_id"})
_SHOWN_COLUMNS = tuple(
    field.name for field in dataclasses.fields(Delivery) if field.name not in HIDDEN_COLUMNS
)
