"""Circuit breakers: a site that is down is left alone, and tried by one job at a time.

A source that stands for one site has one breaker; of any other source, each host has its own.

Owns no clock: times are seconds since the epoch, given by the caller.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from core.domain.errors import (
    AuthRequired,
    ExtractorFailure,
    ExtractorOutdated,
    FormatNotFound,
    GeoBlocked,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotFound,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    RateLimited,
    SizeLimit,
    StageTimeout,
    Stalled,
)
from core.domain.job import Job, Stage
from core.sources.base import Source

log = logging.getLogger("reeldeck.engine")

#: A breaker opens after this many failures with no success in between …
OPENS_AFTER = 5
#: … the first of them no longer ago than this.
WINDOW_S = 600.0
#: How long it stays open the first time; each probe that fails doubles it …
FIRST_WAIT_S = 30.0
#: … up to this. A longer Retry-After is kept to all the same.
LONGEST_WAIT_S = 900.0
#: A probe that has neither failed nor finished after this long makes room for another: files may be long.
PROBE_S = 120.0

#: Failures of the source, or of the way to it.
_FAILURES = (NetworkFailure, HttpFailure, RateLimited, ExtractorFailure, StageTimeout, Stalled)
#: Failures that say: the source works, and this is its answer.
_ANSWERS = (
    AuthRequired, ExtractorOutdated, FormatNotFound, GeoBlocked, NotFound, NotYetAvailable, ParserFailure,
    ProtectedContent, SizeLimit,
)  # fmt: skip
#: Stages in which a time limit speaks of the source and not of this machine.
_REMOTE_STAGES = frozenset({None, Stage.RESOLVE, Stage.DOWNLOAD})


class BreakerState(StrEnum):
    """Whether jobs of a source may start."""

    CLOSED = "closed"
    """They may."""
    OPEN = "open"
    """They wait."""
    HALF_OPEN = "half_open"
    """One may, to try."""


class Verdict(StrEnum):
    """What the end of a run says of its source."""

    WORKS = "works"
    FAILS = "fails"
    SILENT = "silent"
    """Nothing: the disk was full, somebody paused the job, ffmpeg failed."""


def verdict_on(error: JobError | None, stage: Stage | None) -> Verdict:
    """What an attempt that ended in *error* at *stage*, or well, says of its source."""
    match error:
        case None:
            return Verdict.WORKS
        case HttpFailure() if error.remote_status is not None and error.remote_status < 500:
            return Verdict.WORKS
        case StageTimeout() if stage not in _REMOTE_STAGES:
            return Verdict.SILENT
        case _ if isinstance(error, _FAILURES):
            return Verdict.FAILS
        case _:
            return Verdict.WORKS if isinstance(error, _ANSWERS) else Verdict.SILENT


@dataclass(slots=True)
class _Opened:
    """A breaker that is not closed."""

    since: float
    wait_s: float
    retry_at: float
    #: When each job began that tries whether the source works again.
    probes: dict[int, float] = field(default_factory=dict)


class Breaker:
    """The breaker of one source, or of one host that a source takes links of.

    Attributes:
        source: Whose.
        host: Host and port, None where it is the whole source's.
        reason: The class of the last failure that counted, None while there is none.
    """

    def __init__(self, source: str, host: str | None = None) -> None:
        self.source = source
        self.host = host
        self.reason: str | None = None
        self._failures: deque[float] = deque(maxlen=OPENS_AFTER)
        self._opened: _Opened | None = None

    def state(self, now: float) -> BreakerState:
        """Whether jobs may start."""
        if self._opened is None:
            return BreakerState.CLOSED
        is_tried = self._opened.probes or now >= self._opened.retry_at
        return BreakerState.HALF_OPEN if is_tried else BreakerState.OPEN

    @property
    def since(self) -> float | None:
        """When it opened, None while it is closed."""
        return self._opened.since if self._opened else None

    @property
    def retry_at(self) -> float | None:
        """When the next probe may start at the earliest, None while it is closed or one is under way."""
        return self._opened.retry_at if self._opened and not self._opened.probes else None

    def free(self, now: float) -> int | None:
        """How many jobs may start now; None is no limit."""
        if self._opened is None:
            return None
        is_time = now >= self._opened.retry_at
        return int(is_time and all(now - began >= PROBE_S for began in self._opened.probes.values()))

    def started(self, job_id: int, *, now: float) -> None:
        """A job of the source starts; while the breaker is not closed it is a probe."""
        if self._opened is not None:
            self._opened.probes[job_id] = now

    def ended(
        self,
        job_id: int,
        verdict: Verdict,
        *,
        retry_after_s: float | None,
        now: float,
        reason: str | None = None,
    ) -> None:
        """A job of the source has ended, as the *verdict* says and for that *reason*.

        While the breaker is not closed only probes are heard: other jobs began before the trouble did.
        """
        opened = self._opened
        if verdict is Verdict.FAILS:
            self.reason = reason
        if opened is None:
            self._count(verdict, retry_after_s=retry_after_s, now=now)
            return
        is_probe = opened.probes.pop(job_id, None) is not None
        if is_probe and verdict is Verdict.WORKS:
            self._close()
            log.info("a source works again", extra=self._told)
        elif is_probe and verdict is Verdict.FAILS:
            opened.wait_s = min(2 * opened.wait_s, LONGEST_WAIT_S)
            self._stay_away(opened, opened.wait_s, retry_after_s, now=now)
        elif verdict is Verdict.FAILS and retry_after_s is not None:
            opened.retry_at = max(opened.retry_at, now + retry_after_s)

    def _count(self, verdict: Verdict, *, retry_after_s: float | None, now: float) -> None:
        if verdict is Verdict.WORKS:
            self._close()
        elif verdict is Verdict.FAILS:
            self._failures.append(now)
            if len(self._failures) == OPENS_AFTER and now - self._failures[0] <= WINDOW_S:
                self._opened = _Opened(since=now, wait_s=FIRST_WAIT_S, retry_at=now)
                self._stay_away(self._opened, FIRST_WAIT_S, retry_after_s, now=now)

    def _stay_away(self, opened: _Opened, wait_s: float, retry_after_s: float | None, *, now: float) -> None:
        wait_s = max(wait_s, retry_after_s or 0.0)
        opened.retry_at = now + wait_s
        log.warning("a source is left alone for a while", extra=self._told | {"wait_s": round(wait_s, 1)})

    def forgive(self, now: float) -> None:
        """Somebody knows better, or wants to know: the next job may try at once."""
        if self._opened is not None:
            self._opened.retry_at = min(self._opened.retry_at, now)

    def pardon(self, since: float) -> None:
        """What failed at *since* or later was not the source's fault."""
        if self._opened is not None and self._opened.since >= since:
            self._close()
        while self._failures and self._failures[-1] >= since:
            self._failures.pop()

    def is_stale(self, now: float) -> bool:
        """Whether a new one would do as well: nothing failed lately, or nobody has tried for long."""
        if self._opened is not None:
            return not self._opened.probes and now - self._opened.retry_at > LONGEST_WAIT_S
        return not self._failures or now - self._failures[-1] > WINDOW_S

    @property
    def _told(self) -> dict[str, str | None]:
        return {"source_type": self.source, "host": self.host, "error_type": self.reason}

    def _close(self) -> None:
        self._opened, self.reason = None, None
        self._failures.clear()


