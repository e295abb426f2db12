"""Values out of environment variables, as pydantic-settings reads them.

Apart from `core.config.load`, which needs it only where variables are set: it takes a while to import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from core.config.settings import Settings


class _Shape(BaseSettings, Settings):
    """What pydantic-settings reads variables by; never made, and so never built."""

    model_config = SettingsConfigDict(defer_build=True)


class Variables(EnvSettingsSource):
    """Nested values out of variables. Lists are JSON or separated by commas.

    Args:
        env: The variables.
        prefix: What their names begin with.
        delimiter: What stands between a section and a key.
    """

    def __init__(self, env: Mapping[str, str], *, prefix: str, delimiter: str) -> None:
        self._env = env
        super().__init__(_Shape, env_prefix=prefix, env_nested_delimiter=delimiter, env_ignore_empty=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._env.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002 -- theirs
        """A list or table as JSON, else a list by commas; validation judges what comes out."""
        try:
            decoded = json.loads(value)
        except ValueError:
            decoded = None
        if isinstance(decoded, list | dict):
            return decoded
        return [item.strip() for item in value.split(",") if item.strip()]
