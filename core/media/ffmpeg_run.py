"""Run ffmpeg on local files: watched, limited, and its failures told in one line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import DiskFull, JobError, MediaFailure, Stalled
from core.domain.text import for_log
from core.media.child import ChildResult, run_child
from core.media.digest import sha256
from core.media.process_group import ResourceLimits
from core.net.transfer.blocking import run_blocking

log = logging.getLogger("reeldeck.media")

#: A result may be this much larger than its sources: Opus of 32 kbit/s becomes AAC of 192. More is a fault.
_MAX_GROWTH = 8
_MAX_GROWTH_BYTES = 1024**3
#: Enough for x264 at 4K; drivers of graphics cards reserve far more, so they go without.
_MAX_MEMORY_BYTES = 8 * 1024**3
#: To put the index in front ffmpeg moves the whole file in silence, on a slow disk at this speed.
_SLOW_DISK_BPS = 10 * 1024**2

#: A disk writes some hundred megabytes in this time: no more is left in the end.
_FLUSH_EVERY_S = 0.2

#: What `-progress` tells that only rises while work is done.
_SIGNS_OF_LIFE = frozenset({"out_time_us", "total_size", "frame"})
_LOG_PREFIX = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+")
_FOLDER = re.compile(r"(?:file:)?(?:/[^/\s:'\"]+)*/(?=[^/\s])")
#: What ffmpeg says after the line that tells what is wrong.
_VAGUE = re.compile(
    r"^(Error (opening|while|submitting|muxing)|Conversion failed|Task finished|Terminating|Last message)"
)
_MAX_REASON = 200
_NO_ROOM = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run has before it."""

    #: Length of the result, None when it is not known.
    duration_s: float | None
    #: Of all inputs.
    size_bytes: int
    #: For the whole run.
    timeout_s: float
    #: Without progress for this long it is stopped.
    stall_s: float
    #: Gets the done share, 0 to 1, rising; never 1.
    progress: Callable[[float], None]
    #: False where a driver reserves address space at will.
    limits_memory: bool = True


async def run_ffmpeg(argv: Sequence[str], cwd: Path, work: Work) -> None:
    """Run a command of `core.media.arguments` to its end.

    Raises:
        MediaFailure: It failed; says why.
        DiskFull: There is no room for the result.
        StageTimeout: It took too long.
        Stalled: It came to a standstill.
    """
    log.debug("ffmpeg", extra={"command": " ".join(argv)})
    limits = ResourceLimits(
        file_bytes=work.size_bytes * _MAX_GROWTH + _MAX_GROWTH_BYTES,
        memory_bytes=_MAX_MEMORY_BYTES if work.limits_memory else None,
    )
    loop = asyncio.get_running_loop()
    patience_s = work.stall_s + work.size_bytes / _SLOW_DISK_BPS
    try:
        async with asyncio.timeout(patience_s) as clock:
            watch = _Watch(work, lambda: clock.reschedule(loop.time() + patience_s))
            done = await run_child(argv, cwd=cwd, timeout_s=work.timeout_s, on_line=watch.line, limits=limits)
    except TimeoutError as error:
        raise Stalled(f"ffmpeg did nothing for {patience_s:.0f} s") from error
    if done.returncode != 0:
        raise _failure(done)


@contextlib.asynccontextmanager
async def flushed(output: Path) -> AsyncIterator[None]:
    """Have what is written to *output* reach the disk meanwhile, so that little is left to wait for.

    Not for a run that moves all of it in the end. Raises as `settle` does.
    """
    is_over = asyncio.Event()
    flushing = asyncio.create_task(_flush_often(output, is_over))
    try:
        yield
    finally:
        is_over.set()
        await flushing  # never cancelled: a disk tells of a failure only once


async def _flush_often(output: Path, is_over: asyncio.Event) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(is_over.wait(), _FLUSH_EVERY_S)
            return
        await run_blocking(_flush_blocking, output)


def _flush_blocking(output: Path) -> None:
    if output.exists():
        sync_blocking(output)


async def settle(part: Path) -> str:
    """Wait until a file that is whole is on disk; returns its SHA-256, which is computed meanwhile.

    Raises:
        DiskFull: There is no room.
        MediaFailure: The disk fails.
    """
    try:
        async with asyncio.TaskGroup() as group:
            digest = group.create_task(sha256(part))
            await asyncio.to_thread(sync_blocking, part)
    except* JobError as errors:
        raise errors.exceptions[0] from errors
    return digest.result()


async def publish(part: Path, result: Path) -> None:
    """Give a file that is on disk its name.

    Raises:
        DiskFull: There is no room.
        MediaFailure: The disk fails.
    """
    await asyncio.to_thread(_rename_blocking, part, result)


def _rename_blocking(part: Path, result: Path) -> None:
    with disk_failures(result):
        part.replace(result)
    sync_blocking(result.parent)


def sync_blocking(path: Path) -> None:
    """Wait until a file or a folder is on disk; raises as `publish` does."""
    with disk_failures(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def disk_failures(path: Path) -> Iterator[None]:
    """Raise what the file system does to *path* as an error of ours.

    Raises:
        DiskFull: There is no room.
        MediaFailure: Anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"no room for {path.name}") from error
        raise MediaFailure(f"{path.name} could not be finished: {error.strerror}") from error


class _Watch:
    """Turns what `-progress` tells into the done share, and tells that it lives."""

    def __init__(self, work: Work, alive: Callable[[], None]) -> None:
        self._work = work
        self._alive = alive
        self._share = 0.0
        self._highest: dict[str, int] = {}

    def line(self, line: str) -> None:
        name, _, value = line.partition("=")
        # N/A before the first frame; negative while it seeks
        if name not in _SIGNS_OF_LIFE or not value.strip().isdecimal():
            return
        count = int(value)
        if count > self._highest.get(name, 0):
            self._highest[name] = count
            self._alive()
        duration_s, size_bytes = self._work.duration_s, self._work.size_bytes
        if duration_s and name == "out_time_us":
            self._advance(count / 1e6 / duration_s)
        elif not duration_s and name == "total_size" and size_bytes:
            self._advance(count / size_bytes)

    def _advance(self, share: float) -> None:
        # All of it is only done once the file has its name.
        share = min(share, 0.99)
        if share > self._share:
            self._share = share
            self._work.progress(share)


def _failure(done: ChildResult) -> DiskFull | MediaFailure:
    """Why ffmpeg failed, in one line without folders."""
    if any(words in done.stderr_tail for words in _NO_ROOM):
        return DiskFull("ffmpeg could not write the result")
    if done.returncode == -signal.SIGXFSZ:
        return MediaFailure("the result grew far larger than its sources")
    if done.returncode < 0:
        return MediaFailure(f"ffmpeg was ended by {signal.Signals(-done.returncode).name}")
    lines = [_LOG_PREFIX.sub("", line).strip() for line in done.stderr_tail.splitlines()]
    lines = [line for line in lines if line]
    telling = [line for line in lines if not _VAGUE.match(line)]
    reason = (telling or lines or [f"exit status {done.returncode}"])[0]
    return MediaFailure(f"ffmpeg: {for_log(_FOLDER.sub('', reason))[:_MAX_REASON]}")
