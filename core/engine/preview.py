"""What a link leads to, shown before anything is downloaded."""

from __future__ import annotations

import asyncio

from core.domain.errors import StageTimeout
from core.domain.job import Request
from core.domain.media import FormatInfo, Resolution
from core.domain.snapshot import MetadataPreview
from core.engine import finding
from core.engine.access import borrowed_logins
from core.engine.checks import LoginChecks
from core.engine.toolbox import Toolbox

#: Titles that a preview of a list shows.
SAMPLE = 20


async def preview(tools: Toolbox, checks: LoginChecks, request: Request) -> MetadataPreview:
    """Look a link up; a job for the same request that follows uses what was found.

    Raises:
        StageTimeout: It took longer than `timeouts.metadata_s`.
        ReeldeckError: What the download would raise at once.
    """
    limits, timeouts = tools.settings.limits, tools.settings.timeouts
    try:
        async with (
            asyncio.timeout(timeouts.metadata_s),
            borrowed_logins(tools, checks, request.profile) as logins,
        ):
            found = await finding.find(tools, request, logins)
    except TimeoutError as error:
        raise StageTimeout("while the link was looked up") from error
    return MetadataPreview(
        url=request.url,
        source=found.source,
        title=found.title,
        kind=found.kind,
        duration_s=found.duration_s,
        size_bytes=found.size_bytes,
        formats=found.formats or _chosen(found),
        entries=found.total_entries or len(found.entries) or None,
        taken=min(len(found.entries), limits.max_playlist_items) or None,
        sample=[entry.title or entry.url for entry in found.entries[:SAMPLE]],
    )


def _chosen(found: Resolution) -> tuple[FormatInfo, ...]:
    """The tracks that would be fetched, of a source that tells of no others."""
    return tuple(
        FormatInfo(
            id=track.format_id,
            role=track.role,
            container=track.container,
            size_bytes=track.size_bytes,
            is_chosen=True,
        )
        for track in found.tracks
    )
