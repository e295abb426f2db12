"""What systemd is told over the socket in $NOTIFY_SOCKET: sd_notify(3), and its watchdog.

Without that variable nothing is told to anybody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.domain.errors import DiskFull, ReeldeckError
from core.domain.figures import rate_text

log = logging.getLogger("reeldeck.ops")

#: Asked this many times within the time after which systemd gives up on us.
_BEATS = 3
#: How often the one line of `systemctl status` is renewed where there is no watchdog.
_STATUS_EVERY_S = 10.0
_MAX_STATUS = 200


class Notifier:
    """Speaks to the service manager.

    Args:
        env: Environment variables.
    """

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        address = env.get("NOTIFY_SOCKET", "")
        #: A leading @ stands for a name that is in no folder.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        #: Seconds without a sign of life after which we are ended; None where nobody watches.
        self.watchdog_s = _watchdog_s(env)
        if self.is_heard:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            # A service manager that does not read must never hold the engine up.
            self._socket.setblocking(False)

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens."""
        return self._address.startswith(("/", "\0"))

    def tell(self, **facts: str) -> None:
        """Send assignments such as READY="1"; what cannot be sent is lost."""
        if self._socket is None:
            return
        text = "\n".join(f"{name}={' '.join(value.split())[:_MAX_STATUS]}" for name, value in facts.items())
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError as error:
            log.debug("the service manager cannot be told", extra={"error": str(error)})

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _watchdog_s(env: Mapping[str, str]) -> float | None:
    # Another process may have inherited variables that were meant for its parent.
    given, pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID")
    if not given.isdecimal() or int(given) == 0 or pid not in {None, str(os.getpid())}:
        return None
    return int(given) / 1e6


async def keep_alive(
    notifier: Notifier,
    beat: Callable[[], Awaitable[None]],
    status: Callable[[], Awaitable[Mapping[str, Any]]],
) -> None:
    """Give signs of life until cancelled: each after *beat* has returned, so never from an engine that hangs.

    A loop that stands still does not come here; a store that stands still does not let *beat* return.

    Args:
        notifier: Where to.
        beat: Returns when the store has written something.
        status: The engine's figures.
    """
    if not notifier.is_heard:
        return
    every_s = notifier.watchdog_s / _BEATS if notifier.watchdog_s else _STATUS_EVERY_S
    while True:
        try:
            async with asyncio.timeout(every_s):
                await beat()
            notifier.tell(WATCHDOG="1", STATUS=status_line(await status()))
        except TimeoutError:
            log.warning("the store does not answer", extra={"waited_s": round(every_s, 1)})
            notifier.tell(STATUS="the store does not answer")
            # The next beat waits behind the one that hangs.
            continue
        except DiskFull as error:
            # It answers, and a start anew would find no more room.
            notifier.tell(WATCHDOG="1", STATUS=str(error))
        except ReeldeckError as error:
            log.warning("the store fails", extra={"detail": str(error)})
            notifier.tell(STATUS=str(error))
        await asyncio.sleep(every_s)


def status_line(status: Mapping[str, Any]) -> str:
    """One line for `systemctl status`."""
    counts = status["counts"]
    words = [f"{counts['RUNNING']} running", f"{counts['QUEUED']} queued", f"{counts['PENDING']} waiting"]
    if status["speed_bps"]:
        words.append(rate_text(status["speed_bps"]))
    if status["engine"]["state"] != "running":
        words.append(status["engine"]["state"].replace("_", " "))
    return ", ".join(words)
