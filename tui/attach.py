"""Bring the dashboard and an engine together."""

from __future__ import annotations

import asyncio
import os

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from tui.app import ReeldeckApp
from tui.background import ensure_engine
from tui.terminal import wants_ascii


def attach() -> None:
    """Run the dashboard until somebody leaves it. The engine goes on.

    Raises:
        EngineUnreachable: No engine runs, and none could be started.
    """
    asyncio.run(_attach())


async def _attach() -> None:
    settings = load_settings()
    client = HttpEngineClient(socket_path(settings))
    try:
        await ensure_engine(settings, client)
        await ReeldeckApp(client, is_ascii=wants_ascii(os.environ)).run_async()
    finally:
        await client.close()
