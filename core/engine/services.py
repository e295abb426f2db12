"""The tasks that run for as long as the engine does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Services:
    """Starts tasks, ends them together, and tells when one ends by a fault.

    Args:
        on_fault: Called with what went wrong.
    """

    def __init__(self, on_fault: Callable[[BaseException], None]) -> None:
        self._on_fault = on_fault
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, service: Coroutine[Any, Any, None]) -> None:
        """Run a service until `stop`."""
        task = asyncio.create_task(service, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            # Going on without a scheduler would look alive and do nothing: stop, so that it is started anew.
            log.critical("a service of the engine ended", extra={"service": task.get_name()}, exc_info=fault)
            self._on_fault(fault)

    async def stop(self) -> None:
        """End all services, and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
