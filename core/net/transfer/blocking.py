"""Blocking work in a thread, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run *function* in a thread; a cancellation is passed on only after the thread is done.

    So whoever cleans up afterwards may close the file that the thread was using.
    """
    future = asyncio.get_running_loop().run_in_executor(None, partial(function, *args, **kwargs))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):  # a second one: the first goes on below
                await asyncio.wait({future})
        if not future.cancelled():
            future.exception()  # seen; the cancellation goes before it
        raise
