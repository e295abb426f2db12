"""Where in a TOML text each key stands: `tomllib` does not say, and an error without a line is a riddle."""

from __future__ import annotations

import tomllib
from typing import Any

from core.config.schema import KeyPath


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table and key of a valid TOML *text*."""
    found: dict[KeyPath, int] = {}
    lists: dict[KeyPath, int] = {}  # index of the newest table of each [[list]]
    table: KeyPath = ()
    statement = ""
    start = 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        # Each statement of TOML is a valid text by itself: it ends where it first parses.
        statement += line
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _table(content, lists)
            found.setdefault(table, start)
        else:
            _place(content, table, start, found)
        statement, start = "", number + 1
    return found


def _table(header: dict[str, Any], lists: dict[KeyPath, int]) -> KeyPath:
    """The full path of a `[table]` or `[[list]]` header, with the indices of the lists it lies in."""
    path: KeyPath = ()
    content: Any = header
    while content:
        name, content = next(iter(content.items()))
        path = (*path, name)
        if isinstance(content, list):
            lists[path] = lists.get(path, -1) + 1
            content = content[0]
        if path in lists:
            path = (*path, lists[path])
    return path


def _place(content: Any, path: KeyPath, line: int, found: dict[KeyPath, int]) -> None:
    if path not in found:
        found[path] = line
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for name, inner in items:
        found.setdefault((*path, name), line)
        if isinstance(inner, dict | list):
            _place(inner, (*path, name), line, found)
