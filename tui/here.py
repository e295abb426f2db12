"""What the dashboard can do on the engine's machine beside asking the engine: `tui.console.here` is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Check:
    """What a check of this installation saw."""

    name: str
    #: `ok`, `warn` or `fail`.
    level: str
    detail: str
    #: What to do about it; empty when it is ok.
    fix: str = ""


class Here(Protocol):
    """The machine that the dashboard runs on. Raises the errors of `core.domain.errors`."""

    @property
    def is_in_browser(self) -> bool:
        """It is shown in a browser: who has its key must not make another that outlives it."""
        ...

    async def back_up(self, to: Path) -> str:
        """Write a backup without secrets; what is in it, in a line."""
        ...

    async def check_up(self) -> Sequence[Check]:
        """Check this installation, as `reeldeck doctor` does."""
        ...
