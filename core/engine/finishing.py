"""The two stages that turn fetched tracks into a file that can be relied on: POSTPROCESS and VALIDATE."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.domain.errors import JobError
from core.domain.events import EventType
from core.domain.job import Stage
from core.domain.media import Resolution
from core.engine import attempt as keys
from core.engine.attempt import Attempt
from core.engine.stages import failure
from core.engine.toolbox import Toolbox
from core.engine.wanted import cover_of, kind_of, wanted_of
from core.media.digest import sha256
from core.media.postprocess import Input, postprocess
from core.media.tags import write_tags
from core.media.verify import check_output, lengths_of


async def process(attempt: Attempt, tools: Toolbox) -> None:
    """POSTPROCESS: merge, remux or convert until the file is what was wanted."""
    output = attempt.checkpoint.get(keys.OUTPUT)
    if output and attempt.has_files([output]):
        return
    await attempt.record((EventType.POSTPROCESS_STARTED, {}), stage=Stage.POSTPROCESS)
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
        attempt.seen = None if is_changed else next(each.info for each in inputs if each.path == made.path)
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
                "was_ahead": made.was_ahead,
            },
        ),
        stage=Stage.POSTPROCESS,
    )


async def validate(attempt: Attempt, tools: Toolbox) -> None:
    """VALIDATE: nothing is done that was not probed and counted."""
    if keys.INFO in attempt.checkpoint and attempt.output.is_file():
        return
    await attempt.record(stage=Stage.VALIDATE)
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
            info = attempt.seen
            if info is None or info.duration_s is None:
                info = await tools.prober.probe(path)
            if not is_proved:
                await tools.prober.check_ending(path)
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
            {"container": info.container, "duration_s": info.duration_s, "sha256": digest},
        ),
        stage=Stage.VALIDATE,
        duration_s=info.duration_s,
        size_bytes=info.size_bytes,
        sha256=digest,
    )


async def _digest(attempt: Attempt, path: Path) -> str:
    return attempt.checkpoint.get(keys.DIGEST) or await sha256(path)


async def _inputs(attempt: Attempt, tools: Toolbox, paths: list[Path]) -> list[Input]:
    """The fetched files as they are; how long their streams are is kept for the check of the result."""
    roles = [track.role for track in attempt.resolution.tracks]
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
