"""How many requests at once pay: found out by adding some and looking at the throughput. Pure."""

from __future__ import annotations

#: Long enough to average over, short enough to reach sixteen within a second.
WINDOW_S = 0.15
#: Added connections must show their worth within so many windows, and no less than so long: they have to be
#: made first, and some origins send in bursts.
_TRIAL_WINDOWS = 3
_TRIAL_S = 0.45
#: The added connections must bring this much more.
_WORTHWHILE_GAIN = 1.3
#: After a trial that did not pay, and twice as long after each further one: links change.
_FIRST_REST_S = 15.0
#: After a refusal, before one more than was borne is tried.
_FORGIVEN_AFTER_S = 30.0


class Ramp:
    """Multiplies `width` as long as the throughput grows with it.

    Args:
        limit: The largest width.
        start: The first one.
        factor: What it is multiplied by.
    """

    def __init__(self, limit: int, *, start: int = 1, factor: int = 2) -> None:
        self.width = min(start, limit)
        #: The throughput is averaged over so long; an answer should come within one or two.
        self.window_s = WINDOW_S
        self._factor = factor
        self._most = self._limit = limit
        self._forgiven_at: float | None = None
        self._mark: tuple[float, int] | None = None
        self._rest_until = 0.0
        self._rest_s = _FIRST_REST_S
        self._before_bps = 0.0
        self._before_width = self.width
        self._trial_left = 0

    def observe(self, now: float, received_bytes: int, *, is_worthwhile: bool = True) -> None:
        """Tell the bytes received up to *now* (monotonic seconds). Call it often; without *is_worthwhile*
        no trial is begun, because too little is left to gain from it.
        """
        if self._mark is None:
            self._mark = (now, received_bytes)
        elapsed_s = now - self._mark[0]
        if elapsed_s < self.window_s:
            return
        rate_bps = (received_bytes - self._mark[1]) / elapsed_s
        self._mark = (now, received_bytes)
        self._forgive(now)
        if self._trial_left and not self._judge(now, rate_bps):
            return
        if is_worthwhile and rate_bps > 0 and now >= self._rest_until and self.width < self._limit:
            self._before_bps, self._before_width = rate_bps, self.width
            self.width = min(self._limit, self._factor * self.width)
            self._trial_left = max(_TRIAL_WINDOWS, round(_TRIAL_S / self.window_s))

    def _judge(self, now: float, rate_bps: float) -> bool:
        """Whether the trial has paid."""
        if rate_bps > _WORTHWHILE_GAIN * self._before_bps:
            self._trial_left = 0
            return True
        self._trial_left -= 1
        if not self._trial_left:
            self.width = self._before_width
            self._rest_until = now + self._rest_s
            self._rest_s *= 2
        return False

    def limit_to(self, width: int) -> None:
        """The server refuses more than *width* at once: stay there, for a while."""
        self._limit = max(1, min(self._limit, width))
        self.width = min(self.width, self._limit)
        self._trial_left = 0
        self._forgiven_at = None

    def _forgive(self, now: float) -> None:
        """Let one more be tried, long after the last refusal."""
        if self._limit >= self._most:
            return
        if self._forgiven_at is None:
            self._forgiven_at = now + _FORGIVEN_AFTER_S
        elif now >= self._forgiven_at:
            self._limit += 1
            self._forgiven_at = None
