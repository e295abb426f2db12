"""How commands come by an event loop, their settings and the running engine."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from core.config.settings import Settings
from core.domain.errors import EngineUnreachable
from core.domain.interface import EngineInterface
from tui.console.exits import Terminated
from tui.console.loading import loading

T = TypeVar("T")


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end. Ctrl-C and SIGTERM cancel it, so that it can put its state away.

    Raises:
        Terminated: SIGTERM came; KeyboardInterrupt is Python's own for Ctrl-C.
    """
    is_terminated = False
    # What libraries warn of is for the engine's log; people are told by errors, once, in our words.
    logging.lastResort = None

    async def run() -> T:
        task = asyncio.current_task()
        assert task is not None

        def terminate() -> None:
            nonlocal is_terminated
            is_terminated = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        return await main

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        if is_terminated:
            raise Terminated from None
        raise


@asynccontextmanager
async def any_engine() -> AsyncIterator[tuple[EngineInterface, bool]]:
    """The running engine and True; where none runs, one inside this process and False.

    Raises:
        ReeldeckError: One of its own cannot be started.
    """
    settings = load_settings()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(engine(settings))
        is_foreign = True
        try:
            await running.status()
        except EngineUnreachable:
            with loading():
                # Brings the whole core with it.
                from tui.console.inprocess import own_engine  # noqa: PLC0415

            running = await stack.enter_async_context(own_engine(settings))
            is_foreign = False
        yield running, is_foreign


@asynccontextmanager
async def engine(settings: Settings | None = None) -> AsyncIterator[EngineInterface]:
    """A connection to the running engine; its methods raise EngineUnreachable when there is none."""
    client = HttpEngineClient(socket_path(settings or load_settings()))
    try:
        yield client
    finally:
        await client.close()
