"""Limits and switches that are changed while the engine runs, and outlive it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from core.config.settings import Limits
from core.domain.errors import InvalidRequest, NoSuchEntry
from core.domain.limit import RunningLimit
from core.engine.disk import DiskGuard
from core.engine.intake import Intake
from core.engine.openings import Openings
from core.net.uplinks import Uplinks
from core.store.switches import Switches

#: Run-time switch: values by the names of limits.
CHANGED = "limits"
_MOST_BPS = 2**40
#: What can be changed of `[limits]`, between which values. More downloads at once than this only wait for one
#: another.
RANGES: Mapping[str, tuple[int, int]] = {
    "max_parallel_jobs": (1, 64),
    "max_parallel_jobs_per_source": (1, 64),
    "bandwidth_bps": (0, _MOST_BPS),
    "min_free_disk_bytes": (0, 2**50),
    "max_queue_length": (1, 1_000_000),
    "max_active_jobs_per_user": (0, 1_000_000),
    "max_jobs_per_user_per_hour": (0, 1_000_000),
    "max_jobs_per_chat_per_hour": (0, 1_000_000),
}
#: Switches: 1 is on.
DEBUG_LOG, QUIET_HOURS = "debug_log", "quiet_hours"
_SWITCH = (0, 1)
#: Behind the name of a source: its own cap.
_OWN_CAP = ".bandwidth_bps"


class LimitDesk:
    """Tells and changes limits.

    Args:
        switches: Where changed values are kept.
        intake: Refuses what is beyond them; begins with those of the configuration.
        openings: Says what may start.
        uplinks: Share the bandwidth.
        disk: Keeps the reserve.
        wake: Called when more may start.
    """

    def __init__(
        self,
        switches: Switches,
        intake: Intake,
        openings: Openings,
        uplinks: Uplinks,
        disk: DiskGuard,
        wake: Callable[[], None],
    ) -> None:
        self._switches = switches
        self._configured = intake.limits
        self._intake = intake
        self._openings = openings
        self._uplinks = uplinks
        self._disk = disk
        self._wake = wake
        self._log_level = logging.getLogger().level
        self._known = {limit.name: limit for limit in self._limits()}
        self._changed: dict[str, int] = {}

    def _limits(self) -> Iterator[RunningLimit]:
        """Every limit as it is configured."""
        is_debug = self._log_level <= logging.DEBUG
        yield _limit(DEBUG_LOG, int(is_debug), _SWITCH, "Write down everything, of all jobs")
        if hours := self._openings.quiet_hours:
            yield _limit(QUIET_HOURS, 1, _SWITCH, f"Download nothing at {hours}")
        for name, range_ in RANGES.items():
            about = Limits.model_fields[name].description or ""
            yield _limit(name, getattr(self._configured, name), range_, about)
        for source, cap in self._uplinks.own_caps.items():
            about = f"Bytes per second of all transfers of {source}; 0 = no limit of its own"
            yield _limit(source + _OWN_CAP, cap, (0, _MOST_BPS), about)

    async def open(self) -> None:
        """Take over what was changed in earlier runs, unless it is no limit any more or beyond its range."""
        stored = await self._switches.get(CHANGED, default={})
        for name, value in stored.items() if isinstance(stored, dict) else ():
            known = self._known.get(name)
            if known is not None and type(value) is int and known.least <= value <= known.most:
                self._changed[name] = value
        self._apply()

    def all(self) -> Sequence[RunningLimit]:
        """Every limit that can be changed, as it holds now."""
        return [self._now(limit) for limit in self._known.values()]

    async def set(self, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on; None: the configured one.

        Raises:
            NoSuchEntry: There is no such limit.
            InvalidRequest: The value is beyond its range.
        """
        limit = self._known.get(name)
        if limit is None:
            raise NoSuchEntry(
                f"{name} is no limit that can be changed", hint=f"There are: {', '.join(self._known)}."
            )
        if value is not None and not limit.least <= value <= limit.most:
            raise InvalidRequest(
                f"{name} is between {limit.least} and {limit.most}", hint="Choose one of these."
            )
        changed = {key: number for key, number in self._changed.items() if key != name}
        if value is not None and value != limit.configured:
            changed[name] = value
        await self._switches.set(CHANGED, changed)
        self._changed = changed
        self._apply()
        self._wake()
        return self._now(limit)

    def _now(self, limit: RunningLimit) -> RunningLimit:
        return limit.at(self._changed.get(limit.name, limit.configured))

    def _value(self, name: str) -> int:
        return self._now(self._known[name]).value

    def _apply(self) -> None:
        limits = self._configured.model_copy(update={name: self._value(name) for name in RANGES})
        self._intake.limits = self._openings.limits = limits
        self._disk.reserve(limits.min_free_disk_bytes)
        self._uplinks.cap(limits.bandwidth_bps)
        for source in self._uplinks.own_caps:
            self._uplinks.cap(self._value(source + _OWN_CAP), source=source)
        self._openings.minds_quiet = QUIET_HOURS not in self._known or bool(self._value(QUIET_HOURS))
        usual = max(self._log_level, logging.INFO)
        logging.getLogger().setLevel(logging.DEBUG if self._value(DEBUG_LOG) else usual)


def _limit(name: str, configured: int, range_: tuple[int, int], about: str) -> RunningLimit:
    return RunningLimit(
        name=name, value=configured, configured=configured, least=range_[0], most=range_[1], about=about
    )
