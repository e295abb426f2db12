"""Change a configuration file key by key: comments, order and keys that we do not know stay as they are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from core.config.load import inline_secrets
from core.config.schema import KeyPath, dotted
from core.domain.errors import ConfigError

Value = str | int | bool | Sequence[str]

_HEADER = "Reeldeck's configuration. Every key, its default and what it does: reeldeck config example"

#: Where `reeldeck setup` keeps the api_hash, from the configuration's folder.
API_HASH_FILE = Path("secrets", "telegram_api_hash")


class ConfigFile:
    """A configuration that may not be there yet.

    Args:
        path: The file. Where it is a link, what it leads to is changed.

    Raises:
        ConfigError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        try:
            self._was = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._was = ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read") from error
        self._document = _parsed(path, self._was)
        if not self._was:
            self._document.add(tomlkit.comment(_HEADER))

    @property
    def text(self) -> str:
        """The file as it would be written now."""
        return tomlkit.dumps(self._document)

    def set(self, path: Sequence[str], value: Value) -> None:
        """Give the key at *path* a value; one that it has already is left as it is written.

        Raises:
            ConfigError: What should be a table on the way there is none.
        """
        *tables, key = path
        table: Any = self._document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.table()
            table = table[name]
            if not isinstance(table, dict):
                raise ConfigError(f"{self.path}: {dotted(tuple(tables))} should be a table")
        if key not in table or table[key] != value:
            table[key] = value

    def remove(self, path: KeyPath) -> None:
        """Take the key at *path* away, if it is there."""
        *tables, key = path
        table: Any = self._document
        for name in tables:
            table = table.get(name, {})
        table.pop(key, None)

    def write_blocking(self) -> bool:
        """Write what changed, at once or not at all; False where nothing did.

        A new file is for its owner alone.

        Raises:
            ConfigError: It cannot be written.
        """
        text = self.text
        if text == self._was:
            return False
        draft = self.path.with_name(f".{self.path.name}.new")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode & 0o777 if self.path.exists() else 0o600
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            draft.chmod(mode)
            draft.replace(self.path)
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be written: {error.strerror}",
                hint="Change the owner or mode of its folder, or name another file by REELDECK_CONFIG.",
            ) from error
        self._was = text
        return True


def without_secrets(text: str) -> str:
    """A configuration's *text* without the secrets in it; all else stays as it is written.

    Raises:
        ConfigError: It is no TOML.
    """
    document = _parsed(Path("the configuration"), text)
    for path in inline_secrets(document.unwrap()):
        table: Any = document
        for name in path[:-1]:
            table = table[name]
        del table[path[-1]]
        if isinstance(table, Table):
            table.add(tomlkit.comment(f"{path[-1]} was left out"))
    return tomlkit.dumps(document)


def _parsed(path: Path, text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{path}: {error}") from error
