"""What the parts of `HttpEngineClient` need of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Asks(Protocol):
    """Sends a request to the engine and returns the JSON object of its answer."""

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str | int | None] | None = None,
        timeout_s: float = ...,
    ) -> dict[str, Any]: ...
