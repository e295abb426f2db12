"""HLS download: several segments at once, written in order into one file, resumable at every segment."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.domain.errors import HttpFailure, JobError, MediaFailure, ParserFailure, RateLimited
from core.domain.media import Track
from core.net.hls.playlist import MasterPlaylist, MediaPlaylist
from core.net.hls.reading import parse_playlist
from core.net.hls.segments import SegmentReader
from core.net.http.client import HttpClient
from core.net.http.pump import BUFFER_BYTES
from core.net.progress import Fetched, Progress
from core.net.transfer.assembly import Assembly
from core.net.transfer.blocking import run_blocking
from core.net.transfer.part import PartFile
from core.net.transfer.ramp import Ramp
from core.net.transfer.resume import HlsNote, playlist_hash, playlist_shape
from core.net.transfer.retries import Retries, retried
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container

#: Segments in flight at first.
_START_WIDTH = 8
#: The number is judged over an answer's time and a half, and over no less.
_SHORTEST_WINDOW_S = 0.04
#: What segments behind those being written may hold together, give or take a chunk each, in all transfers.
_AHEAD_BYTES = 24 * 2**20
#: Longer playlists are parsed in a thread.
_LONG_PLAYLIST_CHARS = 256 * 1024


async def fetch_hls(
    http: HttpClient,
    track: Track,
    path: Path,
    *,
    progress: Progress,
    window: int,
    stall_s: float,
    max_bytes: int = 0,
) -> Fetched:
    """Download the media playlist behind *track* to *path*: all segments in order, or an error.

    Until it is whole the file is `<path>.part`, with `<path>.part.json` saying how far it goes; cancelled at
    any instant, both stay, and the next attempt goes on at the next segment.

    Args:
        http: Fetches.
        track: Its URL is that of a media playlist, not of a master.
        path: Where the file goes; its folder exists.
        progress: Told what is on disk, and an estimate of the whole.
        window: At most so many segments are in flight or wait to be written; how many pay is found out.
        stall_s: No byte for so long is a standstill.
        max_bytes: Larger files are refused; 0 is no limit.

    Raises:
        NotYetAvailable: It is live.
        ProtectedContent: It is encrypted with more than AES-128.
        ParserFailure: It is no media playlist.
        HttpFailure: A segment is not there.
        MediaFailure: Segments cannot be decrypted, or are of several kinds; nothing is kept.
        JobError: As `fetch_file` does.
    """
    page = await retried(lambda: http.text(track.url, headers=track.headers))
    if len(page.text) > _LONG_PLAYLIST_CHARS:
        playlist = await run_blocking(parse_playlist, page.text, page.url)
    else:
        playlist = parse_playlist(page.text, page.url)
    if isinstance(playlist, MasterPlaylist):
        raise ParserFailure("a master playlist: one of its variants must be chosen first")
    playlist.require_complete()
    return await fetch_segments(
        http,
        track,
        playlist,
        path,
        progress=progress,
        window=window,
        stall_s=stall_s,
        max_bytes=max_bytes,
    )


async def fetch_segments(
    http: HttpClient,
    track: Track,
    playlist: MediaPlaylist,
    path: Path,
    *,
    progress: Progress,
    window: int,
    stall_s: float,
    max_bytes: int = 0,
) -> Fetched:
    """Download the segments of a playlist that is known and complete, as `fetch_hls` does.

    *track* says what to send: its headers go to the origin of its URL whole, and to others without logins.
    """
    transfer = _HlsTransfer(
        http,
        track,
        PartFile(path),
        playlist,
        progress=progress,
        window=window,
        max_bytes=max_bytes,
        stall_s=stall_s,
    )
    return await transfer.run(is_hashed=False)


@dataclass(slots=True)
class _Slot:
    """A segment on its way from the network to the file."""

    index: int
    #: What has come and waits for the segments before it.
    pieces: list[bytes] = field(default_factory=list)
    written_bytes: int = 0
    is_done: bool = False


#: Those that share the room ahead evenly: memory is the process's.
_AT_WORK: set[_HlsTransfer] = set()


class _HlsTransfer(Assembly):
    """One try at one playlist."""

    def __init__(
        self,
        http: HttpClient,
        track: Track,
        part: PartFile,
        playlist: MediaPlaylist,
        *,
        progress: Progress,
        window: int,
        max_bytes: int,
        stall_s: float,
    ) -> None:
        super().__init__(track, part, progress=progress, max_bytes=max_bytes, stall_s=stall_s)
        self.duration_s = playlist.duration_s
        self._segments = playlist.segments
        self._hash, self._shape = playlist_hash(playlist), playlist_shape(playlist)
        self._reader = SegmentReader(http, track, self._pulse)
        self._seats = http.seats
        self._ramp = Ramp(window, start=_START_WIDTH)
        self._next_to_fetch = 0
        self._ahead: deque[_Slot] = deque()
        self._ahead_bytes = 0
        self._room = asyncio.Event()
        self._whole = asyncio.Event()
        # What is written.
        self._written_segments = 0
        self._written_s = 0.0
        self._offset = 0
        self._last_start = 0
        self._container: str | None = None

    async def run(self, *, is_hashed: bool) -> Fetched:
        """As `Assembly.run`."""
        _AT_WORK.add(self)
        try:
            return await super().run(is_hashed=is_hashed)
        finally:
            _AT_WORK.discard(self)

    @property
    def _has_room(self) -> bool:
        return self._ahead_bytes * len(_AT_WORK) < _AHEAD_BYTES

    @property
    def _has_room_for_one(self) -> bool:
        """Whether one more may begin: each of them may bring a whole buffer before it can be made to wait."""
        mean_bytes = self._offset / max(self._written_segments, 1)
        expected_bytes = len(self._ahead) * min(mean_bytes, BUFFER_BYTES)
        return max(expected_bytes, self._ahead_bytes) * len(_AT_WORK) < _AHEAD_BYTES

    # Resuming.

    async def _resume(self) -> int:
        note = HlsNote.read(self._part.read_note(), size_bytes=self._part.size_bytes)
        if note is None or not await self._is_ours(note):
            await self._start_over()
            return 0
        self._written_segments = self._next_to_fetch = note.segments
        self._written_s = sum(segment.duration_s for segment in self._segments[: note.segments])
        self._offset, self._last_start = note.offset, note.last_start
        self._container = sniff_container(self._part.read_at(SNIFF_BYTES, 0))
        self._part.truncate(note.offset)
        return note.offset

    async def _is_ours(self, note: HlsNote) -> bool:
        if note.shape != self._shape or note.segments > len(self._segments):
            return False
        # Other addresses, as signed ones are each time: the last segment is fetched again and compared.
        return note.playlist == self._hash or await self._is_same(note)

    async def _is_same(self, note: HlsNote) -> bool:
        position = note.last_start
        differs = False

        def compare(data: bytes | memoryview) -> None:
            nonlocal position, differs
            differs = differs or self._part.read_at(len(data), position) != data
            position += len(data)

        index = note.segments - 1
        await self._reader.read(self._segments[index], compare, with_init=self._begins_with_init(index))
        return not differs and position == note.offset

    def _note(self) -> Mapping[str, Any] | None:
        if not self._written_segments:
            return None
        return {
            "playlist": self._hash,
            "shape": self._shape,
            "segments": self._written_segments,
            "offset": self._offset,
            "last_start": self._last_start,
        }

    @property
    def _prefix_bytes(self) -> int:
        return self._offset

    def _report(self) -> None:
        share = self._written_s / self.duration_s if self.duration_s else 0.0
        self._progress(self._offset, int(self._offset / share) if share > 0 else None)

    def _tick(self, group: asyncio.TaskGroup) -> None:
        self._report()
        remaining = len(self._segments) - self._next_to_fetch
        self._ramp.observe(
            time.monotonic(), self.received_bytes, is_worthwhile=remaining > 2 * self._ramp.width
        )
        self._start_reading(group)

    async def _fetch(self, group: asyncio.TaskGroup) -> None:
        self._go_on(group)
        await self._whole.wait()

    # Writing, in order.

    def _go_on(self, group: asyncio.TaskGroup) -> None:
        """Write what has come of the foremost segments, and ask for more."""
        while self._ahead:
            slot = self._ahead[0]
            for piece in slot.pieces:
                self._write_piece(slot, piece)
            self._release(slot)
            if not slot.is_done:
                break
            self._ahead.popleft()
            self._last_start, self._offset = self._offset, self._offset + slot.written_bytes
            self._written_segments += 1
            self._written_s += self._segments[slot.index].duration_s
        self._start_reading(group)
        if self._written_segments == len(self._segments):
            self._whole.set()

    def _write_piece(self, slot: _Slot, piece: bytes | memoryview) -> None:
        if not slot.written_bytes:
            self._check_kind(piece, slot.index)
        self._write(piece, self._offset + slot.written_bytes)
        slot.written_bytes += len(piece)

    def _check_kind(self, piece: bytes | memoryview, index: int) -> None:
        """Segments of several kinds make no file."""
        kind = sniff_container(bytes(piece[:SNIFF_BYTES]))
        if self._container and kind and kind != self._container:
            raise MediaFailure(f"segment {index} is {kind}, those before are {self._container}")
        self._container = self._container or kind

    def _release(self, slot: _Slot) -> None:
        """What *slot* holds is written or void."""
        if slot.pieces:
            self._ahead_bytes -= sum(map(len, slot.pieces))
            slot.pieces = []
        self._room.set()

    # Reading, several at once.

    def _start_reading(self, group: asyncio.TaskGroup) -> None:
        while (
            self._next_to_fetch < len(self._segments)
            and len(self._ahead) < self._ramp.width
            and (not self._ahead or self._has_room_for_one)
        ):
            slot = _Slot(self._next_to_fetch)
            self._next_to_fetch += 1
            self._ahead.append(slot)
            group.create_task(self._read_seated(slot, group))

    async def _read_seated(self, slot: _Slot, group: asyncio.TaskGroup) -> None:
        # The seat is kept through all tries, so that the foremost segment never waits for one.
        async with self._seated(self._seats, self._segments[slot.index].url):
            await self._read(slot, group)

    async def _read(self, slot: _Slot, group: asyncio.TaskGroup) -> None:
        def sink(data: bytes | memoryview) -> Awaitable[None] | None:
            if slot is self._ahead[0]:
                self._write_piece(slot, data)
                return None
            slot.pieces.append(bytes(data))
            self._ahead_bytes += len(data)
            return None if self._has_room else self._wait_for_room(slot)

        retries = Retries()
        received_bytes = self.received_bytes
        segment, with_init = self._segments[slot.index], self._begins_with_init(slot.index)
        while True:
            asked_at = time.monotonic()
            try:
                await self._reader.read(segment, sink, with_init=with_init)
            except JobError as error:
                self._release(slot)
                slot.written_bytes = 0
                if _is_refusal(error):
                    if self._ahead[0] is not slot:
                        self._ramp.limit_to(self._ramp.width - 1)
                    if self.received_bytes > received_bytes:
                        retries.refill()  # the others get through: there were too many of us
                received_bytes = self.received_bytes
                with self._pulse.pause():
                    await retries.wait_after(error)
            else:
                slot.is_done = True
                self._learn_answer_time(time.monotonic() - asked_at)
                if slot is self._ahead[0]:
                    self._go_on(group)
                return

    def _learn_answer_time(self, answer_s: float) -> None:
        """The quickest tells how long a window must be to see what more requests bring."""
        self._ramp.window_s = min(self._ramp.window_s, max(_SHORTEST_WINDOW_S, 1.5 * answer_s))

    async def _wait_for_room(self, slot: _Slot) -> None:
        """When the room is full only the foremost segment goes on: the file swallows it at once."""
        while not self._has_room and self._ahead[0] is not slot:
            self._room.clear()
            await self._room.wait()

    def _begins_with_init(self, index: int) -> bool:
        init = self._segments[index].init
        return init is not None and (index == 0 or self._segments[index - 1].init != init)


def _is_refusal(error: JobError) -> bool:
    """What a server says to one request too many."""
    return isinstance(error, RateLimited) or (isinstance(error, HttpFailure) and error.remote_status == 503)
