"""The logins that the configuration describes: profiles like the others, named `config`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from core.config.sources import Sources
from core.domain.profile import Profile
from core.store.profiles import AuthProfiles

#: The name of the profile that the configuration describes.
CONFIG = "config"
_TOKENS = ("auth_token", "ct0")


def tokens_of(sources: Sources, source: str) -> Mapping[str, str]:
    """The secrets of a source by name, where they are set. They stay in memory."""
    settings = sources.of(source)
    found = {name: _secret(getattr(settings, name, None)) for name in _TOKENS}
    return {name: value for name, value in found.items() if value}


async def take_over(rows: AuthProfiles, sources: Sources) -> Sequence[Profile]:
    """Keep the profiles named `config` as the configuration has them.

    Returns those that are to be tried anew; jobs may wait for them.
    """
    found = [await _take_over(rows, sources, source) for source in type(sources).model_fields]
    return [profile for profile in found if profile is not None]


async def _take_over(rows: AuthProfiles, sources: Sources, source: str) -> Profile | None:
    path: Path | None = getattr(sources.of(source), "cookie_file", None)
    tokens = tokens_of(sources, source)
    known = next((each for each in await rows.all(source) if each.name == CONFIG), None)
    if path is None and not tokens:
        if known is not None:
            await rows.delete(known.id)
        return None
    text = None if path is None else absolute(path)
    # Whether tokens are the same as before cannot be known, as they are not stored: try them.
    if known is None or tokens or known.cookie_file_path != text:
        return await rows.put(source, CONFIG, cookie_file_path=text, expires=None, now=time.time())
    return None


def absolute(path: Path) -> str:
    """A path as it is stored: from the root, with the owner's symbolic links."""
    return str(path.expanduser().absolute())


def _secret(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else ""
