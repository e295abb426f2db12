"""How many connections a transfer has beside others at the same host: as many as pay, and as many as they."""

from __future__ import annotations

import math
from collections.abc import Callable

from core.net.seats import Seat, Width
from core.net.transfer.ramp import Ramp

#: Beside others so many are had without a trial, in which they may only bring what they take from others.
_USUAL = 4
#: Beside others what comes is averaged over so long at least: they are noise.
_WINDOW_S = 1.0
#: Connections that are too many beside others may still be wanted within this time.
_PATIENCE_S = 0.3


class Company:
    """Keeps the width of *ramp* even with that of the other jobs at a host.

    One that went for itself would see its own connections pay by what they take from the others, and they
    would stay behind for as long as their trials rest. So whatever one tries all try, and what has paid for
    one all have; its part of the seats is the most for everybody.
    """

    def __init__(self, ramp: Ramp) -> None:
        self._ramp = ramp
        #: What the ramp has said, as far as it is begun.
        self._begun = ramp.width
        self._others = 0
        self._lift = 0
        self._too_wide_since: float | None = None

    @property
    def width(self) -> int:
        """How many connections to have now."""
        return min(max(self._begun, self._lift), self._ramp.limit)

    def observe(
        self,
        now: float,
        received_bytes: int,
        seat: Seat,
        *,
        seated: int,
        is_worthwhile: bool,
        give: Callable[[], None] | None = None,
    ) -> None:
        """As `Ramp.observe`. *seat* is any of the transfer's, *seated* how many of them it has; *give* is
        called when `surplus` should be looked at.
        """
        others, told = seat.others
        share = seat.share
        if others != self._others:
            self._ramp.void()
        self._ramp.adopt(min(told.proven, math.ceil(share)))
        if others and is_worthwhile:
            self._ramp.adopt(min(_USUAL, math.ceil(share)))
        lift = min(told.tried, math.ceil(share))
        if others == self._others and self._lift > self._ramp.width >= lift:
            self._ramp.rest(now)  # what all tried together did not pay
        self._others, self._lift = others, lift
        before = self._ramp.width
        fill = min(before, math.floor(share))
        self._ramp.least_window_s = _WINDOW_S if others else 0.0
        self._ramp.observe(
            now,
            received_bytes,
            is_worthwhile=is_worthwhile and lift <= before < math.floor(share),
            is_filled=fill <= seated and (not others or seated <= max(before, lift)),
        )
        # Beside others a trial begins when they have had the time to join it.
        self._begun = min(before, self._ramp.width) if others else self._ramp.width
        seat.tell(Width(self._ramp.proven, self._ramp.width), give)

    def surplus(self, now: float, seat: Seat, *, seated: int) -> int:
        """How many connections to leave at once: those that others should have, and those that only take
        from others.
        """
        if not self._others or seated <= self.width:
            self._too_wide_since = None
        elif self._too_wide_since is None:
            self._too_wide_since = now
        is_too_wide = self._too_wide_since is not None and now - self._too_wide_since > _PATIENCE_S
        return max(seat.surplus, seated - self.width if is_too_wide else 0)
