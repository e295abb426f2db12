"""Fetches the segments of a broadcast as they are named, and keeps each on disk as soon as it is here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from core.domain.errors import HttpFailure, JobError, MediaFailure, SizeLimit
from core.net.hls.playlist import InitSection, Segment
from core.net.hls.segments import SegmentReader
from core.net.hls.spool import Arrived, Spool
from core.net.hls.timeline import Naming
from core.net.progress import Progress
from core.net.transfer.blocking import run_blocking
from core.net.transfer.retries import MAX_RETRY_AFTER_S, is_transient
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container

log = logging.getLogger("reeldeck.net")

#: Segments are held in memory until they are whole. Ten seconds of 4K film are some 30 MiB.
_MAX_SEGMENT_BYTES = 128 * 2**20
#: Segments that came before an earlier one wait for it, so that the file is in order; up to this.
_AHEAD_BYTES = 16 * 2**20
#: Tries for a segment that no list names any more: when asking again is of no use, and when it may be.
_TRIES_REFUSED, _TRIES = 3, 12
_FIRST_WAIT_S, _MAX_WAIT_S = 0.2, 5.0


class Collector:
    """Brings segments from the network into a spool.

    Gone from the list is not gone from the server: a segment is tried for a while after it left the window.

    Args:
        reader: Reads them.
        spool: Open; keeps them.
        naming: What they are called there.
        progress: Told what is kept; the size of the whole is not known.
        width: So many are in flight.
        max_bytes: More is refused; 0 is no limit.
    """

    def __init__(
        self,
        reader: SegmentReader,
        spool: Spool,
        *,
        naming: Naming,
        progress: Progress,
        width: int,
        max_bytes: int,
    ) -> None:
        self._reader = reader
        self._spool = spool
        self._naming = naming
        self._progress = progress
        self._slots = asyncio.Semaphore(width)
        self._max_bytes = max_bytes
        #: Positions that the newest list names: they are tried until they come.
        self.window: frozenset[int] = frozenset()
        #: Longest wait between two tries, seconds.
        self.patience_s = _MAX_WAIT_S
        #: Positions that were given up, and why.
        self.lost: dict[int, JobError] = {}
        #: Why the newest try failed, None when it did not.
        self.failure: JobError | None = None
        #: … that somebody fetches, is about to, or writes.
        self._wanted: set[int] = set()
        #: … that are being read for the first time: later ones wait for these.
        self._foremost: set[int] = set()
        #: What has come and is not written yet.
        self._arrived: dict[int, Arrived] = {}
        self._inits: dict[str, bytes] = {}
        self._container: str | None = None
        #: Set when something came or will not come now.
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def order(self, found: Mapping[int, Segment], shift: int, group: asyncio.TaskGroup) -> bool:
        """Have tasks of *group* fetch what is not here yet; whether there is anything.

        Raises in the group:
            JobError: Nothing was kept so far, and nothing will be.
        """
        fresh = [
            at
            for at, segment in found.items()
            if not (at in self._spool.kept or at in self._wanted or segment.is_gap)
        ]
        for at in fresh:
            self._wanted.add(at)
            self._idle.clear()
            group.create_task(self._fetch(at, found[at], shift))
        return bool(fresh)

    async def idle(self) -> None:
        """Wait until everything that was ordered is kept or lost."""
        await self._idle.wait()

    async def keep(self) -> None:
        """Write what comes, in order as far as that can be, for ever.

        Raises:
            SizeLimit: The recording has become too large.
            DiskFull, Unknown: It cannot be written.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            ahead_bytes = sum(len(one.data) for one in self._arrived.values())
            before = min(self._foremost, default=None) if ahead_bytes < _AHEAD_BYTES else None
            await self._write([at for at in sorted(self._arrived) if before is None or at < before])

    async def flush(self) -> None:
        """Write what has come; raises as `keep` does. For the end, when `keep` has ended."""
        await self._write(sorted(self._arrived))

    async def _write(self, positions: list[int]) -> None:
        # When a write is cancelled it has been done all the same.
        batch = [self._arrived[at] for at in positions if at not in self._spool.kept]
        if batch:
            await run_blocking(self._spool.add_blocking, batch)
        for at in positions:
            self._arrived.pop(at)
            self._end(at)
        self.tell()
        if self._max_bytes and self._spool.size_bytes > self._max_bytes:
            raise SizeLimit(f"more than {self._max_bytes} bytes")

    def tell(self) -> None:
        """Say what is kept."""
        self._progress(self._spool.size_bytes, None, recorded_s=self._spool.duration_s)

    def _end(self, at: int) -> None:
        self._wanted.discard(at)
        if not self._wanted:
            self._idle.set()

    # One segment.

    async def _fetch(self, at: int, segment: Segment, shift: int) -> None:
        """Try until it is here or hopeless."""
        tries = tries_outside = 0
        while (failure := await self._try(at, segment, shift)) is not None:
            # As long as the newest list names it there is hope; one that cannot be had now stays the newest.
            tries, tries_outside = tries + 1, 0 if at in self.window else tries_outside + 1
            if not is_transient(failure) and not (self._spool.kept or isinstance(failure, HttpFailure)):
                raise failure
            if tries_outside >= (_TRIES if is_transient(failure) else _TRIES_REFUSED):
                log.warning("a segment is missing", extra={"position": at, "detail": str(failure)})
                self.lost[at] = failure
                self._end(at)
                return
            wait_s = min(_FIRST_WAIT_S * 2 ** min(tries - 1, 10), self.patience_s, _MAX_WAIT_S)
            await asyncio.sleep(max(wait_s, min(failure.retry_after_s or 0.0, MAX_RETRY_AFTER_S)))

    async def _try(self, at: int, segment: Segment, shift: int) -> JobError | None:
        """Read it once; why that failed."""
        async with self._slots:
            self._foremost.add(at)
            try:
                init, init_data = await self._init_of(segment, shift)
                data = bytearray()
                await self._reader.read(segment, _into(data), with_init=False)
                self._check_kind(data)
            except JobError as error:
                self.failure = error
                return error
            finally:
                self._foremost.discard(at)
                self._news.set()
        name = self._naming(segment)
        self._arrived[at] = Arrived(at, shift, name, segment.duration_s, init, init_data, data)
        self.lost.pop(at, None)
        self.failure = None
        return None

    async def _init_of(self, segment: Segment, shift: int) -> tuple[str, bytes]:
        """Name and content of the init section that it needs; empty without one."""
        if segment.init is None:
            return "", b""
        name = _init_name(segment.init, shift)
        if name not in self._inits:
            data = bytearray()
            await self._reader.read_init(segment.init, _into(data))
            self._inits[name] = bytes(data)
        return name, self._inits[name]

    def _check_kind(self, data: bytearray) -> None:
        """Segments of several kinds make no file: a stranger among them is left out."""
        kind = sniff_container(bytes(data[:SNIFF_BYTES]))
        if self._container and kind and kind != self._container:
            raise MediaFailure(f"a segment is {kind}, those before are {self._container}")
        self._container = self._container or kind


def _into(data: bytearray) -> Callable[[bytes | memoryview], None]:
    def sink(piece: bytes | memoryview) -> None:
        data.extend(piece)
        if len(data) > _MAX_SEGMENT_BYTES:
            raise MediaFailure(f"a segment is larger than {_MAX_SEGMENT_BYTES // 2**20} MiB")

    return sink


def _init_name(init: InitSection, shift: int) -> str:
    """Signatures change, the path does not; an encoder that begins anew writes another one to it."""
    part = init.byterange
    return f"{shift} {urlsplit(init.url).path} {f'{part.start}+{part.length}' if part else ''}"
