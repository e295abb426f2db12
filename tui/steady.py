"""Figures that stand still while nothing happens: an idle dashboard sends its terminal nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: A figure has to move by this share of it before another one is shown. Sizes are shown with three
#: digits, so that one that is held back is never further off than one in the last but one of them.
ROOM_SHARE, MEMORY_SHARE = 0.01, 0.05
#: The engine's own answer costs it some of this: percent of a core.
LOAD_PERCENT = 2.0


class SteadyStatus:
    """An engine's status as the header shows it: the room on the disk, memory and load with inertia."""

    def __init__(self) -> None:
        self._held: dict[str, float] = {}

    def of(self, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """*status* with the figures that were shown last, where they are still about right."""
        steady = dict(status)
        disk = status.get("disk") or {}
        if (free := disk.get("free_bytes")) is not None:
            steady["disk"] = {**disk, "free_bytes": self._hold("free", free, ROOM_SHARE * free)}
        if (memory := status.get("memory_bytes")) is not None:
            steady["memory_bytes"] = self._hold("memory", memory, MEMORY_SHARE * memory)
        if (load := status.get("cpu_percent")) is not None:
            steady["cpu_percent"] = self._hold("load", load, LOAD_PERCENT)
        return steady

    def _hold(self, name: str, value: float, least: float) -> float:
        held = self._held.get(name)
        if held is None or abs(value - held) > least:
            self._held[name] = held = value
        return held
