"""Whether this machine reaches the internet at all: when it does not, no site is to blame.

One host that cannot be reached is that host's trouble. Several within seconds, each for a reason that lies on
this side, and nothing reached in between, are an outage here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable

import httpcore

from core.domain.errors import JobError, NetworkFailure
from core.net.http.connection import Connector, Stream

log = logging.getLogger("reeldeck.net")

#: So many hosts …
HOSTS = 3
#: … within so many seconds. A resolver without a network takes ten of them to say so.
WINDOW_S = 30.0
#: Wait before the first try whether the network is back; each further one is twice as long …
FIRST_PROBE_S = 2.0
#: … up to this.
LONGEST_PROBE_S = 30.0
_PROBE_TIMEOUT_S = 10.0

#: What a connection attempt says when this machine has no way out. A refused one, or a time that ran out,
#: may be the host's doing.
_LOCAL = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
#: What a look-up says: no server answered. A name that does not exist was denied by one that did.
_LOCAL_LOOKUP = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL})


class Reach:
    """Hears of every connection that is made or fails.

    Args:
        clock: Seconds that only go forward.

    Attributes:
        on_away: Called when the network goes away, with the seconds since the first sign of it.
        on_back: Called when it is there again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: Host and port that could not be reached, and when.
        self._missed: dict[tuple[str, int], float] = {}
        self._away = asyncio.Event()
        self.on_away: Callable[[float], None] = lambda _seconds: None
        self.on_back: Callable[[], None] = lambda: None

    @property
    def is_away(self) -> bool:
        """Whether our own network is away."""
        return self._away.is_set()

    def reached(self) -> None:
        """Something answered."""
        self._missed.clear()
        if self._away.is_set():
            self._away.clear()
            log.info("the network is back")
            self.on_back()

    def missed(self, host: str, port: int, error: BaseException) -> None:
        """There was no connection to a host, because of *error*."""
        if not _is_local(error):
            return
        now = self._clock()
        if not self._away.is_set():
            self._missed = {place: at for place, at in self._missed.items() if now - at <= WINDOW_S}
        self._missed[host, port] = now
        if len({name for name, _ in self._missed}) >= HOSTS and not self._away.is_set():
            self._away.set()
            log.warning("the network is away: nothing can be reached")
            self.on_away(now - min(self._missed.values()))

    def watched(self, connector: Connector) -> Connector:
        """*connector*, with what becomes of its connections heard."""

        async def connect(host: str, port: int) -> Stream:
            try:
                stream = await connector(host, port)
            except (OSError, JobError, httpcore.NetworkError) as error:
                self.missed(host, port, error)
                raise
            self.reached()
            return stream

        return connect

    async def run(self, connector: Connector) -> None:
        """While the network is away, try with *connector* whether it is back; until cancelled."""
        while True:
            await self._away.wait()
            wait_s = FIRST_PROBE_S
            while self._away.is_set():
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_PROBE_S)
                await self._probe(connector)

    async def _probe(self, connector: Connector) -> None:
        if not self._away.is_set():
            return
        host, port = next(iter(self._missed))
        self._missed[host, port] = self._missed.pop((host, port))  # another one's turn next time
        with contextlib.suppress(OSError, TimeoutError, JobError, httpcore.NetworkError):
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                stream = await connector(host, port)
            await stream.aclose()
            self.reached()


def _is_local(error: BaseException) -> bool:
    cause = error.__cause__ if isinstance(error, NetworkFailure | httpcore.NetworkError) else error
    if isinstance(cause, socket.gaierror):
        return cause.errno in _LOCAL_LOOKUP
    return isinstance(cause, OSError) and cause.errno in _LOCAL
