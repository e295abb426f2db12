"""Live HLS, recorded to its end: nothing is lost that a list still holds when we come to look.

The playlist is followed at its own pace, and every segment is fetched as soon as it is named and kept on
disk at once. When the origin is away, it is asked again soon and often; what left the list meanwhile is a
gap, remembered and filled when a later list names it again. A broadcast cannot be fetched a second time, so
what was recorded is never thrown away: gaps that nobody can fill in the end are told, not refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from core.domain.errors import JobError, NetworkFailure, NotFound, ParserFailure, Stalled
from core.domain.media import Track
from core.net.hls.collect import Collector
from core.net.hls.playlist import MasterPlaylist, MediaPlaylist, Segment
from core.net.hls.reading import parse_playlist
from core.net.hls.recorded import published, recalled
from core.net.hls.segments import SegmentReader
from core.net.hls.spool import Spool
from core.net.hls.timeline import Timeline, file_name
from core.net.http.client import HttpClient
from core.net.progress import Fetched, Progress
from core.net.transfer.blocking import run_blocking
from core.net.transfer.pulse import Pulse
from core.net.transfer.retries import MAX_RETRY_AFTER_S, is_transient

log = logging.getLogger("reeldeck.net")

#: Segments in flight: a live list names one at a time, the list of a finished broadcast thousands.
_WIDTH = 6
#: What stands for the target duration where a list names none, and what a list may make of it.
_USUAL_TARGET_S, _MIN_TARGET_S, _MAX_TARGET_S = 6.0, 0.05, 30.0
#: First wait after a list that could not be had; each further one is twice as long, up to a target duration.
_FIRST_WAIT_S = 0.2
#: A list must answer within so many target durations, and at least this: the window moves on meanwhile.
_ANSWER_TARGETS, _MIN_ANSWER_S = 3, 5.0
#: After so many target durations without news the source is asked whether it is over; at least this often.
_QUIET_TARGETS, _MAX_ASK_S = 3, 60.0
#: Failures to read the list at all before there is anything to lose.
_FIRST_TRIES = 5
#: Answers that mean that there is no list (any more).
_GONE = frozenset({403, 404, 410})


class Broadcast(Protocol):
    """What a source knows about a broadcast beyond its list."""

    def name_of(self, segment: Segment) -> str:
        """By what a segment is known again in another list."""

    async def is_over(self) -> bool:
        """Whether it has ended; False when that cannot be found out now. Raises nothing."""

    async def lists(
        self, reaches_end: Callable[[MediaPlaylist], bool], *, target_s: float
    ) -> Sequence[MediaPlaylist]:
        """Lists of the whole, now that it is over; the best first, none when there are none.

        Args:
            reaches_end: Whether a list holds the last segment that was seen live: waiting for one may pay.
            target_s: The target duration, as a measure for waits.

        Raises:
            JobError: They cannot be had now.
        """


async def record_hls(
    http: HttpClient,
    track: Track,
    path: Path,
    *,
    progress: Progress,
    window: int,
    outage_s: float,
    max_bytes: int = 0,
    broadcast: Broadcast | None = None,
) -> Fetched:
    """Record the live media playlist behind *track* to *path* until it ends.

    It ends with EXT-X-ENDLIST; when *broadcast* is over; or, where nobody can say, when the list is gone or
    stands still for *outage_s*. Stopped at any instant, `<path>.live` and its log stay, and the next call
    goes on and fills what it missed as far as it can.

    Args:
        http: Fetches.
        track: Its URL is that of a media playlist.
        path: Where the file goes; its folder exists.
        progress: Told what is on disk; the size of the whole is not known.
        window: At most so many segments are in flight.
        outage_s: So long without anything new is more than an outage.
        max_bytes: Larger recordings are refused; 0 is no limit.
        broadcast: Asked about the end.

    Raises:
        Stalled: Nothing came for *outage_s* although it is not over.
        NotFound: It is over, and nothing of it was recorded.
        JobError: The origin was away for *outage_s*, with the class of the last failure; or what is missing
            is named by a list of the whole, and cannot be fetched now.
    """
    spool = Spool(path)
    try:
        await run_blocking(spool.open_blocking)
        recording = _Recording(
            http,
            track,
            spool,
            progress=progress,
            width=min(window, _WIDTH),
            outage_s=outage_s,
            max_bytes=max_bytes,
            broadcast=broadcast,
        )
        return await recording.run()
    finally:
        spool.close()


class _Recording:
    """One try at one broadcast."""

    def __init__(
        self,
        http: HttpClient,
        track: Track,
        spool: Spool,
        *,
        progress: Progress,
        width: int,
        outage_s: float,
        max_bytes: int,
        broadcast: Broadcast | None,
    ) -> None:
        self._http, self._track, self._spool = http, track, spool
        self._outage_s = outage_s
        self._broadcast = broadcast
        naming = broadcast.name_of if broadcast else file_name
        self._timeline = recalled(spool, Timeline(naming))
        # Counts only: a list that stands still is no transfer that does.
        self._pulse = Pulse(outage_s)
        self._collector = Collector(
            SegmentReader(http, track, self._pulse),
            spool,
            naming=naming,
            progress=progress,
            width=width,
            max_bytes=max_bytes,
        )
        self._target_s = _USUAL_TARGET_S
        self._ask_at = 0.0
        self._collector.tell()

    async def run(self) -> Fetched:
        try:
            await self._record()
        finally:
            # Whatever has come may never come again; the disk's trouble must not hide why we stop.
            with contextlib.suppress(JobError):
                await self._collector.flush()
        if not self._spool.kept:
            nothing = NotFound("the broadcast is over, and nothing of it could be recorded")
            raise self._collector.failure or nothing
        return await published(self._spool, self._timeline, received_bytes=self._pulse.received_bytes)

    async def _record(self) -> None:
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._collector.keep())
                await self._follow(group)
                await self._settle(group)
                keeper.cancel()
        except ExceptionGroup as errors:
            failure = errors.exceptions[0]
        if failure is not None:
            raise failure

    # While it lasts.

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        """Look at the list again and again, until it is over."""
        heard, heard_bytes, failures = time.monotonic(), self._spool.size_bytes, 0
        while True:
            began, has_news = time.monotonic(), False
            failure: JobError | None = None
            try:
                playlist = await self._load()
            except JobError as error:
                failure, failures = error, failures + 1
                is_hopeless = not is_transient(error) or failures > _FIRST_TRIES
                if self._timeline.last is None and is_hopeless and not (self._broadcast and _is_gone(error)):
                    raise
            else:
                failures = 0
                has_news = self._take(playlist, group)
                if not playlist.is_live:
                    return
            now = time.monotonic()
            if self._spool.size_bytes != heard_bytes:
                heard, heard_bytes = now, self._spool.size_bytes
            if has_news and now - heard > self._outage_s:
                raise self._collector.failure or Stalled(f"no segment came for {self._outage_s:g} s")
            if not has_news and await self._is_over(now - heard, failure):
                return
            if failure:
                wait_s = min(_FIRST_WAIT_S * 2 ** min(failures - 1, 10), self._target_s)
                wait_s = max(wait_s, min(failure.retry_after_s or 0.0, MAX_RETRY_AFTER_S))
            else:
                # RFC 8216 §6.3.4: a target duration, half of it when nothing was new.
                wait_s = self._target_s * (1 if has_news else 0.5) - (now - began)
            await asyncio.sleep(max(wait_s, _MIN_TARGET_S))

    async def _load(self) -> MediaPlaylist:
        limit_s = max(_ANSWER_TARGETS * self._target_s, _MIN_ANSWER_S)
        try:
            async with asyncio.timeout(limit_s):
                page = await self._http.text(self._track.url, headers=self._track.headers)
        except TimeoutError as error:
            raise NetworkFailure(f"the playlist did not come within {limit_s:g} s") from error
        playlist = await run_blocking(parse_playlist, page.text, page.url)
        if isinstance(playlist, MasterPlaylist):
            raise ParserFailure("a master playlist: one of its variants must be chosen first")
        return playlist

    def _take(self, playlist: MediaPlaylist, group: asyncio.TaskGroup) -> bool:
        """Have fetched what is new in a list; whether anything is."""
        longest_s = max((segment.duration_s for segment in playlist.segments), default=_USUAL_TARGET_S)
        self._target_s = min(max(playlist.target_s or longest_s, _MIN_TARGET_S), _MAX_TARGET_S)
        before = self._timeline.last
        found = self._timeline.add_window(playlist)
        self._collector.window = frozenset(found)
        self._collector.patience_s = self._target_s
        return self._collector.order(found, self._timeline.shift, group) or self._timeline.last != before

    async def _is_over(self, quiet_s: float, failure: JobError | None) -> bool:
        """Whether to stop following, after so many seconds without anything new.

        Raises:
            JobError: It has been too long.
        """
        is_gone = failure is not None and _is_gone(failure)
        is_odd = is_gone or quiet_s > _QUIET_TARGETS * self._target_s
        if self._broadcast and is_odd and time.monotonic() >= self._ask_at:
            if await self._broadcast.is_over():
                return True
            again_s = min(max(_QUIET_TARGETS * self._target_s, quiet_s / 4), _MAX_ASK_S)
            self._ask_at = time.monotonic() + again_s
        if quiet_s <= self._outage_s:
            return False
        if failure is not None and not is_gone:
            raise failure
        if self._broadcast or self._timeline.last is None:
            raise failure or Stalled(f"nothing new for {self._outage_s:g} s")
        log.warning("a broadcast ended without a word", extra={"detail": str(failure or "it stands still")})
        return True

    # When it is over.

    async def _settle(self, group: asyncio.TaskGroup) -> None:
        """Fetch what is still missing, as far as it is named.

        Raises:
            JobError: It is, and may yet be fetched at another time.
        """
        collector = self._collector
        collector.window = frozenset()
        collector.lost.clear()  # what was lost on the way is a gap; what is lost from here on may be mended
        await collector.idle()
        if self._broadcast is not None:
            for playlist in await self._broadcast.lists(self._timeline.holds_end, target_s=self._target_s):
                found = self._timeline.add_other(playlist)
                collector.order(found, next(iter(found), 0) - playlist.first_sequence, group)
                await collector.idle()
        for error in collector.lost.values():
            if is_transient(error):
                raise error


def _is_gone(error: JobError) -> bool:
    return error.remote_status in _GONE
