"""Make `Settings` from the configuration file, secret files and the environment, or say what is wrong where.

Later sources win: defaults, `config.toml`, systemd credentials, `REELDECK_SECTION__KEY` variables. A secret
may stand in any of them, or in a file named by `<key>_file`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.config.lines import key_lines
from core.config.schema import ANY, KeyPath, dotted, field_at, is_secret, leaves, nearest, secrets
from core.config.settings import APP_NAME, Settings
from core.domain.errors import ConfigError
from core.domain.text import for_terminal

PREFIX = "REELDECK_"
#: Names the configuration file.
CONFIG_VARIABLE = "REELDECK_CONFIG"
#: A folder that systemd puts `LoadCredential=` files into; ours are called `telegram__api_hash` and so on.
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
_DELIMITER = "__"
_MAX_SECRET_BYTES = 64 * 1024
#: pydantic's words, where people of TOML use others.
_WANTED = {
    "model_type": "should be a table",
    "dict_type": "should be a table",
    "tuple_type": "should be a list",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    # The only texts that are held against a pattern are spans of time.
    "string_pattern_mismatch": 'should be two times of day, as in "23:00-07:30"',
}
#: What the reader of TOML says, by its first words → what is usually behind it.
_TOML_SLIPS = {
    "Invalid value": 'Text stands in quotes, key = "text"; true and false are written small.',
    "Invalid hex value": "A backslash stands in 'single quotes'; in double ones it begins an escape.",
    "Unescaped '\\'": "A backslash stands in 'single quotes'; in double ones it begins an escape.",
}
_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@")


def config_path(env: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration file is looked for."""
    named = env.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_config_dir(APP_NAME)) / "config.toml"


