"""The last change, for as long as it can be taken back, and how that is told. Owns no clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from tui.actions import OwnKeys, key_name
from tui.present import Line

#: A change can be taken back for this long.
UNDO_S = 5.0
#: Files of a cancelled job are kept so long by the engine: it hears of the undo a little later.
KEEP_S = 15


class Undo:
    """What takes the last change back."""

    def __init__(self) -> None:
        self._act: Callable[[], object] | None = None
        self._until = 0.0

    def offer(self, act: Callable[[], object], now: float) -> None:
        """For a while, *act* takes the last change back; what was offered before is past."""
        self._act, self._until = act, now + UNDO_S

    def is_open(self, now: float) -> bool:
        """There is something to take back."""
        return self._act is not None and now < self._until

    def take(self, now: float) -> Callable[[], object] | None:
        """What takes the change back, once; None when it is too late."""
        act = self._act if self.is_open(now) else None
        self._act = None
        return act

    def line(self, now: float, keys: OwnKeys) -> Line:
        """The key that does it, and how long it will; nothing when it is too late."""
        if not self.is_open(now):
            return ()
        key = key_name(keys.get("undo", ("u",))[0])
        return ((f" {key}", "key"), (f" takes it back {math.ceil(self._until - now)} s ", "label"))

    def next_change_s(self, now: float) -> float | None:
        """Seconds until the line is another one."""
        return (self._until - now) % 1.0 or 1.0 if self.is_open(now) else None
