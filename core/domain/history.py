"""What ended on a day, for charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Jobs of a source that ended on a day of the engine's clock."""

    #: ISO 8601, such as `2026-11-21`.
    day: str
    source: str
    completed: int
    failed: int
    #: Of the completed ones.
    size_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /history`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        counts = {name: int(data[name]) for name in ("completed", "failed", "size_bytes")}
        return cls(day=str(data["day"]), source=str(data["source"]), **counts)
