"""How many requests at once pay: found out by adding some and looking at the throughput. Pure."""

from __future__ import annotations

#: Long enough to average over, short enough to reach sixteen within a second.
WINDOW_S = 0.15
#: An answer's time gives the window, between these.
_SHORTEST_WINDOW_S = 0.04
_LONGEST_WINDOW_S = 0.5
#: Added connections must show their worth within so many windows, and no less than so long: they have to be
#: made first, and some origins send in bursts.
_TRIAL_WINDOWS = 3
_TRIAL_S = 0.45
#: After a trial that did not pay it is watched for so long whether what was given up is missed.
_LOOK_BACK_S = 1.0
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
        #: … and never over less than this.
        self.least_window_s = 0.0
        self._factor = factor
        self._most = self._limit = limit
        self._forgiven_at: float | None = None
        self._mark: tuple[float, int] | None = None
        self._rest_until = 0.0
        self._rest_s = _FIRST_REST_S
        self._before_bps = 0.0
        self._before_width = self.width
        self._trial_left = 0
        #: When the last trial began, or what was left after it was given up, and what had come by then.
        self._since = (0.0, 0)
        #: What a trial brought that was given up; None once it has been seen whether it is missed.
        self._tried_bps: float | None = None
        self._may_miss = True

    @property
    def limit(self) -> int:
        """The largest width that the server bears."""
        return self._limit

    @property
    def proven(self) -> int:
        """The width that is known to pay: without what is on trial."""
        return self._before_width if self._trial_left else self.width

    def begin(self, now: float, received_bytes: int, answer_s: float) -> None:
        """The first answer has come, *answer_s* after it was asked for."""
        self._mark = (now, received_bytes)
        self.window_s = min(max(_SHORTEST_WINDOW_S, 1.5 * answer_s), _LONGEST_WINDOW_S)

    def observe(
        self, now: float, received_bytes: int, *, is_worthwhile: bool = True, is_filled: bool = True
    ) -> None:
        """Tell the bytes received up to *now* (monotonic seconds). Call it often; without *is_worthwhile*
        no trial is begun, because too little is left to gain from it. Until *is_filled* what comes is not
        that of all the connections which there are to be.
        """
        if self._mark is None or not is_filled:
            self._mark = (now, received_bytes)
        elapsed_s, window_s = now - self._mark[0], max(self.window_s, self.least_window_s)
        if elapsed_s < window_s:
            return
        rate_bps = (received_bytes - self._mark[1]) / elapsed_s
        self._mark = (now, received_bytes)
        self._forgive(now)
        if self._trial_left and not self._judge(now, received_bytes, rate_bps):
            return
        self._look_back(now, received_bytes)
        if is_worthwhile and rate_bps > 0 and now >= self._rest_until and self.width < self._limit:
            self._before_bps, self._before_width = rate_bps, self.width
            self.width = min(self._limit, self._factor * self.width)
            self._trial_left = max(_TRIAL_WINDOWS, round(_TRIAL_S / window_s))
            self._since = (now, received_bytes)

    def _judge(self, now: float, received_bytes: int, rate_bps: float) -> bool:
        """Whether the trial has paid."""
        if rate_bps > _WORTHWHILE_GAIN * self._before_bps:
            self._trial_left = 0
            return True
        self._trial_left -= 1
        if not self._trial_left:
            self.width = self._before_width
            self._tried_bps = self._bps_since(now, received_bytes) if self._may_miss else None
            self._since = (now, received_bytes)
            self.rest(now)
        return False

    def _bps_since(self, now: float, received_bytes: int) -> float:
        then, before = self._since
        return (received_bytes - before) / max(now - then, 1e-3)

    def _look_back(self, now: float, received_bytes: int) -> None:
        """End the rest, once, where less comes now than in the trial: a burst before it hid its worth."""
        if self._tried_bps is None or now - self._since[0] < _LOOK_BACK_S:
            return
        if self._bps_since(now, received_bytes) * _WORTHWHILE_GAIN < self._tried_bps:
            self._may_miss, self._rest_until = False, now
        self._tried_bps = None

    def rest(self, now: float) -> None:
        """Try nothing for a while: more connections have just been seen not to pay."""
        self._rest_until = now + self._rest_s
        self._rest_s *= 2

    def void(self) -> None:
        """What was measured up to now says nothing of what follows: a trial was none."""
        self.width = self.proven
        self._trial_left = 0
        self._mark = None

    def adopt(self, width: int) -> None:
        """Have at least *width*, as far as the server bears it: others have found that to pay."""
        width = min(width, self._limit)
        if width <= self.proven:
            return
        if self._trial_left and width < self.width:
            self._before_width = width
        else:
            self.width = width
            self._trial_left = 0

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
