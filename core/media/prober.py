"""What is in a media file, asked of a warm process that may crash, hang or be led astray without harm."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.errors import MediaFailure, Unknown
from core.domain.media import MediaInfo, Picture, Tags
from core.domain.text import for_log
from core.media.child import WorkerProcess, python_worker
from core.media.cuts import CutPoint
from core.media.process_group import ResourceLimits

#: A process is replaced after so many files: what a library leaks stays small.
RECYCLE_AFTER = 500

#: A file that must be read whole is read at least this fast.
_SLOW_DISK_BPS = 10 * 1024**2
_LIMITS = ResourceLimits(memory_bytes=4 * 1024**3, file_bytes=0)


@dataclass(frozen=True, slots=True)
class Whole:
    """What a file holds, and what `Prober.check_ending` would raise."""

    info: MediaInfo
    fault: MediaFailure | None


class Prober:
    """Opens files in worker processes, which start at first use; callers beyond their number queue.

    Args:
        workers: Files that are opened at the same time.
        timeout_s: For one file; measuring hours of sound takes seconds.
    """

    def __init__(self, *, workers: int = 1, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(workers)
        self._slots = [_Slot() for _ in range(workers)]
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def probe(self, path: Path, *, measure: bool = True) -> MediaInfo:
        """Container, streams and duration of *path*.

        Args:
            path: A local file.
            measure: Where no header tells the duration (raw AAC, fragmented MP4, some MP3), read the whole
                file for it. Without, it is None then.

        Raises:
            MediaFailure: It is no media file, or damaged, or it made the worker crash or hang.
        """
        return MediaInfo.from_json(await self._ask(path, op="probe", measure=measure))

    async def whole(self, path: Path) -> Whole:
        """`probe` without measuring, and `check_ending`, in one visit.

        Raises:
            MediaFailure: As with `probe`.
        """
        told = await self._ask(path, op="whole")
        fault = told["fault"]
        return Whole(MediaInfo.from_json(told["info"]), None if fault is None else _failure(path, fault))

    async def is_uneven(self, path: Path) -> bool:
        """Whether the form of the sound in an MPEG transport stream changes on the way.

        Raises:
            MediaFailure: It cannot be read.
        """
        return bool(await self._ask(path, op="uneven"))

    async def picture(self, path: Path, *, at_s: float, longest: int, max_bytes: int) -> Picture:
        """The key frame before *at_s*, or the cover of a file without a film, as a player shows it.

        No side has more than *longest* points, and all of it no more than *max_bytes*.

        Raises:
            MediaFailure: As with `probe`, or there is nothing to be seen.
        """
        limits = {"longest": longest, "max_bytes": max_bytes}
        jpeg, width, height = await self._ask(path, op="picture", at_s=at_s, **limits)
        return Picture(base64.b64decode(jpeg), width, height)

    async def cover(self, path: Path) -> bytes:
        """A picture file (JPEG, PNG, WebP, AVIF, GIF) as a JPEG, no side longer than 1280 pixels.

        Raises:
            MediaFailure: It is no picture, or a monstrous one.
        """
        return base64.b64decode(await self._ask(path, op="cover"))

    async def tags(self, path: Path) -> Tags:
        """What *path* says of itself; of no more worth than whoever made it.

        Raises:
            MediaFailure: As with `probe`.
        """
        return Tags(**await self._ask(path, op="tags"))

    async def cut_points(self, path: Path) -> list[CutPoint]:
        """Where a media file can be cut, in order; the last one is its end. Reads the whole file.

        Raises:
            MediaFailure: As with `probe`.
        """
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        patience_s = self._timeout_s + size_bytes / _SLOW_DISK_BPS
        return [CutPoint(*point) for point in await self._ask(path, timeout_s=patience_s, op="cuts")]

    async def check_ending(self, path: Path) -> None:
        """Decode the last seconds of a media file, where its container lets one jump there.

        Raises:
            MediaFailure: It ends early, or its end is damaged.
        """
        await self._ask(path, op="ending")

    async def close(self) -> None:
        """End the workers; whoever still waits for one gets an error."""
        self._is_closed = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.gather(*(slot.close() for slot in self._slots))

    async def _ask(self, path: Path, *, timeout_s: float | None = None, **request: object) -> Any:
        if self._is_closed:
            raise Unknown("the prober is closed")
        # In a task of its own: a cancelled caller leaves at once, and the answer it no longer wants is still
        # taken from the pipe, so that the worker stays usable.
        task = asyncio.create_task(self._exchange({"path": _absolute(path), **request}, timeout_s))
        self._running.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait({task})
        if task.cancelled():
            raise Unknown("the prober was closed")
        answer = task.result()
        if "error" in answer:
            raise _failure(path, answer["error"])
        return answer["result"]

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to see it

    async def _exchange(self, request: dict[str, Any], timeout_s: float | None) -> dict[str, Any]:
        async with self._free:
            slot = self._slots.pop()
            try:
                return await slot.exchange(request, timeout_s or self._timeout_s)
            finally:
                self._slots.append(slot)


class _Slot:
    """Place of one worker at a time."""

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self._served = 0

    async def exchange(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if self._served >= RECYCLE_AFTER:
            await self.close()
        if self._worker is None:
            self._worker = await WorkerProcess.start(
                python_worker("core.media.probe_worker"), cwd=Path("/"), limits=_LIMITS
            )
            self._served = 0
        worker = self._worker
        self._served += 1
        worker.send({"id": self._served, **request})
        answer = None
        trouble = f"it could not be read within {timeout_s:g} s"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                answer = await worker.receive()
                trouble = "reading it made the prober fail"
        if answer is None or answer.get("id") != self._served:
            await self.close()
            return {"error": f"{trouble} ({_last_words(worker)})" if _last_words(worker) else trouble}
        return answer

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close(grace_s=0)


def _failure(path: Path, why: object) -> MediaFailure:
    return MediaFailure(f"{for_log(path.name)}: {for_log(str(why))}")


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _last_words(worker: WorkerProcess) -> str:
    lines = worker.stderr_tail.strip().splitlines()
    return lines[-1][:200] if lines else ""
