"""Make the finished file: remux, merge or convert what was fetched, unless it is right as it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import MediaFailure
from core.domain.media import MediaInfo, StreamInfo
from core.media.arguments import SOFTWARE, VideoEncoder, even_sound_argv, postprocess_argv
from core.media.chapters import ffmetadata, spans
from core.media.encoders import choose_encoder
from core.media.faststart import read_layout
from core.media.ffmpeg import Ffmpeg
from core.media.ffmpeg_run import Work, flushed, publish, run_ffmpeg, settle
from core.media.forerun import Early
from core.media.fragments import straighten_blocking
from core.media.index_room import room_for_index
from core.media.m4a import wrap_blocking
from core.media.prober import Whole
from core.media.recipe import Input, Recipe, Wanted, extension_of, plan
from core.media.tags import write_tags_blocking
from core.net.transfer.blocking import run_blocking

__all__ = ["Input", "Made", "Recipe", "Wanted", "extension_of", "plan", "postprocess"]


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file."""

    path: Path
    #: None for an input that is right as it is.
    sha256: str | None
    #: What it holds, where it had been made while its inputs arrived.
    seen: Whole | None = None


async def postprocess(
    ffmpeg: Ffmpeg,
    inputs: Sequence[Input],
    wanted: Wanted,
    out_stem: Path,
    *,
    timeout_s: float,
    stall_s: float,
    progress: Callable[[float], None],
    early: Early | None = None,
) -> Made:
    """Follow `plan` and return the finished file: `<out_stem>.<extension>`, or an input that needed nothing.

    The file appears under its name only when it is whole and on disk. An input that is returned as it is gets
    no tags; `core.media.tags.write_tags` adds them where that is wanted.

    Args:
        ffmpeg: From `locate`.
        inputs: The fetched files, probed. Where the times of a fragmented one jump they are mended in place.
        wanted: What the result should be.
        out_stem: Path of the result without its extension, on the disk of the inputs.
        timeout_s: For a run of ffmpeg.
        stall_s: A run without progress for this long is stopped.
        progress: Gets the done share, 0 to 1, rising.
        early: Was made while the inputs arrived; taken where it fits.

    Raises:
        MediaFailure: ffmpeg failed; says why.
        DiskFull: There is no room for the result.
        StageTimeout: It took too long.
        Stalled: ffmpeg came to a standstill.
        FormatNotFound: The inputs do not hold what is wanted.
    """
    recipe = plan(inputs, wanted)
    if recipe.keep is not None:
        progress(1.0)
        return Made(recipe.keep, None)
    result = out_stem.with_name(f"{out_stem.name}.{recipe.extension}")
    part = out_stem.with_name(f"{out_stem.name}.part.{recipe.extension}")
    seen: Whole | None = None
    even = out_stem.with_name(f"{out_stem.name}.even.flac")
    chapters = out_stem.with_name(f"{out_stem.name}.chapters.txt")
    work = Work(
        duration_s=recipe.duration_s,
        size_bytes=sum(item.info.size_bytes for item in recipe.inputs),
        timeout_s=timeout_s,
        stall_s=stall_s,
        progress=progress,
    )
    try:
        for item in recipe.inputs:
            if item.info.is_fragmented:
                await asyncio.to_thread(straighten_blocking, item.path)
        if recipe.lacks_times:
            recipe = await _evened(ffmpeg, recipe, even, work)
        if early is not None and early.fits(recipe, wanted):
            await asyncio.to_thread(_check_and_tag_blocking, recipe, wanted, early.path)
            digest, seen = early.sha256, early.seen
            await publish(early.path, result)
        else:
            await _make(ffmpeg, recipe, wanted, part, chapters, work)
            await asyncio.to_thread(_check_and_tag_blocking, recipe, wanted, part)
            digest = await settle(part)
            await publish(part, result)
    finally:
        for path in (part, even, chapters):
            path.unlink(missing_ok=True)
    progress(1.0)
    return Made(result, digest, seen)


