"""What a transfer tells while it runs and when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.domain.media import Tags


class Progress(Protocol):
    """Is told how far a transfer is, some twenty times a second; must return at once."""

    def __call__(self, done: int, total: int | None, /, *, recorded_s: float | None = None) -> None:
        """Take it down.

        Args:
            done: Bytes that are on disk.
            total: Bytes of the whole: exact for files, for HLS an estimate from the durations until the end,
                None while unknown.
            recorded_s: Seconds that a live recording holds so far.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A finished transfer: `path` is whole, verified as far as the server let us, and fsynced."""

    path: Path
    size_bytes: int
    #: Hex digest of the file; None where it was not computed on the way.
    sha256: str | None
    #: Bytes that came over the network in this attempt.
    fetched_bytes: int
    #: Bytes that were kept from attempts before.
    resumed_bytes: int
    #: What the first bytes look like (`core.net.transfer.sniff`); None when unknown.
    container: str | None
    #: Length according to the playlist; None for plain files.
    duration_s: float | None = None
    #: What a live recording lacks, in segments and about in seconds.
    missing_segments: int = 0
    missing_s: float = 0.0
    #: What the source has learned since it was asked: who spoke, and what a broadcast was called in the end.
    tags: Tags | None = None
