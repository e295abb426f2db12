"""Which keys exist, which of them are secrets, and which one a wrong name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from core.config.settings import Settings
from core.config.sources import Sources, SourceSettings

#: A key from the top: `("limits", "max_parallel_jobs")`. Indices of lists are numbers.
KeyPath = tuple[str | int, ...]

#: Stands for the name of any source.
ANY = "*"


def dotted(path: KeyPath) -> str:
    """*path* as people write it."""
    return ".".join(map(str, path))


@cache
def leaves() -> dict[KeyPath, FieldInfo]:
    """Every key that holds a value, in the order of `Settings`; `sources.*.…` are the keys of any source."""
    return dict(_leaves((), Settings))


def _leaves(path: KeyPath, model: type[BaseModel]) -> Iterator[tuple[KeyPath, FieldInfo]]:
    for name, field in model.model_fields.items():
        if section := section_of(field):
            yield from _leaves((*path, name), section)
        else:
            yield (*path, name), field
    if model is Sources:
        yield from _leaves((*path, ANY), SourceSettings)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table of its own."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def field_at(path: KeyPath) -> FieldInfo | None:
    """The field of a key that holds a value, None when there is no such key."""
    found = leaves().get(path)
    if found is None and len(path) == 3 and path[0] == "sources" and path[1] not in Sources.model_fields:
        found = leaves().get(("sources", ANY, path[2]))
    return found


@cache
def secrets() -> frozenset[KeyPath]:
    """Keys that hold a secret, or a URL that may hold a password. Each may be given as `<key>_file` too."""
    return frozenset(
        path
        for path, field in leaves().items()
        if "SecretStr" in str(field.annotation) or path[-1] == "proxy" or path == ("store", "url")
    )


def is_secret(path: KeyPath) -> bool:
    """Whether the key's value may not be shown."""
    return path in secrets() or (path[:1] == ("sources",) and path[-1] == "proxy")


def nearest(path: KeyPath) -> str | None:
    """The key or table that *path*, which does not exist, was probably meant to be."""
    wrong = str(path[-1])
    beside = sorted({str(leaf[len(path) - 1]) for leaf in leaves() if _is_beside(leaf, path)} - {ANY})
    if close := difflib.get_close_matches(wrong, beside, n=1):
        return dotted((*path[:-1], close[0]))
    # The right name in the wrong table.
    named = {str(leaf[-1]): dotted(leaf) for leaf in leaves() if ANY not in leaf}
    close = difflib.get_close_matches(wrong, named, n=1, cutoff=0.8)
    return named[close[0]] if close else None


def _is_beside(leaf: KeyPath, path: KeyPath) -> bool:
    return len(leaf) >= len(path) and all(
        want in (have, ANY) for have, want in zip(path[:-1], leaf, strict=False)
    )


def secret_values(settings: Settings) -> frozenset[str]:
    """What the secrets of *settings* say, for those who keep them out of logs."""
    found: set[str] = set()
    named = [getattr(settings.sources, name) for name in Sources.model_fields]
    tables: list[BaseModel] = [
        settings.telegram, settings.network, settings.store,
        *named, *(settings.sources.__pydantic_extra__ or {}).values(),
    ]  # fmt: skip
    for table in tables:
        for value in table.__dict__.values():
            if isinstance(value, SecretStr):
                found.add(value.get_secret_value())
            elif isinstance(value, str) and (password := _password(value)):
                found |= {password, unquote(password)}
    return frozenset(found)


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None
