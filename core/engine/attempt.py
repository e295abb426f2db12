"""One claimed run of a job: its folder, its checkpoint, and the only way its stages write to the store."""

from __future__ import annotations

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
from core.store.jobs import Jobs

EventWithData = tuple[EventType, Mapping[str, Any]]

#: Keys of a checkpoint: what each finished stage leaves for the next ones.
RESOLUTION = "resolution"
RESOLVED_AT = "resolved_at"
FETCHED = "fetched"
OUTPUT = "output"
INFO = "info"
DIGEST = "sha256"
FINAL = "final"
CRASHES = "crashes"


@dataclass(slots=True)
class Attempt:
    """A job that this engine runs now.

    Attributes:
        job: The row as last written.
        folder: Where the files in the making are; survives the attempt.
    """

    job: Job
    folder: Path
    jobs: Jobs
    meter: Meter
    started: float = field(default_factory=time.time)
    checkpoint: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.checkpoint = dict(self.job.checkpoint)

    async def record(self, *events: EventWithData, stage: Stage | None = None, **facts: Any) -> None:
        """Store events and facts. The checkpoint goes with them when a stage begins.

        Raises:
            StaleClaim: Another attempt has taken over: this one must stop.
        """
        if stage is not None:
            facts |= {"stage": stage, "checkpoint": self.checkpoint}
        self.job = await self.jobs.record(
            self.job.id, attempt=self.job.attempt, now=time.time(), events=events, **facts
        )
        self.meter.job = self.job

    @property
    def resolution(self) -> Resolution:
        """What RESOLVE found."""
        return Resolution.from_json(self.checkpoint[RESOLUTION])

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


def clean_folder_blocking(folder: Path) -> None:
    """Throw away what a job fetched so far."""
    shutil.rmtree(folder, ignore_errors=True)
