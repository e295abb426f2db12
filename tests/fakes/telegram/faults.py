"""What goes wrong on demand: errors, waits and cut connections, each for one method and so many calls."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Literal

from tests.fakes.telegram.wire import Refused

Kind = Literal["refuse", "drop", "drop after", "ignore"]


@dataclass
class Fault:
    """One entry of the script; *method* may end in `*`."""

    method: str
    kind: Kind
    times: int
    message: str = ""
    code: int = 400
    #: So many calls go well before.
    skip: int = 0

    def covers(self, method: str) -> bool:
        """Whether it is meant for a method."""
        if self.method.endswith("*"):
            return method.startswith(self.method[:-1])
        return method == self.method


class Script:
    """The faults that wait, and the floods that last."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()
        #: How long, in which word it is told; and until when, once somebody was told.
        self._floods: dict[str, tuple[float, str]] = {}
        self._until: dict[str, float] = {}
        #: Calls that came although the method had been told to wait.
        self.impatient: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        """Append to the script."""
        self._waiting.append(fault)

    def flood(self, method: str, seconds: float, word: str = "FLOOD_WAIT") -> None:
        """From its next call on, for *seconds*, the method is told to wait for what is left of them."""
        self._floods[method] = seconds, word
        self._until.pop(method, None)
        self.impatient[method] = -1  # The first cannot know.

    def next(self, method: str) -> Fault | None:
        """The fault that this call meets. Raises Refused within a flood."""
        seconds, word = self._floods.get(method, (0.0, ""))
        left = self._until.setdefault(method, time.monotonic() + seconds) - time.monotonic()
        if left > 0:
            self.impatient[method] += 1
            raise Refused(f"{word}_{math.ceil(left)}", 420)
        for fault in self._waiting:
            if fault.covers(method):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()
        self._floods.clear()
        self._until.clear()


def code_for(message: str) -> int:
    """The number that the service sends with an error (core.telegram.org/api/errors)."""
    if message.startswith(("FLOOD_WAIT", "FLOOD_PREMIUM_WAIT", "SLOWMODE_WAIT")):
        return 420
    if "_MIGRATE_" in message:
        return 303
    if message in {
        "AUTH_KEY_UNREGISTERED",
        "SESSION_REVOKED",
        "SESSION_PASSWORD_NEEDED",
        "USER_DEACTIVATED_BAN",
    }:
        return 401
    if message.startswith(("RPC_CALL_FAIL", "RANDOM_ID_DUPLICATE", "INTERNAL", "MSG_WAIT_FAILED")):
        return 500
    return 403 if message.endswith("_FORBIDDEN") else 400
