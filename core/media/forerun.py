"""A remux that runs while its input still arrives, so that little is left to do when the last byte is here.

ffmpeg reads each input through a FIFO: for ffmpeg a file without an end, which it may neither seek in nor
open anew. Of what a download leaves behind only MPEG-TS, the usual form of HLS, can be read so. Raw sound is
not ffmpeg's: it is wrapped as soon as it is whole.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from core.domain.errors import JobError, MediaFailure
from core.media.arguments import postprocess_argv
from core.media.arrival import Arrival, feed
from core.media.ffmpeg import Ffmpeg
from core.media.ffmpeg_run import Work, flushed, run_ffmpeg, settle
from core.media.index_room import room_for_index
from core.media.m4a import wrap_blocking
from core.media.prober import Prober, Whole
from core.media.recipe import Input, Recipe, Wanted, plan
from core.net.transfer.blocking import run_blocking

T = TypeVar("T")

#: So much of an input shows its streams; it is what ffmpeg itself looks at (its `probesize`).
PROBE_BYTES = 5_000_000
#: Nobody knows how long the result will be: a bound against a run-away ffmpeg, no more.
_MOST_BYTES = 1 << 40


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
    result = out_stem.with_name(f"{out_stem.name}.{recipe.extension}")
    if recipe.is_raw_sound_copy and not wanted.tags.chapters:
        is_made = await _wrap(arrivals[0], wanted, result)
    else:
        is_made = _can_be_streamed(recipe, wanted) and await _stream(
            ffmpeg, arrivals, recipe, wanted, result, duration_s=duration_s, timeout_s=timeout_s
        )
    if not is_made:
        return None
    try:
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(prober.whole(result))
            films = arrivals if recipe.video else []
            uneven = [group.create_task(_wherever(film, prober.is_uneven)) for film in films]
            digest = await settle(result)
    except* JobError as errors:
        raise errors.exceptions[0] from errors
    if any(task.result() for task in uneven):
        return None  # its beginning did not show that
    whole = [arrival.input(item.info) for arrival, item in zip(arrivals, inputs, strict=True)]
    return Early(whole, recipe, wanted, result, digest, seen.result())


async def _wrap(arrival: Arrival, wanted: Wanted, result: Path) -> bool:
    """Raw sound has to be whole for its index; whether it is of the kind that is wrapped without ffmpeg."""
    await arrival.until(sys.maxsize)
    cover = await asyncio.to_thread(wanted.cover.read_bytes) if wanted.cover else None
    return await _wherever(
        arrival, lambda path: run_blocking(wrap_blocking, path, result, wanted.tags, cover)
    )


async def _wherever(arrival: Arrival, do: Callable[[Path], Awaitable[T]]) -> T:
    """Do something with a whole file, which may just get its name."""
    try:
        return await do(arrival.file)
    except MediaFailure:
        return await do(arrival.file)


async def _stream(
    ffmpeg: Ffmpeg,
    arrivals: Sequence[Arrival],
    recipe: Recipe,
    wanted: Wanted,
    result: Path,
    *,
    duration_s: float | None,
    timeout_s: float,
) -> bool:
    """Have ffmpeg read what arrives; whether it read all."""
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
            fed = [group.create_task(feed(arrival, fifo)) for arrival, fifo in feeds]
            async with flushed(result):
                await run_ffmpeg(argv, result.parent, work)
            for task in fed:
                task.cancel()  # one that is not done by now was not read to its end
    finally:
        for _, fifo in feeds:
            fifo.unlink(missing_ok=True)
    return all(not task.cancelled() and task.result() for task in fed)


def _can_be_streamed(recipe: Recipe, wanted: Wanted) -> bool:
    streams = [stream for stream in (recipe.video, recipe.audio) if stream]
    return (
        recipe.keep is None
        and recipe.video is not None
        and not any(stream.convert_to for stream in streams)
        and all(item.info.container == "mpegts" for item in recipe.inputs)
        and not wanted.tags.chapters
    )
