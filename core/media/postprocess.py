"""Make the finished file: remux, merge or convert what was fetched, unless it is right as it is."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from core.domain.errors import DiskFull, MediaFailure
from core.domain.text import for_log
from core.media.arguments import SOFTWARE, VideoEncoder, postprocess_argv
from core.media.child import ChildResult, run_child
from core.media.encoders import choose_encoder
from core.media.ffmpeg import Ffmpeg
from core.media.process_group import ResourceLimits
from core.media.recipe import Input, Recipe, Wanted, extension_of, plan
from core.media.tags import write_tags_blocking

__all__ = ["Input", "Recipe", "Wanted", "extension_of", "plan", "postprocess"]

#: A result may be this much larger than its sources: Opus of 32 kbit/s becomes AAC of 192. More is a fault.
_MAX_GROWTH = 8
_MAX_GROWTH_BYTES = 1024**3
#: Enough for x264 at 4K; drivers of graphics cards reserve far more, so they go without.
_MAX_MEMORY_BYTES = 8 * 1024**3

_LOG_PREFIX = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+")
_FOLDER = re.compile(r"(?:file:)?(?:/[^/\s:'\"]+)*/(?=[^/\s])")
#: What ffmpeg says after the line that tells what is wrong.
_VAGUE = re.compile(
    r"^(Error (opening|while|submitting|muxing)|Conversion failed|Task finished|Terminating|Last message)"
)
_MAX_REASON = 200
_NO_ROOM = ("No space left on device", "Disk quota exceeded")


async def postprocess(
    ffmpeg: Ffmpeg,
    inputs: Sequence[Input],
    wanted: Wanted,
    out_stem: Path,
    *,
    timeout_s: float,
    progress: Callable[[float], None],
) -> Path:
    """Follow `plan` and return the finished file: `<out_stem>.<extension>`, or an input that needed nothing.

    The file appears under its name only when it is whole and on disk. An input that is returned as it is gets
    no tags; `core.media.tags.write_tags` adds them where that is wanted.

    Args:
        ffmpeg: From `locate`.
        inputs: The fetched files, probed.
        wanted: What the result should be.
        out_stem: Path of the result without its extension, on the disk of the inputs.
        timeout_s: For a run of ffmpeg.
        progress: Gets the done share, 0 to 1, rising.

    Raises:
        MediaFailure: ffmpeg failed; says why.
        DiskFull: There is no room for the result.
        StageTimeout: It took too long.
        FormatNotFound: The inputs do not hold what is wanted.
    """
    recipe = plan(inputs, wanted)
    if recipe.keep is not None:
        progress(1.0)
        return recipe.keep
    result = out_stem.with_name(f"{out_stem.name}.{recipe.extension}")
    part = out_stem.with_name(f"{out_stem.name}.part.{recipe.extension}")
    converts = recipe.video is not None and recipe.video.convert_to is not None
    encoder = await choose_encoder(ffmpeg, use_hardware=wanted.use_hardware and converts)
    watch = _Watch(recipe, progress)

    async def follow(encoder: VideoEncoder) -> None:
        argv = postprocess_argv(ffmpeg, recipe, wanted.tags, part, encoder=encoder)
        limits = _limits(recipe, encoder)
        done = await run_child(argv, cwd=part.parent, timeout_s=timeout_s, on_line=watch.line, limits=limits)
        if done.returncode != 0:
            raise _failure(done)

    try:
        try:
            await follow(encoder)
        except MediaFailure:
            if encoder == SOFTWARE:
                raise
            # A card refuses what it does not know: sizes, formats, too many at once. x264 takes anything.
            await follow(SOFTWARE)
        await asyncio.to_thread(_finish_blocking, recipe, wanted, part, result)
    finally:
        part.unlink(missing_ok=True)
    progress(1.0)
    return result


class _Watch:
    """Turns what `-progress` tells into the done share."""

    def __init__(self, recipe: Recipe, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._share = 0.0
        self._duration_s = recipe.duration_s
        self._size_bytes = sum(item.info.size_bytes for item in recipe.inputs)

    def line(self, line: str) -> None:
        name, _, value = line.partition("=")
        if not value.strip().isdecimal():  # N/A before the first frame; negative while it seeks
            return
        if self._duration_s and name == "out_time_us":
            self._advance(int(value) / 1e6 / self._duration_s)
        elif not self._duration_s and name == "total_size" and self._size_bytes:
            self._advance(int(value) / self._size_bytes)

    def _advance(self, share: float) -> None:
        # All of it is only done once the file has its name.
        share = min(share, 0.99)
        if share > self._share:
            self._share = share
            self._progress(share)


def _limits(recipe: Recipe, encoder: VideoEncoder) -> ResourceLimits:
    size_bytes = sum(item.info.size_bytes for item in recipe.inputs)
    return ResourceLimits(
        file_bytes=size_bytes * _MAX_GROWTH + _MAX_GROWTH_BYTES,
        memory_bytes=_MAX_MEMORY_BYTES if encoder == SOFTWARE else None,
    )


def _finish_blocking(recipe: Recipe, wanted: Wanted, part: Path, result: Path) -> None:
    # In MP4 and MKV ffmpeg wrote the tags already: adding them here would move the whole file once more.
    if recipe.extension == "mp3" or (recipe.extension == "m4a" and wanted.cover):
        write_tags_blocking(part, wanted.tags, wanted.cover)
    try:
        _sync(part)
        part.replace(result)
        _sync(result.parent)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"no room for {result.name}") from error
        raise MediaFailure(f"{result.name} could not be finished: {error.strerror}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
