"""A limit that can be changed while the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningLimit:
    """A limit or switch as it holds now. Its name tells its unit."""

    name: str
    value: int
    #: What the configuration says: it holds again once `value` is set to None.
    configured: int
    least: int
    most: int
    about: str

    @property
    def is_switch(self) -> bool:
        """It is on (1) or off (0)."""
        return (self.least, self.most) == (0, 1)

    def at(self, value: int) -> Self:
        """The same limit at another value."""
        return replace(self, value=value)

    @property
    def is_changed(self) -> bool:
        """Another value than the configured one holds."""
        return self.value != self.configured

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /limits`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        numbers = {name: int(data[name]) for name in ("value", "configured", "least", "most")}
        return cls(name=str(data["name"]), about=str(data["about"]), **numbers)
