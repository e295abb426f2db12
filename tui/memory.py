"""How somebody left the dashboard, kept in a file until the next time; what is damaged counts for nothing."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tui.log_lines import LEVELS
from tui.rows import CHOICES
from tui.state import SORTS, VIEWS
from tui.theme import THEMES

#: Beside the database, so that every engine has its own.
FILE = "dashboard.json"
#: More is none of ours.
MOST_BYTES = 16 * 1024
_MOST_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is the same the next time; None means: as it is by default."""

    theme: str | None = None
    sort: str | None = None
    is_reversed: bool = False
    view: str | None = None
    filter: str = ""
    log_level: str | None = None
    columns: tuple[str, ...] | None = None

    @classmethod
    def of(cls, data: Any) -> Self:
        """What is right in *data*, whatever it is."""
        if not isinstance(data, dict):
            return cls()
        filtered = data.get("filter")
        if not isinstance(filtered, str) or len(filtered) > _MOST_CHARS or not filtered.isprintable():
            filtered = ""
        return cls(
            theme=_one_of(data.get("theme"), [theme.name for theme in THEMES]),
            sort=_one_of(data.get("sort"), list(SORTS)),
            is_reversed=data.get("is_reversed") is True,
            view=_one_of(data.get("view"), list(VIEWS)),
            filter=filtered,
            log_level=_one_of(data.get("log_level"), list(LEVELS)),
            columns=_some_of(data.get("columns"), list(CHOICES)),
        )


def _one_of(value: Any, known: list[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _some_of(value: Any, known: list[str]) -> tuple[str, ...] | None:
    return tuple(name for name in known if name in value) if isinstance(value, list) else None


def recall(file: Path) -> Memory:
    """What *file* holds; without it, or where it cannot be read, nothing."""
    try:
        with file.open("rb") as stream:
            return Memory.of(json.loads(stream.read(MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return Memory()


def keep(file: Path, memory: Memory) -> None:
    """Write *memory* to *file*, as a whole or not at all."""
    written = file.with_name(f".{file.name}.{os.getpid()}")
    # Whoever leaves while the disk is full or the folder gone leaves all the same.
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                json.dump(asdict(memory), stream)
            written.replace(file)
        finally:
            written.unlink(missing_ok=True)
