"""The engine's database from outside its process: a copy that comes in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx

#: Nothing comes before the copy is made, which takes its time where the database is large.
COPY_S = 600.0


class _Streams(Protocol):
    def _stream(
        self, method: str, path: str, *, silence_s: float
    ) -> AbstractAsyncContextManager[httpx.Response]: ...


class BackupClient:
    """The part of `HttpEngineClient` that is about backups."""

    async def backup(self: _Streams) -> AsyncIterator[bytes]:
        """The whole database as it is now, in pieces. When it breaks off, what came is no backup."""
        async with self._stream("GET", "/backup", silence_s=COPY_S) as response:
            async for chunk in response.aiter_raw():
                yield chunk
