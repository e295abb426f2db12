"""A film in HLS is remuxed while it arrives: most of POSTPROCESS is done when DOWNLOAD is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from core.domain.errors import JobError
from core.domain.job import Kind
from core.domain.media import Resolution, Transport
from core.engine.attempt import Attempt
from core.engine.toolbox import Toolbox
from core.engine.wanted import cover_of, kind_of, wanted_of
from core.media.arrival import Arrival
from core.media.forerun import Early, run_ahead
from core.net.progress import Progress

log = logging.getLogger("reeldeck.engine")

#: Under this name beside the fetched files.
_STEM = "early"
#: What remains of the remux once all is here takes no longer than reading it all on a slow disk.
_SLOW_DISK_BPS = 10 * 2**20


class Forerun:
    """Tells ffmpeg what of each track is there.

    Args:
        arrivals: By index of the track.
    """

    def __init__(self, arrivals: Mapping[int, Arrival]) -> None:
        self.arrivals = arrivals
        self.task: asyncio.Task[Early | None] | None = None

    def watched(self, index: int, progress: Progress) -> Progress:
        """*progress*, which says what of a track is there in order; told on."""
        arrival = self.arrivals.get(index)
        if arrival is None:
            return progress

        def told(done: int, total: int | None, /, *, recorded_s: float | None = None) -> None:
            # Of HLS the total is an estimate, which is right in the end; else the next tells of more.
            if not arrival.tell(done, is_whole=done == total) and self.task is not None:
                self.task.cancel()  # the track is begun anew
            progress(done, total, recorded_s=recorded_s)

        return told

    async def finish(self, stall_s: float) -> Early | None:
        """All tracks are whole: the remux, if there is one that is of use."""
        for arrival in self.arrivals.values():
            arrival.tell(arrival.there_bytes, is_whole=True)
        if self.task is None:
            return None
        # ffmpeg ends, and the disk is waited for.
        size_bytes = sum(arrival.there_bytes for arrival in self.arrivals.values())
        await asyncio.wait({self.task}, timeout=stall_s + size_bytes / _SLOW_DISK_BPS)
        return self.task.result() if self.task.done() and not self.task.cancelled() else None


@asynccontextmanager
async def beside(attempt: Attempt, tools: Toolbox, found: Resolution) -> AsyncIterator[Forerun]:
    """Around the download of all tracks of *found*. A remux that fails or is not wanted leaves nothing."""
    attempt.early = None
    comes_in_order = all(track.transport is Transport.HLS and not track.is_live for track in found.tracks)
    # Where sound alone is wanted, a film mostly comes with it: to look at it would be for nothing.
    if not comes_in_order or kind_of(attempt.job, found) is Kind.AUDIO:
        yield Forerun({})
        return
    arrivals = {
        index: Arrival(track.role, attempt.path_of(index)) for index, track in enumerate(found.tracks)
    }
    run = Forerun(arrivals)
    run.task = asyncio.create_task(_run(attempt, tools, run), name=f"forerun-{attempt.job.id}")
    try:
        yield run
    finally:
        run.task.cancel()
        await asyncio.wait({run.task})


async def _run(attempt: Attempt, tools: Toolbox, run: Forerun) -> Early | None:
    try:
        wanted = wanted_of(attempt, tools, await cover_of(attempt, tools))
        return await run_ahead(
            tools.ffmpeg,
            tools.prober,
            list(run.arrivals.values()),
            wanted,
            attempt.folder / _STEM,
            duration_s=attempt.resolution.duration_s,
            timeout_s=tools.settings.timeouts.download_s + tools.settings.timeouts.postprocess_s,
        )
    except* (JobError, OSError) as errors:
        # The whole files are processed in the usual way, and say what is wrong with them.
        log.info("not remuxed ahead", extra={"job_id": attempt.job.id, "detail": str(errors.exceptions[0])})
    return None
