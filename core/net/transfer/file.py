"""Ranged download of a file: as many connections as pay, resumable at any instant, one version or nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.errors import (
    AuthRequired,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotFound,
    RateLimited,
    SizeLimit,
)
from core.domain.media import Track
from core.net.http.client import HttpClient, Response
from core.net.http.pump import Sink
from core.net.progress import Fetched, Progress
from core.net.seats import Seat, seating_of
from core.net.transfer.assembly import Assembly, Restart
from core.net.transfer.blocking import run_blocking
from core.net.transfer.company import Company
from core.net.transfer.part import PartFile
from core.net.transfer.prospect import Prospect
from core.net.transfer.ramp import Ramp
from core.net.transfer.ranges import Piece, Pieces, nearer
from core.net.transfer.resume import FileNote
from core.net.transfer.retries import Retries, is_transient
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container
from core.net.transfer.version import IfRangeRefused, Version, page_instead

#: A half smaller than this is not worth a request of its own.
MIN_PIECE_BYTES = 256 * 1024
#: Where every answer begins with a burst, a second connection alone shows no gain; three do.
_RAMP_FACTOR = 4
#: So many bytes since the last failure make the next one a new one.
_PROGRESS_BYTES = 256 * 1024
#: Without a validator this much is fetched again and compared, to see that the file is still the same.
_OVERLAP_BYTES = 64 * 1024
_MAX_RESTARTS = 2
#: What a server says to one connection too many, as long as others still go on.
_REFUSALS = (NetworkFailure, HttpFailure, RateLimited, NotFound, AuthRequired)


async def fetch_file(
    http: HttpClient,
    track: Track,
    path: Path,
    *,
    progress: Progress,
    connections: int,
    max_bytes: int = 0,
    stall_s: float,
    is_hashed: bool = True,
) -> Fetched:
    """Download *track* to *path*, going on from what an earlier attempt left beside it.

    Until it is whole the file is `<path>.part`, with `<path>.part.json` saying what of it is there; cancelled
    at any instant, both stay and are good for the next attempt.

    Args:
        http: Fetches.
        track: `max_range_bytes` and `checksum` are honoured.
        path: Where the whole file goes; its folder exists.
        progress: Told what is on disk.
        connections: At most so many at once; how many pay is found out.
        max_bytes: Larger files are refused, by what is read and not only by what is announced; 0 is no limit.
        stall_s: No byte for so long is a standstill.
        is_hashed: Whether the digest is of use; one that the site publishes is compared in any case.

    Raises:
        SizeLimit: Larger than *max_bytes*.
        Stalled: No byte for *stall_s*.
        MediaFailure: The checksum is not the published one; nothing is kept.
        DiskFull: No room.
        HttpFailure: Among others, that a web page came instead of the file.
        JobError: What the server or the network did, after a few retries of our own.
    """
    part = PartFile(path)
    restarts = Retries(_MAX_RESTARTS)
    ranged, wasted_bytes, is_first = True, 0, True
    while True:
        transfer = _Transfer(
            http,
            track,
            part,
            progress=progress,
            connections=connections,
            max_bytes=max_bytes,
            stall_s=stall_s,
            ranged=ranged,
        )
        try:
            fetched = await transfer.run(is_hashed=is_hashed)
        except Restart as restart:
            wasted_bytes += transfer.received_bytes
            # Servers whose nodes disagree about the version still have one whole answer to give.
            ranged = restart.ranged and is_first
            is_first = False
            await restarts.wait_after(restart.error)
        else:
            return replace(fetched, fetched_bytes=fetched.fetched_bytes + wasted_bytes)


class _Enough(Exception):
    """What was wanted of an answer has arrived. Control flow."""


class _Cut(Exception):
    """An answer is left though more of it is wanted. Control flow."""


class _Transfer(Assembly):
    """One try, of one version."""

    def __init__(
        self,
        http: HttpClient,
        track: Track,
        part: PartFile,
        *,
        progress: Progress,
        connections: int,
        max_bytes: int,
        stall_s: float,
        ranged: bool,
    ) -> None:
        super().__init__(track, part, progress=progress, max_bytes=max_bytes, stall_s=stall_s)
        self._http = http
        self._ranged = ranged
        self._uses_if_range = True
        self._version: Version | None = None
        self._pieces = Pieces(None)
        self._ramp = Ramp(connections, factor=_RAMP_FACTOR)
        self._company = Company(self._ramp)
        self._workers: set[asyncio.Task[None]] = set()
        #: Of the workers, those that do not wait for a seat.
        self._seated_workers = 0
        self._bodies: dict[Piece, tuple[Seat, asyncio.Timeout]] = {}
        self._is_idle = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        #: Where the last answer came from, after redirects.
        self._came_from = track.url
        self._prospect = Prospect()

    async def _resume(self) -> int:
        kept = FileNote.read(self._part.read_note(), self._track, size_bytes=self._part.size_bytes)
        if kept is None or not self._ranged:
            await self._start_over()
            return 0
        self._version = kept.version
        self._pieces = Pieces(kept.version.total, kept.done)
        return kept.done.total_bytes

    def _note(self) -> Mapping[str, Any] | None:
        if self._version is None or not self._ranged:
            return None
        return FileNote(self._version, self._pieces.written()).write(self._track)

    @property
    def _prefix_bytes(self) -> int:
        return self._pieces.written().prefix_bytes

    # Who works.

    async def _fetch(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._start_workers(group)
        if self._workers:
            await self._is_idle.wait()
        for task in self._workers:
            task.cancel()  # they wait for seats that nobody needs any more
        total = self._version.total if self._version else None
        if total not in {None, self._prefix_bytes}:
            raise NetworkFailure(f"{self._prefix_bytes} of {total} bytes arrived")

    def _start_workers(self, group: asyncio.TaskGroup) -> None:
        while len(self._workers) < self._company.width and self._has_more:
            task = group.create_task(self._work())
            self._workers.add(task)
            task.add_done_callback(self._workers.discard)

    @property
    def _has_more(self) -> bool:
        return self._pieces.has_more(MIN_PIECE_BYTES if self._is_parallel else None)

    def _next_piece(self) -> Piece | None:
        if not self._is_parallel:
            return self._pieces.take()
        width = self._ramp.limit if self._company.width > 1 else 1
        stride = self._pieces.stride_bytes(width, self._prospect.answer_s)
        return self._pieces.take(stride) or self._pieces.steal(MIN_PIECE_BYTES, stride)

    @property
    def _is_parallel(self) -> bool:
        """Several connections are safe: what they bring can be proven to be of one version."""
        return self._ranged and self._version is not None and self._version.validator is not None

    def _report(self) -> None:
        self._progress(self._pieces.written().total_bytes, self._version.total if self._version else None)

    def _tick(self, group: asyncio.TaskGroup) -> None:
        now = time.monotonic()
        self._pieces.measure(self._prospect.look(now))
        self._report()
        total = self._version.total if self._version else None
        if self._is_parallel and total is not None:
            self._company.observe(
                now,
                self.received_bytes,
                self._seat_at(self._http.seats, self._came_from),
                seated=self._seated_workers,
                is_worthwhile=self._may_pay(now, total - self._pieces.written().total_bytes),
                give=self._cut_some,
            )
            self._cut_some()
        self._start_workers(group)

    def _may_pay(self, now: float, left_bytes: int) -> bool:
        """Whether more connections could still make it faster."""
        return not self._part.is_slow and self._prospect.has_gain(
            now, self.received_bytes, left_bytes, connections=self._seated_workers
        )

    def _cut_some(self) -> None:
        """Leave answers that are slow, for new ones, and those whose seats other jobs should have."""
        seat = self._seat_at(self._http.seats, self._came_from)
        surplus = self._company.surplus(time.monotonic(), seat, seated=self._seated_workers)
        cut = [self._bodies[piece] for piece in self._pieces.laggards() if piece in self._bodies]
        cut += [*reversed(self._bodies.values())][:surplus]
        for _, limit in cut:
            if not limit.expired():
                limit.reschedule(0)

    async def _work(self) -> None:
        """Fetch pieces until there are none, more connections than pay, or others in need of the seat."""
        async with self._seated(self._http.seats, self._came_from) as seat:
            self._seated_workers += 1
            while not self._is_one_too_many(seat) and (piece := self._next_piece()) is not None:
                try:
                    await self._fetch_piece(piece, seat)
                except _REFUSALS:
                    if self._seated_workers == 1:
                        raise
                    # The others go on, and take over what is left of this piece.
                    self._ramp.limit_to(self._seated_workers - 1)
                finally:
                    self._pieces.finish(piece)
            self._seated_workers -= 1
        if not self._seated_workers and not self._has_more:
            self._is_idle.set()

    def _is_one_too_many(self, seat: Seat) -> bool:
        return self._seated_workers > self._company.width or seat.is_wanted

    # One piece.

    async def _fetch_piece(self, piece: Piece, seat: Seat) -> None:
        retries = Retries()
        while not piece.is_done:
            before = piece.position
            try:
                await self._stream(piece, seat)
            except _Cut:
                if self._is_one_too_many(seat):
                    return
            except IfRangeRefused:
                self._uses_if_range = False
            except JobError as error:
                if is_transient(error) and not self._can_continue(piece):
                    raise Restart(error, ranged=False) from error
                if piece.position - before >= _PROGRESS_BYTES:
                    retries.refill()
                with self._pulse.pause():
                    await retries.wait_after(error)

    def _can_continue(self, piece: Piece) -> bool:
        return piece.position == 0 or (self._ranged and piece.end is not None)

    async def _stream(self, piece: Piece, seat: Seat) -> None:
        """Fetch from *piece*'s position on, as far as one answer goes."""
        has_proof = self._version is None or self._version.validator is not None
        overlap = 0 if has_proof else min(_OVERLAP_BYTES, piece.position)
        start = piece.position - overlap
        headers = self._headers(start, piece.end)
        asked_at = time.monotonic()
        async with self._http.stream(self._track.url, headers=headers) as response:
            self._came_from = response.url
            seat.move_to(seating_of(response.url))
            if self._version is None:
                version, end = Version.first(response, ranged=self._ranged)
                await self._prepare(piece, version.total)
                self._learn_answer_time(asked_at)
                self._version = version
                if self._group is not None:
                    self._tick(self._group)  # from here on others may join in
            else:
                end = self._version.next(response, start, had_if_range="If-Range" in headers)
            before = piece.position
            try:
                async with asyncio.timeout(None) as limit:
                    self._bodies[piece] = (seat, limit)
                    await self._copy(response, piece, end, overlap)
            except TimeoutError as error:
                raise _Cut from error
            finally:
                del self._bodies[piece]
            if piece.position == before and not piece.is_done:
                raise NetworkFailure(f"{response.host} sent nothing new")

    def _learn_answer_time(self, asked_at: float) -> None:
        now = time.monotonic()
        self._prospect.begin(now, now - asked_at)
        self._ramp.begin(now, self.received_bytes, now - asked_at)

    def _headers(self, start: int, end: int | None) -> dict[str, str]:
        headers = {k: v for k, v in self._track.headers.items() if k.lower() not in {"range", "if-range"}}
        if not self._ranged:
            return headers
        if self._track.max_range_bytes:
            furthest = start + self._track.max_range_bytes
            end = min(end, furthest) if end is not None else furthest
        headers["Range"] = f"bytes={start}-" + (str(end - 1) if end is not None else "")
        if self._version and self._version.validator and self._uses_if_range:
            headers["If-Range"] = self._version.validator
        return headers

    async def _prepare(self, piece: Piece, total: int | None) -> None:
        """The size is known now, if it ever is."""
        if total is None:
            return
        if self._max_bytes and total > self._max_bytes:
            raise SizeLimit(f"{total} bytes; the limit is {self._max_bytes}")
        piece.end = total
        await run_blocking(self._part.reserve_blocking, total)

    async def _copy(self, response: Response, piece: Piece, end: int | None, overlap: int) -> None:
        """Write what arrives, up to *end* or the piece's own end, which another worker may pull nearer."""
        try:
            await response.copy(self._sink(response, piece, end, overlap))
        except _Enough:
            return
        if piece.end is None:
            piece.end = piece.position  # only the end of the body tells the size
        elif not piece.is_done:
            raise NetworkFailure(f"{response.host} ended the answer early")

    def _sink(self, response: Response, piece: Piece, end: int | None, overlap: int) -> Sink:
        left = overlap  # of what is only compared

        def sink(data: memoryview) -> Awaitable[None] | None:
            nonlocal left
            self._pulse.received_bytes += len(data)
            if piece.position == 0 and sniff_container(bytes(data[:SNIFF_BYTES])) == "html":
                raise page_instead(response)
            if left:
                known = self._part.read_at(min(len(data), left), piece.position - left)
                if data[: len(known)] != known:
                    raise Restart(NetworkFailure("the file changed while it was fetched"), ranged=False)
                data, left = data[len(known) :], left - len(known)
            limit = nearer(piece.end, end)
            if limit is not None:
                data = data[: max(limit - piece.position, 0)]
            return self._store(data, piece, limit)

        return sink

    def _store(self, data: memoryview, piece: Piece, limit: int | None) -> Awaitable[None] | None:
        """Write *data*: at once, or aside while the disk is so slow that all others would wait for it."""
        if self._part.is_slow:
            return self._store_aside(bytes(data), piece, limit)
        self._write(data, piece.position)
        piece.position += len(data)
        if limit is not None and piece.position >= limit:
            raise _Enough
        return None

    async def _store_aside(self, data: bytes, piece: Piece, limit: int | None) -> None:
        await run_blocking(self._part.write_blocking, data, piece.position)
        self._wrote(len(data), piece.position)
        piece.position += len(data)
        if limit is not None and piece.position >= limit:
            raise _Enough
