"""Which jobs may start now: slots, limits of sources, breakers, quiet hours, and the network's state."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.config.settings import Settings
from core.engine.breaker import Breakers
from core.engine.quiet import OFF, QuietTimes
from core.net.reach import Reach

#: While the network is away, one job in so many seconds tries whether that is true for it, too.
TRIAL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a claim may take."""

    limit: int
    #: Sources that no job may start of.
    sources: frozenset[str]
    #: … and hosts: pairs of source and host.
    hosts: frozenset[tuple[str, str]]
    #: Sources that no job may start of but those that a person wants to start all the same.
    quiet: frozenset[str]


class Openings:
    """Says what may start.

    Args:
        settings: The limits.
        sources: Names of all sources.
        breakers: Say which sources and hosts are left alone.
        quiet: Says for which sources it is quiet; None when that is not for this engine to mind.
        reach: Says whether there is a network.

    Attributes:
        limits: How many jobs may run; may be replaced at any time.
        minds_quiet: Whether quiet hours hold; may be changed at any time.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[str],
        breakers: Breakers,
        quiet: QuietTimes | None,
        reach: Reach,
    ) -> None:
        self.limits = settings.limits
        self.minds_quiet = True
        self._settings = settings
        self._sources = sources
        self._breakers = breakers
        self._quiet = quiet
        self._reach = reach
        self._tried = 0.0

    @property
    def is_network_away(self) -> bool:
        """Whether nothing at all can be reached."""
        return self._reach.is_away

    def quiet_until(self, source: str, now: float) -> float | None:
        """When the quiet hours of *source* end; None when there are none now."""
        return None if self._quiet is None or not self.minds_quiet else self._quiet.until(source, now)

    @property
    def quiet_hours(self) -> str:
        """The quiet hours that are configured, of whatever source; empty without any."""
        own = [self._settings.sources.of(name).quiet_hours for name in self._sources]
        hours = {text for text in (self._settings.limits.quiet_hours, *own) if text not in {None, OFF}}
        return ", ".join(sorted(map(str, hours))) if self._quiet is not None else ""

    def at(self, now: float, in_flight: Mapping[str, int]) -> Opening | None:
        """What may start at *now* beside what runs, by source; None when nothing may."""
        free = self.limits.max_parallel_jobs - sum(in_flight.values())
        if self._reach.is_away:
            free = min(free, int(time.monotonic() - self._tried >= TRIAL_S))
        if free <= 0:
            return None
        room = {name: self._limit_of(name) - count for name, count in in_flight.items()}
        hosts: dict[tuple[str, str], int] = {}
        for breaker in self._breakers:
            trials = breaker.free(now)
            if trials is None:
                continue
            if breaker.host is None:
                room[breaker.source] = min(trials, room.get(breaker.source, trials))
            else:
                hosts[breaker.source, breaker.host] = trials
        # One claim may bring several jobs of one source or host: no more than the tightest has room for.
        left = [count for count in (*room.values(), *hosts.values()) if count > 0]
        return Opening(
            limit=min([free, self._limit_of_others(), *left]),
            sources=frozenset(name for name, count in room.items() if count <= 0),
            hosts=frozenset(pair for pair, count in hosts.items() if count <= 0),
            quiet=frozenset(name for name in self._sources if self.quiet_until(name, now)),
        )

    def started(self) -> None:
        """A job started; while the network is away, that was a try."""
        self._tried = time.monotonic()

    def _limit_of(self, source: str) -> int:
        own = self._settings.sources.of(source).max_parallel
        return own if own is not None else self.limits.max_parallel_jobs_per_source

    def _limit_of_others(self) -> int:
        """The smallest limit that any source may have."""
        default = self.limits.max_parallel_jobs_per_source
        return min([default, *self._settings.sources.own_limits()])
