"""What a source may use to be let in. Lives in memory only: nothing here is stored, logged or shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One auth profile, opened for one attempt."""

    #: The profile's name, which may be shown (`main`, `alt`).
    profile: str
    #: A private copy of the owner's cookie file (0600), which may be written and is thrown away.
    cookie_file: Path | None = None
    #: Secrets by name (`auth_token`, `ct0`).
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
