"""A remux that runs while its input still arrives, so that little is left to do when the last byte is here.

ffmpeg reads each input through a FIFO: for ffmpeg a file without an end, which it may neither seek in nor
open anew. Of what a download leaves behind only MPEG-TS, the usual form of HLS, can be read so.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.domain.errors import JobError
from core.domain.media import MediaInfo, Role
from core.media.arguments import postprocess_argv
from core.media.ffmpeg import Ffmpeg
from core.media.ffmpeg_run import Work, flushed, run_ffmpeg, settle
from core.media.index_room import room_for_index
from core.media.prober import Prober, Whole
from core.media.recipe import Input, Recipe, Wanted, plan
from core.net.transfer.blocking import run_in

#: So much of an input shows its streams; it is what ffmpeg itself looks at (its `probesize`).
PROBE_BYTES = 5_000_000
_PIPE_BYTES = 1 << 20
#: How often a FIFO is tried until ffmpeg has opened its end.
_OPEN_EVERY_S = 0.01
#: Nobody knows how long the result will be: a bound against a run-away ffmpeg, no more.
_MOST_BYTES = 1 << 40


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


@dataclass(frozen=True, slots=True)
class Early:
    """A remux that was made ahead."""

    inputs: Sequence[Input]
    recipe: Recipe
    wanted: Wanted
    #: It is on disk.
    path: Path
    sha256: str
    #: What it holds.
    seen: Whole

    def fits(self, recipe: Recipe, wanted: Wanted) -> bool:
        """Whether it is what would be made now that the inputs are whole."""
        return self.wanted == wanted and replace(recipe, inputs=()) == replace(self.recipe, inputs=())


async def run_ahead(
    ffmpeg: Ffmpeg,
    prober: Prober,
    arrivals: Sequence[Arrival],
    wanted: Wanted,
    out_stem: Path,
    *,
    duration_s: float | None,
    timeout_s: float,
) -> Early | None:
    """Remux *arrivals* as they come; None where that would be no mere copying, or nothing is saved by it.

    Args:
        ffmpeg: From `locate`.
        prober: Looks at the beginnings.
        arrivals: The inputs.
        wanted: What the result should be.
        out_stem: Path of the result without its extension; FIFOs are made beside it.
        duration_s: Expected length, None when it is not known.
        timeout_s: For the run of ffmpeg, downloads included.

    Raises:
        JobError: It failed. Nothing is lost: the whole files can still be processed.
    """
    inputs: list[Input] = []
    for arrival in arrivals:
        await arrival.until(PROBE_BYTES)
        if arrival.is_whole:
            return None
        info = await prober.probe(arrival.file, measure=False)
        inputs.append(Input(arrival.role, arrival.file, info))
    recipe = plan(inputs, wanted)
    if not _can_be_streamed(recipe, wanted):
        return None
    result = out_stem.with_name(f"{out_stem.name}.{recipe.extension}")
    # A recipe may leave inputs out.
    feeds = [
        (arrival, result.with_name(f"{result.name}.{number}.fifo"))
        for number, item in enumerate(recipe.inputs)
        for arrival in arrivals
        if arrival.role is item.role
    ]
    piped = tuple(replace(item, path=fifo) for item, (_, fifo) in zip(recipe.inputs, feeds, strict=True))
    argv = postprocess_argv(
        ffmpeg,
        replace(recipe, inputs=piped),
        wanted.tags,
        result,
        cover=wanted.cover,
        index_bytes=room_for_index(recipe, wanted, duration_s=duration_s) if duration_s else None,
    )
    work = Work(
        duration_s=None,
        size_bytes=_MOST_BYTES,
        timeout_s=timeout_s,
        stall_s=timeout_s,
        progress=lambda _share: None,
    )
    try:
        for _, fifo in feeds:
            os.mkfifo(fifo, 0o600)
        async with asyncio.TaskGroup() as group:
            fed = [group.create_task(_feed(arrival, fifo)) for arrival, fifo in feeds]
            async with flushed(result):
                await run_ffmpeg(argv, result.parent, work)
            for task in fed:
                task.cancel()  # one that is not done by now was not read to its end
    finally:
        for _, fifo in feeds:
            fifo.unlink(missing_ok=True)
    if not all(not task.cancelled() and task.result() for task in fed):
        return None
    try:
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(prober.whole(result))
            uneven = [group.create_task(prober.is_uneven(arrival.file)) for arrival in arrivals]
            digest = await settle(result)
    except* JobError as errors:
        raise errors.exceptions[0] from errors
    if any(task.result() for task in uneven):
        return None  # its beginning did not show that
    whole = [arrival.input(item.info) for arrival, item in zip(arrivals, inputs, strict=True)]
    return Early(whole, recipe, wanted, result, digest, seen.result())


def _can_be_streamed(recipe: Recipe, wanted: Wanted) -> bool:
    streams = [stream for stream in (recipe.video, recipe.audio) if stream]
    return (
        recipe.keep is None
        and recipe.video is not None
        and not any(stream.convert_to for stream in streams)
        and all(item.info.container == "mpegts" for item in recipe.inputs)
        and not wanted.tags.chapters
    )


async def _feed(arrival: Arrival, fifo: Path) -> bool:
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
