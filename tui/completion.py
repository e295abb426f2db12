"""Completes what is typed: names of sources, paths of files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester

from core.domain.text import for_terminal

#: Folders may be huge; nobody reads more than these.
MAX_ENTRIES = 10_000


def paths_like_blocking(typed: str, *, most: int = 20) -> list[str]:
    """Files and folders whose path begins with *typed*, in its own spelling; folders end in a slash.

    Names that a terminal would not show as they are, are left out.
    """
    folder, start = os.path.split(typed)
    found: list[str] = []
    try:
        with os.scandir(Path(folder or ".").expanduser()) as entries:
            for _, entry in zip(range(MAX_ENTRIES), entries, strict=False):
                name = entry.name
                is_hidden = name.startswith(".") and not start.startswith(".")
                if not name.startswith(start) or is_hidden or for_terminal(name) != name:
                    continue
                found.append(os.path.join(folder, name) + ("/" if entry.is_dir() else ""))  # noqa: PTH118 -- keeps `~`
    except (OSError, RuntimeError, ValueError):  # no such folder, no such home, a NUL in it
        return []
    return sorted(found)[:most]


def absolute(typed: str) -> str:
    """The path that somebody typed or dropped into the terminal, which may have put it in quotes."""
    # Not resolved: a symbolic link may be led elsewhere later.
    return os.path.abspath(os.path.expanduser(typed.strip().strip("'\"")))  # noqa: PTH100, PTH111 -- as above


class PathSuggester(Suggester):
    """The first file or folder that goes on with what is typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The completion of *value*, None when there is none."""
        if not value:
            return None
        return next(iter(await asyncio.to_thread(paths_like_blocking, value, most=1)), None)