async def _make(
    ffmpeg: Ffmpeg, recipe: Recipe, wanted: Wanted, part: Path, chapters: Path, work: Work
) -> None:
    named = spans(wanted.tags.chapters, recipe.duration_s) if recipe.extension != "mp3" else []
    if named:
        await asyncio.to_thread(chapters.write_text, ffmetadata(named), encoding="utf-8")
    elif recipe.is_raw_sound_copy and await _wrap(recipe, wanted, part):
        return
    converts = recipe.video is not None and recipe.video.convert_to is not None
    encoder = await choose_encoder(ffmpeg, use_hardware=wanted.use_hardware and converts)
    index_bytes = await asyncio.to_thread(_room_for_index_blocking, recipe, wanted)

    async def follow(encoder: VideoEncoder, index_bytes: int | None = None) -> None:
        argv = postprocess_argv(
            ffmpeg,
            recipe,
            wanted.tags,
            part,
            encoder=encoder,
            chapters=chapters if named else None,
            cover=wanted.cover if recipe.extension != "mp3" else None,
            index_bytes=index_bytes,
        )
        async with flushed(part) if index_bytes else contextlib.nullcontext():
            await run_ffmpeg(argv, part.parent, replace(work, limits_memory=encoder == SOFTWARE))

    try:
        await follow(encoder, index_bytes)
    except MediaFailure:
        if encoder == SOFTWARE and not index_bytes:
            raise
        # A card refuses what it does not know: sizes, formats, too many at once. x264 takes anything. And the
        # index may have needed more room after all.
        await follow(SOFTWARE)


async def _wrap(recipe: Recipe, wanted: Wanted, part: Path) -> bool:
    cover = await asyncio.to_thread(wanted.cover.read_bytes) if wanted.cover else None
    return await run_blocking(wrap_blocking, recipe.inputs[0].path, part, wanted.tags, cover)


async def _evened(ffmpeg: Ffmpeg, recipe: Recipe, even: Path, work: Work) -> Recipe:
    """The recipe with its sound brought into one form, which goes before the true conversion."""
    assert recipe.audio
    source = recipe.inputs[recipe.audio.input]
    # Lossless takes far more room than the source; nor is its length known.
    silent = replace(work, duration_s=None, size_bytes=work.size_bytes * 10, progress=lambda _share: None)
    await run_ffmpeg(even_sound_argv(ffmpeg, source, even), even.parent, silent)
    info = MediaInfo(
        container="flac",
        size_bytes=(await asyncio.to_thread(even.stat)).st_size,
        duration_s=None,
        streams=(StreamInfo(type="audio", codec="flac", channels=2),),
    )
    inputs = list(recipe.inputs)
    inputs[recipe.audio.input] = Input(source.role, even, info)
    return replace(recipe, inputs=tuple(inputs))


def _room_for_index_blocking(recipe: Recipe, wanted: Wanted) -> int | None:
    """Bytes that the index of the result needs at most, None where that is hard to say."""
    if not recipe.is_mp4_copy:
        return None
    of_inputs_bytes = sum(read_layout(item.path).index_bytes for item in recipe.inputs)
    return room_for_index(
        recipe, wanted, duration_s=recipe.duration_s or 0.0, of_inputs_bytes=of_inputs_bytes
    )


def _check_and_tag_blocking(recipe: Recipe, wanted: Wanted, part: Path) -> None:
    if recipe.extension == "mp3":  # ffmpeg hides a comment in MP3 from most players
        cover = wanted.cover.read_bytes() if wanted.cover else None
        write_tags_blocking(part, wanted.tags, cover)
    if recipe.extension in {"mp4", "m4a"}:
        layout = read_layout(part)
        if not layout.is_faststart or layout.is_fragmented or layout.is_cut_short:
            raise MediaFailure("ffmpeg left the result without its index in front")
