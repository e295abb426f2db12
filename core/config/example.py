"""Write `config.example.toml` out of `Settings`, so that it says what the program does."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from core.config.schema import section_of
from core.config.settings import Settings
from core.config.sources import Site, Sources, SourceSettings

_HEADER = """\
# Reeldeck's configuration, with every key at its default. "…", "/path" and 1 stand where there is none.
#
# Put a copy where `reeldeck config check` looks for it, and take the # away before what you change.
# Every key can be set by a variable too: limits.max_parallel_jobs is REELDECK_LIMITS__MAX_PARALLEL_JOBS.
# Secrets may stand in a file of their own, named by KEY_file (api_hash_file = "/path"); a configuration
# that holds one itself must be closed to others: chmod 600.
# Units are in the names: _s seconds, _h hours, _bytes bytes, _bps bytes per second.
"""
_WIDTH = 108


def example() -> str:
    """The text of `config.example.toml`."""
    return _HEADER + "\n".join(_tables((), Settings)) + "\n"


def _tables(path: tuple[str, ...], model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = section_of(field)
        if not section:
            if not path:
                yield from _free_table(name, field)
            continue
        yield ""
        yield from _comment(section.__doc__ or "")
        if section is not Sources:
            yield f"[{'.'.join((*path, name))}]"
        yield from _keys(section)
        yield from _tables((*path, name), section)
    if model is Sources:
        yield from _commented(
            "Any other source, by its name: direct, ytdlp, …", "[sources.NAME]", SourceSettings
        )
        yield from _commented("One more lecture site.", "[[sources.tariq_allah.sites]]", Site)


def _free_table(name: str, field: FieldInfo) -> Iterator[str]:
    """A table whose keys are not known here, with some as an example."""
    yield ""
    yield from _comment(field.description or "")
    yield f"[{name}]"
    for key, value in (field.examples or [{}])[0].items():
        yield f"# {key} = {json.dumps(value)}"


def _commented(about: str, header: str, model: type[BaseModel]) -> Iterator[str]:
    yield ""
    yield from _comment(about)
    yield f"# {header}"
    yield from _keys(model)


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if section_of(field) or Site in get_args(field.annotation):
            continue
        yield from _comment(field.description or "")
        yield f"# {name} = {_value(field)}"


def _comment(text: str) -> Iterator[str]:
    # Two marks: taking away the # of every key leaves the words comments.
    for line in textwrap.wrap(text.removesuffix("."), _WIDTH):
        yield f"## {line}"


def _value(field: FieldInfo) -> str:
    default = field.examples[0] if field.examples else field.default
    if default is None or default is PydanticUndefined:
        return _placeholder(field.annotation)
    if isinstance(default, tuple):
        return json.dumps(list(default))
    if isinstance(default, int) and not isinstance(default, bool):
        return f"{default:_}"
    return json.dumps(default)


def _placeholder(kind: Any) -> str:
    """Something of the right kind, where there is no default that could stand in a file."""
    kinds = set(_flat(kind))
    if Path in kinds:
        return '"/path"'
    if kinds & {int, float}:
        return "1"
    return '["…"]' if get_origin(kind) is tuple else '"…"'


def _flat(kind: Any) -> Iterator[Any]:
    yield kind
    for part in get_args(kind):
        if isinstance(part, type) or get_args(part):
            yield from _flat(part)
