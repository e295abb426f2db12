"""Bring the dashboard and an engine together."""

from __future__ import annotations

import asyncio
import os

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from tui.app import ReeldeckApp
from tui.console.background import ensure_engine
from tui.terminal import wants_ascii


def attach() -> int:
    """Run the dashboard until somebody leaves it; its exit code. The engine goes on.

    Raises:
        EngineUnreachable: No engine runs, and none could be started.
    """
    return asyncio.run(_attach())


async def _attach() -> int:
    settings = load_settings()
    client = HttpEngineClient(socket_path(settings))
    try:
        await ensure_engine(settings, client)
        app = ReeldeckApp(client, is_ascii=wants_ascii(os.environ))
        await app.run_async()
        return app.return_code or 0
    finally:
        await client.close()
