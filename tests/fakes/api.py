"""The real API on a real Unix socket in front of any engine, and ways to speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from core.api.doorkeeper import TokenCheck
from core.api.server import ApiServer
from core.config.settings import Api, Paths, Settings
from core.domain.interface import EngineInterface


def settings_in(folder: Path, **api: Any) -> Settings:
    """Settings whose socket lies below *folder*."""
    return Settings(paths=Paths(data_dir=folder), api=Api(**api))


@asynccontextmanager
async def serving(
    engine: EngineInterface, folder: Path, *, token_check: TokenCheck | None = None, **api: Any
) -> AsyncIterator[ApiServer]:
    """A started server, stopped at the end."""
    server = ApiServer(engine, settings_in(folder, **api), token_check=token_check)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def plain_client(path: Path, **options: Any) -> httpx.AsyncClient:
    """An HTTP client without manners of our own, as curl is one."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=20, **options)


async def raw(path: Path, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which *data* has been written."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=2**20)
    writer.write(data)
    await writer.drain()
    return reader, writer
