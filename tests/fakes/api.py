"""The real API on a real Unix socket in front of any engine, and ways to speak to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from core.api.callers import TokenCheck
from core.api.doorkeeper import Record
from core.api.server import ApiServer
from core.config.settings import Api, Paths, Settings
from core.domain.interface import EngineInterface
from core.domain.token import Scope, Token


def settings_in(folder: Path, **api: Any) -> Settings:
    """Settings whose socket lies below *folder*."""
    return Settings(paths=Paths(data_dir=folder), api=Api(**api))


@asynccontextmanager
async def serving(
    engine: EngineInterface,
    folder: Path,
    *,
    token_check: TokenCheck | None = None,
    record: Record | None = None,
    **api: Any,
) -> AsyncIterator[ApiServer]:
    """A started server, stopped at the end."""
    server = ApiServer(engine, settings_in(folder, **api), token_check=token_check, record=record)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def a_token(*scopes: Scope, token_id: int = 1, name: str = "test") -> Token:
    """A token that opens *scopes*, without any everything."""
    return Token(id=token_id, name=name, scopes=frozenset(scopes or {Scope.ADMIN}), created=1.0)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


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
