"""Bring the dashboard and an engine together."""

from __future__ import annotations

import asyncio
import os

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import config_path, load_settings
from core.config.settings import LOG_FILE
from tui.app import ReeldeckApp
from tui.console.background import ensure_engine
from tui.console.here import ThisMachine
from tui.keymap import own_keys
from tui.memory import FILE
from tui.terminal import wants_ascii


def attach(*, is_ascii: bool = False) -> int:
    """Run the dashboard until somebody leaves it; its exit code. The engine goes on.

    Args:
        is_ascii: Draw with ASCII only, also where the locale knows more.

    Raises:
        EngineUnreachable: No engine runs, and none could be started.
        ConfigError: A key in `[keys]` cannot be used.
    """
    return asyncio.run(_attach(is_ascii=is_ascii))


async def _attach(*, is_ascii: bool) -> int:
    settings = load_settings()
    keys = own_keys(settings.keys, config_path())
    client = HttpEngineClient(socket_path(settings))
    try:
        await ensure_engine(settings, client)
        log_file = settings.paths.log / LOG_FILE if settings.logging.json_file else None
        app = ReeldeckApp(
            client,
            is_ascii=is_ascii or wants_ascii(os.environ),
            log_file=log_file,
            keys=keys,
            memory=settings.paths.data_dir / FILE,
        )
        app.deck.here = ThisMachine()
        await app.run_async()
        return app.return_code or 0
    finally:
        await client.close()
