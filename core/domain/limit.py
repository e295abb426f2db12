"""A limit that can be changed while the engine runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from core.domain.figures import rate_text, size_text

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*([kmgt]?)i?b?(?:/s)?", re.IGNORECASE | re.ASCII)
_SWITCH = {"on": 1, "off": 0}


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


def figure_text(limit: RunningLimit, value: int) -> str:
    """A limit's value as people read it."""
    if limit.is_switch:
        return "on" if value else "off"
    if value == 0:
        return "none" if limit.name.startswith("min_") else "no limit"
    if limit.name.endswith("_bps"):
        return rate_text(value)
    return size_text(value) if limit.name.endswith("_bytes") else str(value)


def range_text(limit: RunningLimit) -> str:
    """Between what a limit can be set."""
    if limit.is_switch:
        return "on or off"
    least = f"0 ({figure_text(limit, 0)})" if limit.least == 0 else figure_text(limit, limit.least)
    return f"{least} to {figure_text(limit, limit.most)}"


def typed_value(limit: RunningLimit, text: str) -> int | None:
    """The value that *text* means, `2.5M` being bytes; None when it is none, or beyond the limit's range."""
    if limit.is_switch and text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    power = " kmgt".index(found[2].lower() or " ")
    if power and not limit.name.endswith(("_bps", "_bytes")):
        return None
    number = float(found[1].replace(",", ".")) * 1024**power
    if not power and not number.is_integer():
        return None
    return int(number) if limit.least <= number <= limit.most else None
