"""Several at once, one after the other out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def ordered(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], *, ahead: int
) -> AsyncGenerator[Result, None]:
    """The results of *work*, in the order of *items*, with so many begun at a time.

    To be left through `aclosing`: what was begun and is not wanted any more ends before that returns.
    """
    begun: deque[asyncio.Task[Result]] = deque()

    async def run(item: Item) -> Result:
        return await work(item)

    try:
        for item in items:
            begun.append(asyncio.create_task(run(item)))
            if len(begun) >= ahead:
                yield await begun[0]
                begun.popleft()
        while begun:
            yield await begun[0]
            begun.popleft()
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
