"""Cut a file that is over a limit into parts that each play by themselves.

Nothing is encoded anew: parts begin at key frames, and every packet of the file is in exactly one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import MediaFailure, SizeLimit
from core.domain.media import MediaInfo, Role, Tags
from core.media.arguments import segment_argv
from core.media.cuts import choose_cuts
from core.media.faststart import read_layout
from core.media.ffmpeg import Ffmpeg
from core.media.ffmpeg_run import Work, publish, run_ffmpeg, sync_blocking
from core.media.prober import Prober
from core.media.recipe import Input, extension_of
from core.media.tags import write_tags_blocking

#: Muxers of the containers that can be split, by extension.
_MUXERS: Mapping[str, str] = {
    "mp4": "mp4",
    "m4a": "ipod",
    "mkv": "matroska",
    "webm": "webm",
    "mp3": "mp3",
    "ogg": "ogg",
    "opus": "ogg",
}
#: A part that came out too large makes all be cut anew, smaller by this.
_SMALLER = 0.95
_ATTEMPTS = 3
#: Each cut may move the border between sound and picture by less than a frame of both.
_SLACK_PER_PART_S = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """One of the files that a file was cut into."""

    path: Path
    #: From 1.
    number: int
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTools:
    """What splitting works with."""

    ffmpeg: Ffmpeg
    prober: Prober
    timeout_s: float
    stall_s: float


async def split(
    tools: SplitTools,
    source: Path,
    out_stem: Path,
    *,
    limit_bytes: int,
    tags: Tags,
    progress: Callable[[float], None] = lambda _share: None,
) -> list[Part]:
    """Cut *source* into `<out_stem>.part01.<extension>` and so on, as few as possible, about equally large.

    Args:
        tools: ffmpeg and the prober.
        source: A finished file; it stays. One below the limit is its own only part.
        out_stem: Path of the parts without number and extension.
        limit_bytes: No part is larger.
        tags: Of the file; each part's title ends in `(1/3)`.
        progress: Gets the done share, 0 to 1, rising.

    Raises:
        SizeLimit: Two key frames are further apart than a part may be long.
        MediaFailure: The file is damaged, or of a kind that cannot be split.
        DiskFull, StageTimeout, Stalled: As `run_ffmpeg` has it.
    """
    info = await tools.prober.probe(source)
    if info.size_bytes <= limit_bytes:
        return [Part(source, 1, info.size_bytes, info.duration_s or 0.0)]
    if extension_of(info) not in _MUXERS:
        raise MediaFailure(f"{info.container} files are not split")
    points = await tools.prober.cut_points(source)
    tags = replace(tags, chapters=())
    for attempt in range(_ATTEMPTS):
        cuts = choose_cuts(points, int(limit_bytes * _SMALLER**attempt))
        if cuts is None:
            raise SizeLimit("its key frames are too far apart to cut it into parts of that size")
        parts = await _cut(tools, Input(Role.MUXED, source, info), cuts, out_stem, tags, progress)
        if all(part.size_bytes <= limit_bytes for part in parts):
            _check_lengths(parts, info)
            progress(1.0)
            return parts
        await asyncio.to_thread(_remove_blocking, [part.path for part in parts])
    raise SizeLimit("it could not be cut into parts of that size")


async def _cut(
    tools: SplitTools,
    source: Input,
    cuts: Sequence[float],
    out_stem: Path,
    tags: Tags,
    progress: Callable[[float], None],
) -> list[Part]:
    extension, total = extension_of(source.info), len(cuts) + 1
    raw = [out_stem.with_name(f"{out_stem.name}.cut{n:03d}.{extension}") for n in range(total)]
    finals = [out_stem.with_name(f"{out_stem.name}.part{n:02d}.{extension}") for n in range(1, total + 1)]
    work = Work(
        duration_s=source.info.duration_s,
        size_bytes=source.info.size_bytes,
        timeout_s=tools.timeout_s,
        stall_s=tools.stall_s,
        progress=progress,
    )
    made: list[Part] = []
    try:
        argv = segment_argv(
            tools.ffmpeg,
            source,
            cuts,
            _titled(tags, 1, total),
            out_stem.with_name(f"{out_stem.name}.cut"),
            extension=extension,
            muxer=_MUXERS[extension],
        )
        await run_ffmpeg(argv, out_stem.parent, work)
        for number, (path, final) in enumerate(zip(raw, finals, strict=True), start=1):
            await asyncio.to_thread(_check_and_tag_blocking, path, _titled(tags, number, total))
            await asyncio.to_thread(sync_blocking, path)
            await publish(path, final)
            info = await tools.prober.probe(final)
            await tools.prober.check_ending(final)
            made.append(Part(final, number, info.size_bytes, info.duration_s or 0.0))
    except BaseException:
        _remove_blocking(finals)
        raise
    finally:
        _remove_blocking(raw)
    return made


def _titled(tags: Tags, number: int, total: int) -> Tags:
    """The tags of one part. All titles are equally long, so that one takes another's place in the file."""
    width = len(str(total))
    return replace(tags, title=f"{tags.title or ''} ({number:0{width}d}/{total})".strip())


def _check_and_tag_blocking(path: Path, tags: Tags) -> None:
    if not path.is_file():
        raise MediaFailure("ffmpeg made fewer parts than it was told to")
    write_tags_blocking(path, tags)
    if path.suffix in {".mp4", ".m4a"} and not read_layout(path).is_faststart:
        raise MediaFailure("ffmpeg left a part without its index in front")


def _check_lengths(parts: Sequence[Part], whole: MediaInfo) -> None:
    total_s, should_s = sum(part.duration_s for part in parts), whole.duration_s or 0.0
    if abs(total_s - should_s) > _SLACK_PER_PART_S * len(parts):
        _remove_blocking([part.path for part in parts])
        raise MediaFailure(f"the parts last {total_s:.1f} s together instead of {should_s:.1f} s")


def _remove_blocking(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
