"""Parts that run beside each other, each begun anew when it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from core.domain.errors import ReeldeckError, SessionLost
from userbot.faults import telegram_errors

log = logging.getLogger("reeldeck.telegram")

#: The first wait before a part that failed runs again, doubled each time up to the last.
FIRST_WAIT_S, LAST_WAIT_S = 1.0, 60.0
#: A part that ran this long had recovered from its last fault.
HEALTHY_S = 60.0


async def supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part for ever. Raises SessionLost when it finds that the account's login has ended."""
    failures = 0
    while True:
        began, asked_s = time.monotonic(), 0.0
        try:
            with telegram_errors():
                await run()
            log.warning("a part ended by itself", extra={"part": name})
        except SessionLost:
            raise
        except ReeldeckError as error:
            log.warning("a part failed and begins anew", extra={"part": name, "error": str(error)})
            asked_s = getattr(error, "retry_after_s", None) or 0.0
        except Exception:
            log.exception("a part failed and begins anew", extra={"part": name})
        failures = 1 if time.monotonic() - began > HEALTHY_S else failures + 1
        await asyncio.sleep(max(asked_s, min(FIRST_WAIT_S * 2 ** min(failures - 1, 16), LAST_WAIT_S)))


async def until_one_ends(parts: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Run all of them until one ends, and end the others. Raises what that one raised."""
    tasks = [asyncio.create_task(part, name=f"telegram {name}") for name, part in parts.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
