"""One claimed run of a job: its folder, its checkpoint, and the only way its stages write to the store."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.domain.events import EventType
from core.domain.job import Job, Stage
from core.domain.media import MediaInfo, Resolution
from core.engine.live import Meter
from core.engine.logins import without_secrets
from core.media.forerun import Early
from core.store.jobs import Jobs

EventWithData = tuple[EventType, Mapping[str, Any]]

#: Keys of a checkpoint: what each finished stage leaves for the next ones.
RESOLUTION = "resolution"
RESOLVED_AT = "resolved_at"
#: The stored resolution lacks cookies that the download needs.
STRIPPED = "stripped"
FETCHED = "fetched"
OUTPUT = "output"
#: Name of the picture of the thing, a JPEG beside the output; None when there is none.
COVER = "cover"
#: How long sound and picture of the fetched files are, by type of stream.
LENGTHS = "lengths"
INFO = "info"
DIGEST = "sha256"
FINAL = "final"
CRASHES = "crashes"
#: What is not as it should be although the job is done, for people.
NOTE = "note"
#: How many links have led to the present one.
HOPS = "hops"
#: How many lists have led to this item.
DEPTH = "depth"
#: Key of the job whose result is waited for.
TWIN = "twin"
#: An earlier result will not do.
FORCED = "forced"


@dataclass(slots=True)
class Attempt:
    """A job that this engine runs now.

    Attributes:
        job: The row as last written.
        folder: Where the files in the making are; survives the attempt.
        limit: How long it may take.
        early: What was remuxed while it was fetched.
        seen: What the probe saw in the output, where that is a file that came so.
    """

    job: Job
    folder: Path
    jobs: Jobs
    meter: Meter
    started: float = field(default_factory=time.time)
    limit: asyncio.Timeout | None = None
    early: Early | None = None
    seen: MediaInfo | None = None
    checkpoint: dict[str, Any] = field(init=False)
    #: Not written yet.
    unwritten_events: tuple[EventWithData, ...] = ()
    unwritten_facts: Mapping[str, Any] = field(default_factory=dict)
    _found: Resolution | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.checkpoint = dict(self.job.checkpoint)

    async def record(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """Store events and facts. The checkpoint goes with them when a stage begins.

        Raises:
            StaleClaim: Another attempt has taken over: this one must stop.
        """
        self.note(*events, stage=stage, **facts)
        self.job = await self.jobs.record(
            self.job.id,
            attempt=self.job.attempt,
            now=time.time(),
            events=self.unwritten_events,
            **self.unwritten_facts,
        )
        self.meter.job = self.job
        self.unwritten_events, self.unwritten_facts = (), {}

    def note(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """As `record`, but stored with what is stored next: for the end of a step that another follows."""
        if stage is not None:
            facts |= {"stage": stage, "checkpoint": dict(self.checkpoint)}
        self.unwritten_events += events
        self.unwritten_facts = {**self.unwritten_facts, **facts}
        self.job = self.job.evolve(**facts)

    @property
    def resolution(self) -> Resolution:
        """What RESOLVE found: whole in the attempt that found it, else without what may not be stored."""
        return self._found or Resolution.from_json(self.checkpoint[RESOLUTION])

    @property
    def is_resolved(self) -> bool:
        """Whether RESOLVE has left what the next stages need."""
        is_lacking = self._found is None and self.checkpoint.get(STRIPPED) and FETCHED not in self.checkpoint
        return RESOLUTION in self.checkpoint and not is_lacking

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
            RESOLUTION: stored | {"entries": entries},
            RESOLVED_AT: found_at,
            STRIPPED: is_stripped,
        }

    def path_of(self, index: int) -> Path:
        """Where the track *index* of the resolution goes."""
        return self.folder / f"{index}-{self.resolution.tracks[index].role.value}"

    @property
    def output(self) -> Path:
        """The file that POSTPROCESS made."""
        return self.folder / str(self.checkpoint[OUTPUT])

    @property
    def info(self) -> MediaInfo:
        """What VALIDATE saw in the output."""
        return MediaInfo.from_json(self.checkpoint[INFO])

    def has_files(self, names: object) -> bool:
        """Whether a checkpoint's files are still there."""
        return isinstance(names, list) and all((self.folder / name).is_file() for name in names)

    def forget(self, *keys: str) -> None:
        """Drop checkpoints, so that their stages run again."""
        for key in keys:
            self.checkpoint.pop(key, None)
        if RESOLUTION in keys:
            self._found = None


def clean_folder_blocking(folder: Path) -> None:
    """Throw away what a job fetched so far."""
    shutil.rmtree(folder, ignore_errors=True)
