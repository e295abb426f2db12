"""What is kept of a broadcast: taken up by the next attempt, and made a file in the end."""

from __future__ import annotations

from pathlib import Path

from core.net.hls.spool import Spool
from core.net.hls.timeline import Timeline
from core.net.progress import Fetched
from core.net.transfer.blocking import run_blocking
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container


def recalled(spool: Spool, timeline: Timeline) -> Timeline:
    """*timeline* with what earlier attempts kept."""
    for _, one in sorted(spool.kept.items()):
        timeline.know(one.position, one.name, one.duration_s)
        timeline.shift = one.shift
    return timeline


async def save_recorded(path: Path) -> Fetched | None:
    """Finish a recording with what is there of it, because nobody will go on with it; None without any.

    Raises:
        DiskFull, Unknown: It cannot be written.
    """
    spool = Spool(path)
    try:
        await run_blocking(spool.open_blocking)
        return await published(spool, Timeline(), received_bytes=0) if spool.kept else None
    finally:
        spool.close()


async def published(spool: Spool, timeline: Timeline, *, received_bytes: int) -> Fetched:
    """Make a file of what is kept, and tell what is missing in it by all that *timeline* knows.

    Raises:
        DiskFull, Unknown: It cannot be written; what is kept stays.
    """
    kept = spool.kept.values()
    for one in kept:
        timeline.know(one.position, one.name, one.duration_s)
    gaps = timeline.gaps(spool.kept)
    duration_s = spool.duration_s
    kept_bytes = spool.size_bytes
    size_bytes = await run_blocking(spool.publish_blocking)
    return Fetched(
        path=spool.path,
        size_bytes=size_bytes,
        sha256=None,
        fetched_bytes=received_bytes,
        resumed_bytes=max(0, kept_bytes - received_bytes),
        container=sniff_container(await run_blocking(_head_blocking, spool.path)),
        duration_s=duration_s,
        missing_segments=sum(gap.end - gap.start for gap in gaps),
        missing_s=sum(timeline.seconds_of(gap, usual_s=duration_s / len(kept)) for gap in gaps),
    )


def _head_blocking(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SNIFF_BYTES)
