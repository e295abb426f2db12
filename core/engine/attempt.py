"""One claimed run of a job: its folder, its checkpoint, and the only way its stages write to the store."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.domain.errors import JobError, ReeldeckError
from core.domain.events import EventType
from core.domain.job import Job, Stage
from core.domain.media import MediaInfo, Resolution
from core.engine import checkpoint as keys
from core.engine.live import Meter
from core.engine.logins import without_secrets
from core.media.forerun import Early
from core.media.prober import Whole
from core.store.jobs import Jobs

log = logging.getLogger("reeldeck.engine")

EventWithData = tuple[EventType, Mapping[str, Any]]

#: What a step begins with is stored together with what it ends with, unless that takes longer: a small file
#: needs no commit, which waits for the disk, for each of its steps.
SOON_S = 0.1


def failure(error: JobError) -> dict[str, Any]:
    """The fields of an event that tells of a failure."""
    return {"error_type": error.code, "message": str(error), "http_status": error.remote_status}


@dataclass(slots=True)
class Attempt:
    """A job that this engine runs now.

    Attributes:
        job: The row as last written.
        folder: Where the files in the making are; survives the attempt.
        limit: How long it may take.
        is_fresh: Nothing was in the folder when the download began.
        early: What was remuxed while it was fetched.
        seen: What the probe saw in the only file that came, or in what was made while it came; None once that
            was changed.
    """

    job: Job
    folder: Path
    jobs: Jobs
    meter: Meter
    started: float = field(default_factory=time.time)
    limit: asyncio.Timeout | None = None
    is_fresh: bool = False
    early: Early | None = None
    seen: Whole | None = None
    checkpoint: dict[str, Any] = field(init=False)
    #: Not written yet.
    unwritten_events: tuple[EventWithData, ...] = ()
    unwritten_facts: Mapping[str, Any] = field(default_factory=dict)
    _found: Resolution | None = field(default=None, init=False)
    #: Stores what was begun, unless something else does before.
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)
    _writing: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.checkpoint = dict(self.job.checkpoint)

    async def record(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """Store events and facts. The checkpoint goes with them when a stage begins.

        Raises:
            StaleClaim: Another attempt has taken over: this one must stop.
        """
        self.note(*events, stage=stage, **facts)
        await self._write()

    def begin(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """As `note`, but stored within `SOON_S`: for the start of a step, so that people see what goes on."""
        self.note(*events, stage=stage, **facts)
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(SOON_S, self._write_soon)

    async def flush(self) -> None:
        """Store what is not stored yet. Raises StaleClaim as `record` does."""
        if self.unwritten_events or self.unwritten_facts:
            await self._write()

    async def settle(self) -> None:
        """Write nothing more by itself: what is unwritten afterwards is stored with the attempt's end."""
        self._silence()
        if self._writing is not None:
            await asyncio.wait({self._writing})

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _write_soon(self) -> None:
        self._alarm = None
        self._writing = asyncio.get_running_loop().create_task(self._write_by_itself())

    async def _write_by_itself(self) -> None:
        try:
            await self.flush()
        except ReeldeckError as error:
            # It is told with whatever is stored next, and whoever stores that hears of the trouble.
            log.debug("the start of a step is not stored yet", extra={"detail": str(error)})

    async def _write(self) -> None:
        self._silence()
        events, facts = self.unwritten_events, self.unwritten_facts
        # The store takes writes in the order in which they come, and carries them out whoever is cancelled.
        self.unwritten_events, self.unwritten_facts = (), {}
        try:
            job = await self.jobs.record(
                self.job.id, attempt=self.job.attempt, now=time.time(), events=events, **facts
            )
        except ReeldeckError:
            self.unwritten_events = events + self.unwritten_events
            self.unwritten_facts = {**facts, **self.unwritten_facts}
            raise
        self.job = self.meter.job = job.evolve(**self.unwritten_facts) if self.unwritten_facts else job

    def note(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """As `record`, but stored with what is stored next: for the end of a step that another follows."""
        if stage is not None:
            facts |= {"stage": stage, "checkpoint": dict(self.checkpoint)}
        self.unwritten_facts = {**self.unwritten_facts, **facts}
        self.job = self.meter.job = self.job.evolve(**facts)
        self.unwritten_events += self.staged(events)

    def staged(self, events: Sequence[EventWithData]) -> tuple[EventWithData, ...]:
        """*events* with the stage in which they happen: the job is in a later one when they are stored."""
        if self.job.stage is None:
            return tuple(events)
        stage = self.job.stage.value
        return tuple((event, {**data, "stage": stage}) for event, data in events)

    @property
    def resolution(self) -> Resolution:
        """What RESOLVE found: whole in the attempt that found it, else without what may not be stored."""
        return self._found or Resolution.from_json(self.checkpoint[keys.RESOLUTION])

    @property
    def is_resolved(self) -> bool:
        """Whether RESOLVE has left what the next stages need."""
        stored = self.checkpoint
        is_lacking = self._found is None and stored.get(keys.STRIPPED) and keys.FETCHED not in stored
        return keys.RESOLUTION in stored and not is_lacking

    def keep(self, found: Resolution, found_at: float) -> None:
        """Keep what RESOLVE found, and when.

        Cookies that let somebody in stay in memory: a later attempt asks anew.
        """
        whole = found.to_json()
        # Nothing but links and titles, and there may be thousands.
        entries = whole.pop("entries")
        stored = without_secrets(whole)
        is_stripped = json.dumps(stored) != json.dumps(whole)
        self._found = found
        self.checkpoint |= {
            keys.RESOLUTION: stored | {"entries": entries},
            keys.RESOLVED_AT: found_at,
            keys.STRIPPED: is_stripped,
        }

    def path_of(self, index: int) -> Path:
        """Where the track *index* of the resolution goes."""
        return self.folder / f"{index}-{self.resolution.tracks[index].role.value}"

    @property
    def output(self) -> Path:
        """The file that POSTPROCESS made."""
        return self.folder / str(self.checkpoint[keys.OUTPUT])

    @property
    def info(self) -> MediaInfo:
        """What VALIDATE saw in the output."""
        return MediaInfo.from_json(self.checkpoint[keys.INFO])

    def has_files(self, names: object) -> bool:
        """Whether a checkpoint's files are still there."""
        return isinstance(names, list) and all((self.folder / name).is_file() for name in names)

    def forget(self, *names: str) -> None:
        """Drop checkpoints, so that their stages run again."""
        for name in names:
            self.checkpoint.pop(name, None)
        if keys.RESOLUTION in names:
            self._found = None
