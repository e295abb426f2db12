"""`config`: check the configuration, show what is in force, or begin one."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click

from core.config.example import example
from core.config.load import config_path, load_settings
from core.config.schema import KeyPath, is_secret
from core.config.settings import Settings
from core.domain.errors import ConfigError
from tui.console.output import json_line, line

_HIDDEN = "***"
_USER_PART = re.compile(r"(?<=://)[^/@]*@")


@click.group()
def config() -> None:
    """Check, show or begin a configuration."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(*, as_json: bool) -> None:
    """Say whether the configuration is valid, and where the file is looked for."""
    file = config_path()
    try:
        settings = load_settings()
        _check_sources(settings)
        _check_keys(settings)
    except ConfigError as error:
        if as_json:
            json_line({"file": str(file), "is_valid": False, "detail": error.detail, "hint": error.hint})
        raise
    if as_json:
        json_line({"file": str(file), "exists": file.exists(), "is_valid": True})
    else:
        line(f"{file}: ok" if file.exists() else f"{file} does not exist: everything is at its default")


def _check_keys(settings: Settings) -> None:
    """What the dashboard makes of its keys. Raises ConfigError."""
    # The list of actions brings parts of Textual with it.
    from tui.keymap import own_keys  # noqa: PLC0415

    own_keys(settings.keys, config_path())


def _check_sources(settings: Settings) -> None:
    """Any table below [sources] is valid by its form; a name that no source has is a slip.

    Raises:
        ConfigError: There is such a name.
    """
    # The sources come with much that the other commands here do not need.
    from core.sources.registry import Registry  # noqa: PLC0415

    known = {source.name for source in Registry(settings).all()} | set(type(settings.sources).model_fields)
    for name in settings.sources.__pydantic_extra__ or {}:
        if name not in known:
            meant = difflib.get_close_matches(name, known, n=1)
            suggestion = f"; did you mean sources.{meant[0]}?" if meant else ""
            raise ConfigError(
                f"there is no source {name}{suggestion}", hint=f"Known are: {', '.join(sorted(known))}."
            )


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(*, as_json: bool) -> None:
    """Show every setting in force, from wherever it came. Secrets are hidden."""
    settings = load_settings()
    shown = _without_secrets((), settings.model_dump(mode="json"))
    if as_json:
        json_line(shown)
    else:
        for text in _tables((), shown):
            line(text)


def _without_secrets(path: KeyPath, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets((*path, key), inner) for key, inner in value.items()}
    if value is None or not is_secret(path):
        return value
    is_url = path[-1] in {"proxy", "url"}
    return _USER_PART.sub(f"{_HIDDEN}@", value) if is_url else _HIDDEN


def _tables(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    """TOML, one line a key. A key without a value is a comment: TOML has no word for that."""
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and values:
        yield f"[{'.'.join(path)}]"
    for key, value in values.items():
        yield f"# {key} is not set" if value is None else f"{key} = {_toml(value)}"
    if values:
        yield ""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _tables((*path, key), value)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


@config.command("example")
def show_example() -> None:
    """Print a configuration with every key, its default and what it does."""
    click.echo(example(), nl=False)
