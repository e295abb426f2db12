"""A file that still arrives, and what passes it on to ffmpeg meanwhile, through a FIFO."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.domain.media import MediaInfo, Role
from core.media.recipe import Input
from core.net.transfer.blocking import run_in

_PIPE_BYTES = 1 << 20
#: How often a FIFO is tried until ffmpeg has opened its end.
_OPEN_EVERY_S = 0.01


class Arrival:
    """A file that comes in order, from its start.

    Args:
        role: What it is for.
        path: Its name once it is whole; until then it is `<path>.part`.
    """

    def __init__(self, role: Role, path: Path) -> None:
        self.role = role
        self.path = path
        self.there_bytes = 0
        #: No more will come.
        self.is_whole = False
        self._moved = asyncio.Event()

    @property
    def file(self) -> Path:
        """Where it is now."""
        return self.path if self.path.exists() else self.path.with_name(self.path.name + ".part")

    def tell(self, there_bytes: int, *, is_whole: bool = False) -> bool:
        """So much is there for good. False where that contradicts what was told: what was read was wrong."""
        is_good = there_bytes == self.there_bytes or (there_bytes > self.there_bytes and not self.is_whole)
        self.there_bytes, self.is_whole = there_bytes, is_whole
        self._moved.set()
        return is_good

    def input(self, beginning: MediaInfo) -> Input:
        """The whole file, of which the prober saw the *beginning*."""
        return Input(self.role, self.path, replace(beginning, size_bytes=self.there_bytes, duration_s=None))

    async def until(self, position: int) -> None:
        """Return when more than *position* bytes are there, or all."""
        while self.there_bytes <= position and not self.is_whole:
            self._moved.clear()
            await self._moved.wait()


async def feed(arrival: Arrival, fifo: Path) -> bool:
    """Pass on what arrives until all has; False when ffmpeg stopped reading before, or the file was cut."""
    source = os.open(arrival.file, os.O_RDONLY | os.O_CLOEXEC)
    # In a thread of its own: a busy event loop would fill the pipe once a turn, and ffmpeg wait for the next.
    thread = ThreadPoolExecutor(1, thread_name_prefix="feed")
    try:
        pipe = await _open(fifo)
        try:
            position = 0
            while True:
                await arrival.until(position)
                start, position = position, arrival.there_bytes
                if position <= start:
                    return True
                if not await run_in(thread, partial(_pass_on_blocking, source, pipe, start, position)):
                    return False
        except BrokenPipeError:
            return False
        finally:
            os.close(pipe)
    finally:
        thread.shutdown(wait=False)
        os.close(source)


async def _open(fifo: Path) -> int:
    """The writing end, once somebody has the reading one."""
    while True:
        try:
            pipe = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            await asyncio.sleep(_OPEN_EVERY_S)
        else:
            with contextlib.suppress(AttributeError, OSError):  # Linux, and only as far as it allows
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            os.set_blocking(pipe, True)
            return pipe


def _pass_on_blocking(source: int, pipe: int, start: int, end: int) -> bool:
    """Bytes of a file, which were written a moment ago; on Linux nothing is copied. False if they are gone.

    Raises:
        BrokenPipeError: ffmpeg reads no more.
    """
    while start < end:
        count = min(end - start, _PIPE_BYTES)
        if sys.platform == "linux":
            moved = os.splice(source, pipe, count, offset_src=start)
        else:
            moved = os.write(pipe, os.pread(source, count, start))
        if not moved:
            return False
        start += moved
    return True
