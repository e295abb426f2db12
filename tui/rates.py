"""Transfer rates of the last minute. Pure; owns no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class RateLog:
    """Transfer rates of the last seconds, for sparklines. Seconds with no news keep the rate before them.

    Args:
        span_s: How far back it remembers.
    """

    def __init__(self, span_s: int = 60) -> None:
        self.span_s = span_s
        self._samples: deque[tuple[int, float]] = deque(maxlen=span_s)

    def add(self, at: float, rate_bps: float) -> None:
        """Note the rate at the moment *at*, in seconds; one value is kept for each second."""
        second = int(at)
        if self._samples and self._samples[-1][0] >= second:
            self._samples[-1] = (self._samples[-1][0], rate_bps)
        else:
            self._samples.append((second, rate_bps))

    def series(self, now: float, points: int) -> Sequence[float]:
        """*points* mean rates of equal parts of the span, oldest first."""
        end = int(now) + 1
        start = end - self.span_s
        seconds = [0.0] * self.span_s
        for index, (at, rate_bps) in enumerate(self._samples):
            until = self._samples[index + 1][0] if index + 1 < len(self._samples) else end
            for second in range(max(at, start), min(until, end)):
                seconds[second - start] = rate_bps
        size = self.span_s / points
        parts = [
            seconds[int(part * size) : max(int((part + 1) * size), int(part * size) + 1)]
            for part in range(points)
        ]
        return [sum(part) / len(part) if part else 0.0 for part in parts]
