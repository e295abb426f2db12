"""The frame of a transfer: a file comes together, noted, hashed and watched, and is published when whole."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any

from core.domain.errors import JobError, MediaFailure, SizeLimit
from core.domain.media import Track
from core.net.progress import Fetched, Progress
from core.net.seats import Seat, Seats, seating_of
from core.net.transfer.blocking import run_blocking
from core.net.transfer.digest import PrefixDigest
from core.net.transfer.journal import Journal
from core.net.transfer.part import PartFile
from core.net.transfer.pulse import Pulse
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container


class Restart(Exception):
    """What was fetched cannot be continued: begin again from nothing. Control flow of a transfer.

    Args:
        error: What to raise when there have been too many.
        ranged: Whether parts may be asked for again.
    """

    def __init__(self, error: JobError, *, ranged: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.ranged = ranged


class Assembly(ABC):
    """One try to bring a file together. Subclasses say where the bytes come from.

    Args:
        track: What is fetched.
        part: Where it goes.
        progress: Told what is on disk.
        max_bytes: Largest size, 0 for no limit.
        stall_s: No byte for so long is a standstill.
    """

    #: Length according to the source.
    duration_s: float | None = None

    def __init__(
        self, track: Track, part: PartFile, *, progress: Progress, max_bytes: int, stall_s: float
    ) -> None:
        self._track = track
        self._part = part
        self._progress = progress
        self._max_bytes = max_bytes
        self._pulse = Pulse(stall_s)
        self._journal = Journal(part)
        self._is_hashed = True

    @abstractmethod
    async def _resume(self) -> int:
        """Understand the note of the part, which is open; how many bytes of it are good."""

    @abstractmethod
    async def _fetch(self, group: asyncio.TaskGroup) -> None:
        """Fetch all that is missing. Tasks of *group* may help."""

    @abstractmethod
    def _note(self) -> Mapping[str, Any] | None:
        """What may be claimed at this moment, None when nothing could be resumed from."""

    @property
    @abstractmethod
    def _prefix_bytes(self) -> int:
        """How many bytes from the start are there for good; in the end, all."""

    @abstractmethod
    def _report(self) -> None:
        """Tell the progress. Called at the start, and when the transfer stops before its end."""

    @abstractmethod
    def _tick(self, group: asyncio.TaskGroup) -> None:
        """Called twenty times a second; reports too."""

    @property
    def received_bytes(self) -> int:
        """Bytes that came over the network."""
        return self._pulse.received_bytes

    async def run(self, *, is_hashed: bool) -> Fetched:
        """Fetch what is missing and finish the file. However it ends, the part is closed and its note true.

        Args:
            is_hashed: Whether the digest is of use: of what is processed anyway it is that of the result. One
                that the site publishes is compared in any case.

        Raises:
            Restart: See there; nothing is kept.
            MediaFailure: The content is wrong; nothing is kept.
            JobError: As the transfer does.
        """
        self._is_hashed = is_hashed or self._track.checksum is not None
        try:
            self._part.open()
            resumed_bytes = await self._resume()
            self._report()
            digest = PrefixDigest(self._part.fd, self._track.checksum)
            await self._fetch_watched(digest)
            return await self._finish(digest, resumed_bytes)
        except (Restart, MediaFailure):
            await self._discard()
            raise
        except BaseException:
            self._report()
            with contextlib.suppress(JobError):  # the disk's trouble must not hide why we stop
                await self._journal.claim(self._note)
            raise
        finally:
            self._part.close()

    async def _discard(self) -> None:
        await run_blocking(self._part.discard_blocking)

    async def _start_over(self) -> None:
        """Throw away what the part holds."""
        await self._discard()
        self._part.open()

    async def _fetch_watched(self, digest: PrefixDigest) -> None:
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                background = [
                    group.create_task(self._journal.keep(self._note)),
                    group.create_task(self._pulse.watch(lambda: self._tick(group))),
                ]
                if self._is_hashed:
                    background.append(group.create_task(digest.follow(lambda: self._prefix_bytes)))
                await self._fetch(group)
                for task in background:
                    task.cancel()
        except ExceptionGroup as errors:
            failure = next((e for e in errors.exceptions if isinstance(e, Restart)), errors.exceptions[0])
        if failure is not None:
            raise failure

    @contextlib.asynccontextmanager
    async def _seated(self, seats: Seats, url: str) -> AsyncIterator[Seat]:
        """Wait for one of the connections that the host of *url* gets; the wait is no standstill."""
        seat = self._seat_at(seats, url)
        with self._pulse.pause():
            await seat.take()
        try:
            yield seat
        finally:
            seat.leave()

    def _seat_at(self, seats: Seats, url: str) -> Seat:
        """A seat at the host of *url*, yet to be taken. What is fetched into one folder is one job's."""
        return Seat(seats, seating_of(url), self._part.path.parent)

    def _write(self, data: bytes | memoryview, position: int) -> None:
        self._part.write_at(data, position)
        self._wrote(len(data), position)

    def _wrote(self, size: int, position: int) -> None:
        self._journal.wrote(size)
        if self._max_bytes and position + size > self._max_bytes:
            raise SizeLimit(f"more than {self._max_bytes} bytes")

    async def _finish(self, digest: PrefixDigest, resumed_bytes: int) -> Fetched:
        size_bytes = self._prefix_bytes
        self._part.truncate(size_bytes)
        self._progress(size_bytes, size_bytes)  # whoever reads along need not wait for the disk
        # The disk and a processor, side by side.
        finished = digest.finish(size_bytes) if self._is_hashed else _nothing()
        sha256, _ = await asyncio.gather(finished, run_blocking(self._part.flush_blocking))
        container = sniff_container(self._part.read_at(SNIFF_BYTES, 0))
        await run_blocking(self._part.publish_blocking)
        return Fetched(
            path=self._part.path,
            size_bytes=size_bytes,
            sha256=sha256,
            fetched_bytes=self.received_bytes,
            resumed_bytes=resumed_bytes,
            container=container,
            duration_s=self.duration_s,
        )


async def _nothing() -> None:
    """Instead of a digest."""