class Breakers:
    """All breakers.

    Args:
        sources: Those that have breakers: one each where its links are one site's, else one for each host, as
            one that is down says nothing of the others.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._of_sources: dict[str, Breaker] = {}
        self._of_hosts: dict[str, dict[str, Breaker]] = {}
        for source in sources:
            if source.is_one_site and all(matcher.hosts for matcher in source.matchers):
                self._of_sources[source.name] = Breaker(source.name)
            else:
                self._of_hosts[source.name] = {}

    def __iter__(self) -> Iterator[Breaker]:
        yield from self._of_sources.values()
        for hosts in self._of_hosts.values():
            yield from hosts.values()

    def of(self, job: Job) -> Breaker | None:
        """The breaker that *job* is under, None when it is under none."""
        hosts = self._of_hosts.get(job.source_type)
        if hosts is None:
            return self._of_sources.get(job.source_type)
        return hosts.setdefault(job.host, Breaker(job.source_type, job.host))

    def get(self, source: str) -> Breaker | None:
        """The breaker of a whole source, None when it has none."""
        return self._of_sources.get(source)

    def open_hosts(self, source: str, now: float) -> list[Breaker]:
        """The breakers of single hosts of *source* that are not closed."""
        hosts = self._of_hosts.get(source, {}).values()
        return [breaker for breaker in hosts if breaker.state(now) is not BreakerState.CLOSED]

    def pardon(self, since: float) -> None:
        """Forget every failure since then: our own network was away."""
        for breaker in self:
            breaker.pardon(since)

    def forget(self, now: float) -> None:
        """Let go of the hosts that nothing need be remembered of."""
        for hosts in self._of_hosts.values():
            for host in [host for host, breaker in hosts.items() if breaker.is_stale(now)]:
                del hosts[host]
