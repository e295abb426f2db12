"""Of fetched tracks a file to rely on, in its place: the stages POSTPROCESS, VALIDATE and ARCHIVE."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.domain.errors import JobError
from core.domain.events import EventType
from core.domain.job import Stage
from core.domain.media import Resolution
from core.engine import checkpoint as keys
from core.engine.attempt import Attempt, failure
from core.engine.toolbox import Toolbox
from core.engine.wanted import cover_of, kind_of, wanted_of
from core.library.archive import NameTakenError, choose_blocking, is_placed_blocking, place_blocking
from core.library.paths import archive_name
from core.media.digest import sha256
from core.media.postprocess import Input, extension_of, postprocess
from core.media.tags import write_tags
from core.media.verify import check_output, lengths_of


async def process(attempt: Attempt, tools: Toolbox) -> None:
    """POSTPROCESS: merge, remux or convert until the file is what was wanted."""
    output = attempt.checkpoint.get(keys.OUTPUT)
    if output and attempt.has_files([output]):
        return
    attempt.begin((EventType.POSTPROCESS_STARTED, {}), stage=Stage.POSTPROCESS)
    paths = [attempt.folder / name for name in attempt.checkpoint[keys.FETCHED]]
    try:
        cover = attempt.early.wanted.cover if attempt.early else await cover_of(attempt, tools)
        inputs = await _inputs(attempt, tools, paths)
        made = await postprocess(
            tools.ffmpeg,
            inputs,
            wanted_of(attempt, tools, cover),
            attempt.folder / "output",
            timeout_s=tools.settings.timeouts.postprocess_s,
            stall_s=tools.settings.timeouts.stall_s,
            progress=attempt.meter.process,
            early=attempt.early,
        )
        is_changed = made.path not in paths or await _tag(made.path, attempt.resolution, cover)
        if is_changed:
            attempt.seen = made.seen
    except JobError as error:
        await attempt.record((EventType.POSTPROCESS_FAILED, failure(error)))
        raise
    attempt.checkpoint |= {keys.OUTPUT: made.path.name, keys.COVER: cover.name if cover else None}
    if is_changed:
        attempt.checkpoint[keys.DIGEST] = made.sha256
    attempt.note(
        (
            EventType.POSTPROCESS_FINISHED,
            {
                "is_changed": is_changed,
                "has_cover": is_changed and cover is not None,
                "was_ahead": made.seen is not None,
            },
        ),
        stage=Stage.POSTPROCESS,
    )


async def validate(attempt: Attempt, tools: Toolbox) -> None:
    """VALIDATE: nothing is done that was not probed and counted."""
    if keys.INFO in attempt.checkpoint and attempt.output.is_file():
        return
    attempt.begin(stage=Stage.VALIDATE)
    found, path = attempt.resolution, attempt.output
    # A file that bears the digest its site publishes is right, whatever length the site's page tells.
    is_proved = bool(
        attempt.checkpoint[keys.OUTPUT] in attempt.checkpoint[keys.FETCHED] and found.tracks[0].checksum
    )
    # Read once while its last bytes are still in memory.
    try:
        async with asyncio.TaskGroup() as group:
            digested = group.create_task(_digest(attempt, path))
            # What was probed a moment ago and is as it was need not be probed again.
            info = attempt.seen.info if attempt.seen else None
            if info is None or info.duration_s is None:
                info = await tools.prober.probe(path)
            if not is_proved:
                await _check_ending(attempt, tools, path)
            check_output(
                info,
                kind=kind_of(attempt.job, found),
                duration_s=None if is_proved or found.is_duration_claimed else found.duration_s,
                lengths_s=attempt.checkpoint.get(keys.LENGTHS, {}),
            )
    except* JobError as errors:
        raise errors.exceptions[0] from errors
    digest = digested.result()
    attempt.checkpoint |= {keys.INFO: info.to_json(), keys.DIGEST: digest}
    attempt.note(
        (
            EventType.OUTPUT_VALIDATED,
            {
                "container": info.container,
                "streams": [stream.told for stream in info.streams],
                "duration_s": info.duration_s,
                "sha256": digest,
            },
        ),
        stage=Stage.VALIDATE,
        duration_s=info.duration_s,
        size_bytes=info.size_bytes,
        sha256=digest,
    )


async def archive(attempt: Attempt, tools: Toolbox) -> Path:
    """ARCHIVE: give the file its name and place; returns where it is."""
    while True:
        if keys.FINAL not in attempt.checkpoint:
            final = await asyncio.to_thread(_choose_blocking, attempt, tools)
            attempt.checkpoint[keys.FINAL] = str(final)
        # The name is stored before the file moves: a crash in between finishes the move, never repeats it.
        await attempt.record(stage=Stage.ARCHIVE)
        final = Path(attempt.checkpoint[keys.FINAL])
        try:
            # Whoever looked at a file before its name was its own also put it on the disk.
            is_synced = attempt.seen is not None
            await asyncio.to_thread(place_blocking, attempt.output, final, is_synced=is_synced)
        except NameTakenError:
            attempt.forget(keys.FINAL)
        else:
            return final


def is_archived_blocking(attempt: Attempt) -> bool:
    """Whether an earlier attempt, which chose a name, got as far as moving the file into the archive."""
    return is_placed_blocking(attempt.output, Path(attempt.checkpoint[keys.FINAL]))


async def _check_ending(attempt: Attempt, tools: Toolbox, path: Path) -> None:
    if attempt.seen is None:
        await tools.prober.check_ending(path)
    elif attempt.seen.fault is not None:
        raise attempt.seen.fault


async def _digest(attempt: Attempt, path: Path) -> str:
    return attempt.checkpoint.get(keys.DIGEST) or await sha256(path)


async def _inputs(attempt: Attempt, tools: Toolbox, paths: list[Path]) -> list[Input]:
    """The fetched files as they are; how long their streams are is kept for the check of the result."""
    if attempt.early:  # of its kind of file nothing tells how long the streams are
        return list(attempt.early.inputs)
    roles = [track.role for track in attempt.resolution.tracks]
    if len(paths) == 1:
        # Most single files are kept as they came: what VALIDATE wants to know is asked in the same visit.
        attempt.seen = attempt.seen or await tools.prober.whole(paths[0])
        infos = [attempt.seen.info]
    else:
        infos = [await tools.prober.probe(path, measure=False) for path in paths]
    lengths: dict[str, float] = {}
    for role, info in zip(roles, infos, strict=True):
        told = lengths_of(info)
        lengths |= {kind: told[kind] for kind in told if role.value in {"muxed", kind}}
    attempt.checkpoint[keys.LENGTHS] = lengths
    return [Input(role, path, info) for role, path, info in zip(roles, paths, infos, strict=True)]


async def _tag(kept: Path, found: Resolution, cover: Path | None) -> bool:
    """Tag a file that is kept as it came; whether it was changed by that.

    Only where the source knows who made it: a plain file stays as it came, and so does one with a digest.
    """
    is_known = found.tags.artist is not None or found.tags.album is not None
    if not is_known or found.is_original or found.tracks[0].checksum is not None:
        return False
    picture = await asyncio.to_thread(cover.read_bytes) if cover else None
    return await write_tags(kept, found.tags, picture)


def _choose_blocking(attempt: Attempt, tools: Toolbox) -> Path:
    job, found, settings = attempt.job, attempt.resolution, tools.settings
    root = Path(job.out_dir) if job.out_dir else settings.paths.archive
    template = "{title}" if job.out_dir else settings.archive.template
    title = job.title or found.title or f"{job.source_type} {job.id}"
    extension = extension_of(attempt.info)
    return choose_blocking(root, archive_name(template, job, found.tags, title=title, extension=extension))
