"""Keys that people chose themselves: `[keys]` of the configuration, read and checked against the actions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.config.lines import key_lines
from core.domain.errors import ConfigError
from core.domain.text import for_terminal
from tui.action import Action
from tui.actions import ACTIONS, KEY_NAMES, actions_of, key_name

#: What Textual and dialogs need for themselves on every screen.
_TAKEN = frozenset({"tab", "shift+tab"})
_SPECIAL = re.compile(r"ctrl\+[a-z]|f([1-9]|1[0-2])|insert|delete|backspace")


def textual_key(name: str) -> str | None:
    """Textual's name of a key as people write it (`/`, `Ctrl+d`, `Esc`, `x`); None: there is no such key."""
    for key, shown in KEY_NAMES.items():
        if name == shown or name.casefold() == shown.casefold() != shown:
            return key
    if name in KEY_NAMES:
        return name
    if len(name) == 1 and name.isprintable() and not name.isspace():
        # Textual takes a while to import; who has no keys of his own need not wait for it.
        from textual.keys import _character_to_key  # noqa: PLC0415 -- the pinned version's own table

        return _character_to_key(name)
    lowered = name.casefold()
    return lowered if _SPECIAL.fullmatch(lowered) else None


def own_keys(wanted: Mapping[str, str], file: Path | None = None) -> Mapping[str, tuple[str, ...]]:
    """Textual's keys by action, out of `[keys]`.

    Args:
        wanted: Names of actions, each with its keys, separated by spaces.
        file: The configuration, to name the line where something is wrong.

    Raises:
        ConfigError: An action or a key does not exist, or a key means two things on one screen.
    """
    keys: dict[str, tuple[str, ...]] = {}
    faults: list[tuple[str, str]] = []
    known = {action.id for action in ACTIONS}
    for name, text in wanted.items():
        if name not in known:
            meant = difflib.get_close_matches(name, known, n=1)
            suggestion = f"; did you mean {meant[0]}?" if meant else ""
            faults.append((name, f"there is no action of this name{suggestion}"))
            continue
        found = {part: textual_key(part) for part in text.split()}
        if wrong := next((part for part, key in found.items() if key is None or key in _TAKEN), None):
            faults.append((name, f"{for_terminal(wrong, cells=20)} is no key that can be used"))
        elif not found:
            faults.append((name, "names no key"))
        else:
            keys[name] = tuple(key for key in found.values() if key)
    faults += _clashes(keys)
    if faults:
        places = _places(file)
        told = [
            f"{places.get(name, 'keys')}: keys.{for_terminal(name, cells=40)}: {what}"
            for name, what in faults
        ]
        raise ConfigError(
            "; ".join(told), hint="The names of all actions: docs/keys.md. Keys: x, Ctrl+d, F5, Esc."
        )
    return keys


def _clashes(own: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    told: set[tuple[str, str]] = set()
    for screen in sorted({screen for action in ACTIONS for screen in action.screens}):
        owners: dict[str, Action] = {}
        for action in actions_of(screen, own):
            for key in action.keys:
                other = owners.setdefault(key, action)
                if other is action or (key, action.id) in told:
                    continue
                told |= {(key, action.id), (key, other.id)}
                name, meant = (action.id, other) if action.id in own else (other.id, action)
                yield name, f"{key_name(key)} means {meant.id} on the page {screen} already"


def _places(file: Path | None) -> Mapping[str, str]:
    """Where in the file each of the keys stands."""
    if file is None or not file.exists():
        return {}
    lines = key_lines(file.read_text())
    return {
        str(path[1]): f"{file}:{line}" for path, line in lines.items() if path[:1] == ("keys",) and path[1:]
    }


def bindings(own: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """What Textual's `set_keymap` takes: keys by the ids that `bindings_of` gives."""
    return {
        f"{screen}.{action.id}": ",".join(own[action.id])
        for action in ACTIONS
        if action.id in own
        for screen in action.screens
    }
