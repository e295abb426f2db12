"""Connects to the first of several addresses that answers. They must have been judged before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from core.net.http.connection import SocketStream

#: RFC 8305 §5: how long an attempt goes on alone before the next address is tried beside it.
ATTEMPT_DELAY_S = 0.25


async def connect(addresses: Sequence[str], port: int) -> SocketStream:
    """Connect to the first of *addresses* that answers, trying them staggered (RFC 8305, "happy eyeballs").

    Raises:
        OSError: None of them answers; what the last one said.
    """
    waiting = _interleaved(addresses)
    attempts: list[asyncio.Task[socket.socket]] = []
    unfinished: set[asyncio.Task[socket.socket]] = set()
    winner: asyncio.Task[socket.socket] | None = None
    failure = OSError("there is no address")
    try:
        while waiting or unfinished:
            if waiting:
                attempts.append(asyncio.create_task(_attempt(waiting.pop(0), port)))
                unfinished.add(attempts[-1])
            done, unfinished = await asyncio.wait(
                unfinished,
                timeout=ATTEMPT_DELAY_S if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                try:
                    sock = attempt.result()
                except OSError as error:
                    failure = error
                else:
                    winner = attempt
                    return SocketStream(sock)
        raise failure
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                # Not awaited here: a second cancellation meanwhile would leave its socket open.
                attempt.add_done_callback(_close_late)


async def _attempt(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:  # it had answered as well
        attempt.result().close()


def _interleaved(addresses: Sequence[str]) -> list[str]:
    """The addresses with IPv4 and IPv6 taking turns, the resolver's first choice first."""
    turns = {"v4": 0, "v6": 0}
    placed: list[tuple[int, int, str]] = []
    for rank, address in enumerate(addresses):
        family = "v6" if ":" in address else "v4"
        placed.append((turns[family], rank, address))
        turns[family] += 1
    return [address for _, _, address in sorted(placed)]
