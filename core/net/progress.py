"""What a transfer tells while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Called with the bytes that are on disk and the size of the whole: exact for files, for HLS an estimate from
#: the durations until the end, None while unknown. Called some twenty times a second; must return at once.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A finished transfer: `path` is whole, verified as far as the server let us, and fsynced."""

    path: Path
    size_bytes: int
    #: Hex digest of the file.
    sha256: str | None
    #: Bytes that came over the network in this attempt.
    fetched_bytes: int
    #: Bytes that were kept from attempts before.
    resumed_bytes: int
    #: What the first bytes look like (`core.net.transfer.sniff`); None when unknown.
    container: str | None
    #: Length according to the playlist; None for plain files.
    duration_s: float | None = None
