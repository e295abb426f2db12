"""Limits that are changed while the engine runs, and outlive it: slots, bandwidth, the queue's length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.config.settings import Limits
from core.domain.errors import InvalidRequest, NoSuchEntry
from core.domain.limit import RunningLimit
from core.engine.intake import Intake
from core.engine.openings import Openings
from core.net.uplinks import Uplinks
from core.store.switches import Switches

#: Run-time switch: values by the names of limits.
CHANGED = "limits"
#: What can be changed, between which values. More downloads at once than this only wait for one another.
RANGES: Mapping[str, tuple[int, int]] = {
    "max_parallel_jobs": (1, 64),
    "max_parallel_jobs_per_source": (1, 64),
    "bandwidth_bps": (0, 2**40),
    "max_queue_length": (1, 1_000_000),
    "max_active_jobs_per_user": (0, 1_000_000),
    "max_jobs_per_user_per_hour": (0, 1_000_000),
    "max_jobs_per_chat_per_hour": (0, 1_000_000),
}


class LimitDesk:
    """Tells and changes limits.

    Args:
        switches: Where changed values are kept.
        intake: Refuses what is beyond them; begins with those of the configuration.
        openings: Says what may start.
        uplinks: Share the bandwidth.
        wake: Called when more may start.
    """

    def __init__(
        self,
        switches: Switches,
        intake: Intake,
        openings: Openings,
        uplinks: Uplinks,
        wake: Callable[[], None],
    ) -> None:
        self._switches = switches
        self._configured = intake.limits
        self._intake = intake
        self._openings = openings
        self._uplinks = uplinks
        self._wake = wake
        self._changed: dict[str, int] = {}

    async def open(self) -> None:
        """Take over what was changed in earlier runs, unless it is no limit any more or beyond its range."""
        stored = await self._switches.get(CHANGED, default={})
        for name, value in stored.items() if isinstance(stored, dict) else ():
            if name in RANGES and type(value) is int and RANGES[name][0] <= value <= RANGES[name][1]:
                self._changed[name] = value
        self._apply()

    def all(self) -> Sequence[RunningLimit]:
        """Every limit that can be changed, as it holds now."""
        return [self._limit(name) for name in RANGES]

    async def set(self, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on; None: the configured one.

        Raises:
            NoSuchEntry: There is no such limit.
            InvalidRequest: The value is beyond its range.
        """
        if name not in RANGES:
            raise NoSuchEntry(
                f"{name} is no limit that can be changed", hint=f"There are: {', '.join(RANGES)}."
            )
        least, most = RANGES[name]
        if value is not None and not least <= value <= most:
            raise InvalidRequest(f"{name} is between {least} and {most}", hint="Choose one of these.")
        changed = {key: number for key, number in self._changed.items() if key != name}
        if value is not None and value != getattr(self._configured, name):
            changed[name] = value
        await self._switches.set(CHANGED, changed)
        self._changed = changed
        self._apply()
        self._wake()
        return self._limit(name)

    def _limit(self, name: str) -> RunningLimit:
        configured: int = getattr(self._configured, name)
        least, most = RANGES[name]
        return RunningLimit(
            name=name,
            value=self._changed.get(name, configured),
            configured=configured,
            least=least,
            most=most,
            about=Limits.model_fields[name].description or "",
        )

    def _apply(self) -> None:
        limits = self._configured.model_copy(update=self._changed)
        self._intake.limits = self._openings.limits = limits
        self._uplinks.cap(limits.bandwidth_bps)
