"""Blocking work in a thread, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run *function* in a thread; a cancellation is passed on only after the thread is done.

    So whoever cleans up afterwards may close the file that the thread was using.
    """
    return await run_in(None, partial(function, *args, **kwargs))


async def run_in(executor: Executor | None, function: Callable[[], T]) -> T:
    """As `run_blocking`, in a thread of *executor*: for what may take long, and would keep others waiting."""
    future = asyncio.get_running_loop().run_in_executor(executor, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):  # a second one: the first goes on below
                await asyncio.wait({future})
        if not future.cancelled():
            future.exception()  # seen; the cancellation goes before it
        raise
