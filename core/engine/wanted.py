"""What the finished file of a job should be: from what was asked for, what was found, and the settings."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from core.domain.errors import FormatNotFound, JobError
from core.domain.job import Job, Kind
from core.domain.media import Resolution
from core.engine.attempt import Attempt
from core.engine.toolbox import Toolbox
from core.media.cover import fetch_cover
from core.media.recipe import Wanted
from core.sources.quality import Quality, parse_quality

log = logging.getLogger("reeldeck.engine")


def wanted_of(attempt: Attempt, tools: Toolbox, cover: Path | None) -> Wanted:
    """What POSTPROCESS is to make; *cover* goes into it."""
    found, media = attempt.resolution, tools.settings.media
    kbps = _quality(attempt.job).max_audio_kbps
    is_proved = found.tracks[0].checksum is not None
    return Wanted(
        kind=kind_of(attempt.job, found),
        container=media.video_container,
        audio_format=media.audio_format,
        audio_bitrate=media.audio_bitrate,
        audio_bps=kbps * 1000 if kbps else None,
        # For chapters a file would be rewritten; one with a published digest stays as it is.
        tags=replace(found.tags, chapters=()) if is_proved else found.tags,
        cover=cover,
        use_hardware=media.hardware == "auto",
    )


async def cover_of(attempt: Attempt, tools: Toolbox) -> Path | None:
    """The picture of the thing. Its absence never fails a job."""
    found = attempt.resolution
    if not (tools.settings.media.embed_cover and found.thumbnail_url) or found.tracks[0].checksum:
        return None
    try:
        http = tools.uplinks.of(found.source).http
        return await fetch_cover(http, tools.prober, found.thumbnail_url, attempt.folder)
    except JobError as error:
        log.warning(
            "there is no cover",
            extra={"job_id": attempt.job.id, "error_type": error.code, "detail": str(error)},
        )
        return None


def kind_of(job: Job, found: Resolution) -> Kind:
    """What was asked for, by word or by quality; what it is where that was left open."""
    asked = _quality(job).kind
    if asked is not Kind.AUTO:
        return asked
    return Kind.AUTO if found.is_original else found.kind


def _quality(job: Job) -> Quality:
    try:
        return parse_quality(job.quality, job.kind)
    except FormatNotFound:  # for sources that offer no choice it has no meaning
        return Quality(kind=job.kind)
