"""Whether more connections could still make a transfer faster, or it is limited by something else by now."""

from __future__ import annotations

import time

#: With less than this to go, or so many answers' time, another connection would not be up in time.
_WORTHWHILE_S = 0.2
_WORTHWHILE_ANSWERS = 4
#: A connection that is faster than this is not what limits: measured, a second one takes time from the first.
_FAST_BPS = 200 * 2**20
#: Where moving bytes takes this share of the event loop's time already, more connections bring none.
_BUSY_SHARE = 0.3


class Prospect:
    """Watches the clocks of one transfer. Times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._began = self._looked_at = time.monotonic()
        self._spent_s = time.thread_time()
        self._is_busy = False
        #: Between the first request and its answer.
        self.answer_s = 0.0

    def begin(self, now: float, answer_s: float) -> None:
        """The first answer has come, *answer_s* after it was asked for."""
        self._began, self.answer_s = now, answer_s

    def look(self, now: float) -> float:
        """See how busy the event loop is; seconds since the last look."""
        spent_s = time.thread_time()
        elapsed_s = max(now - self._looked_at, 1e-3)
        self._is_busy = spent_s - self._spent_s > _BUSY_SHARE * elapsed_s
        self._looked_at, self._spent_s = now, spent_s
        return elapsed_s

    def has_gain(self, now: float, received_bytes: int, left_bytes: int, *, connections: int) -> bool:
        """Whether another one beside these *connections* could bring what is left sooner."""
        rate_bps = received_bytes / max(now - self._began, 1e-3)
        is_fast = rate_bps > _FAST_BPS * max(connections, 1)
        patience_s = max(_WORTHWHILE_S, _WORTHWHILE_ANSWERS * self.answer_s)
        return not is_fast and not self._is_busy and left_bytes > rate_bps * patience_s
