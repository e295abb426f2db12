"""Bring the dashboard and an engine together."""

from __future__ import annotations

import asyncio

from core.client.http import HttpEngineClient
from core.client.locate import socket_path

from core.config.load import load_settings
from tui.app import ReeldeckApp
from tui.background import ensure_engine


def attach() -> None:
    """Run the dashboard until somebody leaves it. The engine goes on."""
    settings = load_settings()
    path = socket_path(settings)

    async def ready() -> None:
        client = HttpEngineClient(path)
        try:
            await ensure_engine(settings, client)
        finally:
            await client.close()

    asyncio.run(ready())
    ReeldeckApp(HttpEngineClient(path)).run()
