"""An engine inside this process, for `reeldeck get` where none is running. It runs its own jobs only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.config.schema import secret_values
from core.config.settings import Settings
from core.engine.engine import Engine
from core.ops.logs import configure, log_event


@asynccontextmanager
async def own_engine(settings: Settings) -> AsyncIterator[Engine]:
    """A running engine, stopped at the end: what it did not finish stays stored.

    Raises:
        EngineRunning: One owns the data directory already.
        StoreFailure: The database cannot be used.
        ConfigError: A setting cannot be used.
    """
    configure(settings.logging, settings.paths.log, secrets=secret_values(settings))
    engine = Engine(settings, only_submitted=True, on_event=log_event)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