def load_settings(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force.

    Args:
        path: The configuration file; by default `config_path`, which need not exist unless it was named.
        env: Environment variables.

    Raises:
        ConfigError: Something cannot be read or is not valid; the detail names every place.
    """
    file = path or config_path(env)
    required = path is not None or CONFIG_VARIABLE in env
    return _Sources(file, env, required=required).settings()


def _read_variables(env: Mapping[str, str]) -> dict[str, Any]:
    """The tree of values that variables give."""
    if not env:
        return {}
    # Most people have none, and are there the sooner.
    from core.config.variables import Variables  # noqa: PLC0415

    return Variables(env, prefix=PREFIX, delimiter=_DELIMITER)()


class _Sources:
    """All the places that values come from, kept until validation has said what is wrong with which."""

    def __init__(self, file: Path, env: Mapping[str, str], *, required: bool) -> None:
        self._file = file
        self._text = _read_config(file, required=required)
        named = {name for name in env if name.startswith(PREFIX)} - {CONFIG_VARIABLE}
        known = {name for name in named if _is_known(_variable_path(name))}
        self._problems = [_unknown_variable(name) for name in sorted(named - known)]
        self._variables = _with_secret_files(
            _read_variables({name: env[name] for name in known}), PREFIX, Path()
        )
        credentials = _with_secret_files(_read_variables(_credentials(env)), "credential ", Path())
        from_file = _with_secret_files(_parse(file, self._text), f"{file}: ", file.parent)
        self._merged = _merge(_merge(from_file, credentials), self._variables)

    def settings(self) -> Settings:
        try:
            settings = Settings.model_validate(self._merged)
        except ValidationError as error:
            found = [self._problem(one) for one in error.errors(include_url=False)]
            raise ConfigError("; ".join([*self._problems, *found])) from None  # its text may hold secrets
        if self._problems:
            raise ConfigError("; ".join(self._problems))
        return settings

    def _problem(self, error: ErrorDetails) -> str:
        path: KeyPath = error["loc"]
        place = self._place(path)
        if error["type"] == "extra_forbidden":
            return f"{place}: there is no key {for_terminal(dotted(path))}{_suggestion(nearest(path))}"
        if error["type"] == "missing":
            return f"{place}: {dotted(path)} is missing"
        wanted = _WANTED.get(error["type"]) or error["msg"].partition(", unable")[0]
        wanted = wanted.removeprefix("Input ").removeprefix("Value error, ")
        value = error["input"]
        # A table or list may hold a secret further down.
        is_shown = isinstance(value, str | int | float) and not is_secret(path)
        shown = f" = {for_terminal(json.dumps(value, ensure_ascii=False), cells=60)}" if is_shown else ""
        return f"{place}: {for_terminal(dotted(path))}{shown} {wanted}"

    def _place(self, path: KeyPath) -> str:
        if _has(self._variables, path):
            # The variable holds the whole list when the fault is in one of its items.
            named = [part for part in path if isinstance(part, str)]
            return PREFIX + _DELIMITER.join(named).upper()
        lines = key_lines(self._text)
        while path and path not in lines:
            path = path[:-1]
        return f"{self._file}:{lines[path]}" if path else str(self._file)


def _read_config(file: Path, *, required: bool) -> str:
    """The file's text, empty when there is none. A secret that others may read is refused."""
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            text = stream.read().decode()
    except FileNotFoundError:
        if required:
            raise ConfigError(
                f"{file} does not exist", hint=f"Make it: reeldeck config example > {shlex.quote(str(file))}"
            ) from None
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{file} cannot be read: {reason}") from error
    secret = next(inline_secrets(_parse(file, text)), None)
    if secret and mode & 0o077:
        raise ConfigError(
            f"{file} holds a secret ({dotted(secret)}) and others may read it (mode {mode:04o})",
            hint=f"Close it: chmod 600 {shlex.quote(str(file))}",
        )
    return text


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, position = str(error).rpartition(" (at ")
        line = re.search(r"line (\d+)", position)
        number = line[1] if line else str(text.count("\n") + 1)  # "at end of document"
        hint = next((hint for words, hint in _TOML_SLIPS.items() if reason.startswith(words)), None)
        raise ConfigError(f"{file}:{number}: {for_terminal(reason)}", hint=hint) from error


def _secret_paths(tree: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The secrets' keys, with the names of the sources that *tree* holds."""
    named = tree.get("sources")
    names = set(named) if isinstance(named, dict) else set()
    for path in sorted(secrets(), key=dotted):
        if ANY in path:
            yield from (
                (path[0], name, path[2]) for name in sorted(names) if field_at((path[0], name, path[2]))
            )
        else:
            yield path


def inline_secrets(tree: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys of a configuration that hold a secret themselves."""
    for path in _secret_paths(tree):
        value = _get(tree, path)
        is_url = path[-1] in {"proxy", "url"}
        if value is not None and (not is_url or _PASSWORD.search(str(value))):
            yield path


def _with_secret_files(tree: dict[str, Any], origin: str, folder: Path) -> dict[str, Any]:
    """*tree* with every `<key>_file` of a secret replaced by `<key>` and what that file holds."""
    for path in list(_secret_paths(tree)):
        table = _get(tree, path[:-1])
        key, file_key = str(path[-1]), f"{path[-1]}_file"
        if not isinstance(table, dict) or file_key not in table:
            continue
        if key in table:
            raise ConfigError(f"{origin}{dotted(path)} is given twice: by {key} and by {file_key}")
        file = folder / Path(str(table.pop(file_key))).expanduser()
        table[key] = _read_secret(file, f"{origin}{dotted(path)}_file", is_guarded=False)
    return tree


def _read_secret(file: Path, asked_by: str, *, is_guarded: bool = True) -> str:
    """What *file* holds; a file of ours that others may read is refused unless its folder *is_guarded*."""
    try:
        with file.open("rb") as stream:
            facts = os.fstat(stream.fileno())
            secret = stream.read(_MAX_SECRET_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"{asked_by}: {file} cannot be read: {reason}", hint="Write the secret into that file, mode 600."
        ) from error
    # What belongs to somebody else (a container's /run/secrets) is for them to close.
    if not is_guarded and facts.st_mode & 0o077 and facts.st_uid == os.geteuid():
        raise ConfigError(
            f"{asked_by}: others may read {file} (mode {facts.st_mode & 0o777:04o})",
            hint=f"Close it: chmod 600 {shlex.quote(str(file))}",
        )
    return secret


def _credentials(env: Mapping[str, str]) -> dict[str, str]:
    folder = env.get(CREDENTIALS_VARIABLE)
    if not folder:
        return {}
    found = {}
    for file in sorted(Path(folder).glob(f"*{_DELIMITER}*")):
        path = tuple(file.name.lower().split(_DELIMITER))
        if field_at(path) and is_secret(path):
            found[PREFIX + file.name] = _read_secret(file, f"credential {file.name}")
    return found


def _variable_path(name: str) -> KeyPath:
    return tuple(name.removeprefix(PREFIX).lower().split(_DELIMITER))


def _is_known(path: KeyPath) -> bool:
    secret = (*path[:-1], str(path[-1]).removesuffix("_file"))
    return field_at(path) is not None or (field_at(secret) is not None and is_secret(secret))


def _unknown_variable(name: str) -> str:
    path = _variable_path(name)
    # A single underscore between section and key is the usual slip.
    flat = {dotted(leaf).replace(".", "_"): dotted(leaf) for leaf in leaves()}
    meant = flat.get("_".join(map(str, path))) or nearest(path)
    known = PREFIX + meant.replace(".", _DELIMITER).upper() if meant else None
    suggestion = _suggestion(known if known != name else f"{name}{_DELIMITER}KEY")
    return f"{for_terminal(name)}: there is no such setting{suggestion}"


def _suggestion(meant: str | None) -> str:
    return f"; did you mean {meant}?" if meant else ""


def _merge(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _get(tree: Any, path: KeyPath) -> Any:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return None
        tree = tree[part]
    return tree


def _has(tree: Any, path: KeyPath) -> bool:
    """Whether *tree* gives the value at *path*, or the whole list that it is in."""
    named = path[: next((index for index, part in enumerate(path) if isinstance(part, int)), len(path))]
    return _get(tree, named) is not None
