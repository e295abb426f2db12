"""The order in which addresses are tried, and what is left of attempts that nobody wants any more."""

from __future__ import annotations

import asyncio
import socket

import pytest

from core.net.http import dial
from core.net.http.dial import _interleaved, connect


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([], []),
        (["1.1.1.1"], ["1.1.1.1"]),
        (["a::1", "a::2", "1.1.1.1", "1.1.1.2"], ["a::1", "1.1.1.1", "a::2", "1.1.1.2"]),
        (["1.1.1.1", "1.1.1.2", "a::1"], ["1.1.1.1", "a::1", "1.1.1.2"]),
        (["1.1.1.1", "1.1.1.2", "1.1.1.3"], ["1.1.1.1", "1.1.1.2", "1.1.1.3"]),
    ],
)
def test_families_take_turns_and_the_resolvers_choice_comes_first(found: list[str], order: list[str]) -> None:
    assert _interleaved(found) == order


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("between", range(4))
async def test_two_cancellations_leave_no_connection_open(monkeypatch, before, between):
    made = []

    async def attempt(_address, _port):
        made.append(socket.socket())
        return made[-1]

    monkeypatch.setattr(dial, "_attempt", attempt)
    task = asyncio.create_task(connect(["192.0.2.1"], 80))
    for _ in range(before):
        await asyncio.sleep(0)
    for _ in range(2):
        task.cancel()
        for _ in range(between):
            await asyncio.sleep(0)
    await asyncio.wait({task})
    await asyncio.sleep(0)
    if not task.cancelled():
        await task.result().aclose()
    assert all(sock.fileno() < 0 for sock in made)
