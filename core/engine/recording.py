"""What is different for a broadcast that is recorded as it comes.

It lasts as long as it lasts, it cannot be fetched a second time, and what the recording lacks is told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config.settings import Timeouts
from core.domain.errors import DiskFull, JobError, RetryPolicy
from core.domain.media import Resolution
from core.engine import checkpoint as keys
from core.engine.attempt import Attempt
from core.engine.retry import decide
from core.engine.toolbox import Toolbox
from core.net.hls.recorded import save_recorded
from core.net.progress import Fetched

#: Of recordings that are not finished.
SUFFIX = ".live"


def is_live(found: Resolution) -> bool:
    """Whether something of it is still being sent."""
    return any(track.is_live for track in found.tracks)


@contextlib.contextmanager
def time_limit(attempt: Attempt, timeouts: Timeouts, found: Resolution) -> Iterator[float | None]:
    """How long the download may take: without limit when it is live, and then the attempt's own is lifted.

    What comes after a recording has the attempt's whole time again.
    """
    if not is_live(found) or attempt.limit is None:
        yield timeouts.download_s
        return
    attempt.limit.reschedule(None)
    try:
        yield None
    finally:
        attempt.limit.reschedule(asyncio.get_running_loop().time() + timeouts.job_s)


def is_kept(attempt: Attempt) -> bool:
    """Whether what was fetched must survive a failure after which others begin from nothing.

    What was made of it is forgotten all the same, so that it is made anew.
    """
    if keys.RESOLUTION not in attempt.checkpoint or not is_live(attempt.resolution):
        return False
    attempt.forget(keys.OUTPUT, keys.INFO, keys.FINAL)
    return True


async def save(attempt: Attempt, tools: Toolbox, found: Resolution, error: JobError) -> list[Fetched] | None:
    """What there is of a recording that failed, when no later attempt would go on with it; else None.

    Args:
        attempt: Goes on with what it was recording, whatever was looked up since.
        tools: Know the settings.
        found: What was recorded.
        error: Why it failed.

    Raises:
        DiskFull, Unknown: It cannot be finished.
    """
    if not is_live(found):
        return None
    if keys.RESOLUTION not in attempt.checkpoint:
        attempt.keep(found, attempt.started)
    decision = decide(error, retry_count=attempt.job.retry_count, settings=tools.settings.retries, chance=0.0)
    is_offline = tools.uplinks.reach.is_away and error.retry_policy is RetryPolicy.BACKOFF
    if isinstance(error, DiskFull) or is_offline or not (decision.is_final or decision.from_clean):
        return None
    paths = [attempt.folder / f"{index}-{track.role.value}" for index, track in enumerate(found.tracks)]
    saved = [fetched for path in paths if (fetched := await _saved(path)) is not None]
    if len(saved) < len(paths):
        return None
    attempt.keep(found, attempt.started)
    return saved


async def _saved(path: Path) -> Fetched | None:
    if not await asyncio.to_thread(path.is_file):
        return await save_recorded(path)
    size_bytes = (await asyncio.to_thread(path.stat)).st_size
    return Fetched(
        path=path, size_bytes=size_bytes, sha256=None, fetched_bytes=0, resumed_bytes=0, container=None
    )


def retag(attempt: Attempt, fetched: Sequence[Fetched]) -> None:
    """Take over what was learned about a broadcast while it was recorded."""
    tags = next((item.tags for item in fetched if item.tags is not None), None)
    if tags is not None:
        attempt.keep(replace(attempt.resolution, tags=tags), attempt.checkpoint[keys.RESOLVED_AT])


def lacking(fetched: Sequence[Fetched], note: str | None) -> Mapping[str, Any]:
    """What a timeline tells of a recording that is not whole; empty when it is.

    Args:
        fetched: The tracks.
        note: What is known besides.
    """
    missing = max((item.missing_segments for item in fetched), default=0)
    missing_s = max((item.missing_s for item in fetched), default=0.0)
    told = [note] if note else []
    if missing:
        told.append(f"About {missing_s:.0f} s of the broadcast are missing in it: nobody had them any more.")
    if not told:
        return {}
    return {"missing_segments": missing, "missing_s": round(missing_s, 1), "note": " ".join(told)}
