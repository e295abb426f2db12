"""A standstill is the other side's: time in which we did not run ourselves does not count."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.domain.errors import Stalled
from core.net.transfer.pulse import Pulse


async def test_without_bytes_it_is_a_standstill():
    with pytest.raises(Stalled):
        await Pulse(0.1).watch(lambda: None)


async def test_to_be_stopped_ourselves_is_no_standstill():
    ticked = asyncio.Event()
    watching = asyncio.create_task(Pulse(0.6).watch(ticked.set))
    for pause_s in (0.0, 1.0, 0.0):
        ticked.clear()
        await ticked.wait()
        time.sleep(pause_s)  # noqa: ASYNC251 -- as when the process is stopped and continued
    assert not watching.done()
    watching.cancel()
