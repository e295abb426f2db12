"""What is behind a link and whether it may be fetched: the stages RESOLVE and CHECK, and previews."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    HttpFailure,
    JobError,
    SizeLimit,
    UnsupportedSource,
)
from core.domain.events import EventType
from core.domain.job import Kind, Request, Stage
from core.domain.media import Resolution
from core.engine import checkpoint as keys
from core.engine.attempt import Attempt, failure
from core.engine.disk import DiskGuard
from core.engine.expiry import has_ended
from core.engine.logins import Logins
from core.engine.metadata import Known
from core.engine.toolbox import Toolbox
from core.links.normalise import normalise
from core.links.short import unwrap
from core.sources.base import Elsewhere, NotHandled, Source

#: Links that may lead from one to the next: a shortener to a share link to a site, and some more.
MAX_HOPS = 5


def request_of(attempt: Attempt) -> Request:
    """What was asked for, as sources want to see it."""
    job = attempt.job
    return Request(
        url=job.url,
        kind=job.kind,
        quality=job.quality,
        format=job.format,
        profile=job.profile,
        source=job.forced_source,
    )


async def find(tools: Toolbox, request: Request, logins: Logins) -> Resolution:
    """What is behind a link, wherever it leads; kept for the download. Raises what `ask` does.

    Only Elsewhere is followed.
    """
    url = unwrap(normalise(request.url))
    for _ in range(MAX_HOPS + 1):
        request = replace(request, url=url)
        try:
            if (known := await recall(tools, request, logins)) is not None:
                return known.found
            source, found = await ask(tools, request, logins)
        except Elsewhere as elsewhere:
            url, request = elsewhere.url, replace(request, source=None)
        else:
            await tools.metadata.put(request, found, logins.profile_id(source.name))
            return found
    raise endless()


async def recall(tools: Toolbox, request: Request, logins: Logins) -> Known | None:
    """What was found for the very same request, if it was with the login that would be used now."""
    known = tools.metadata.get(request)
    if known is None:
        return None
    await logins.of(known.found.source)
    return known if logins.profile_id(known.found.source) == known.profile_id else None


def endless() -> HttpFailure:
    """The failure of a link that leads from one to the next."""
    return HttpFailure(f"the link leads to another, and that on, more than {MAX_HOPS} times")


async def ask(tools: Toolbox, request: Request, logins: Logins) -> tuple[Source, Resolution]:
    """Ask the sources in turn what is behind a link, each with its logins in turn.

    Raises:
        Elsewhere: It is only a link to another link.
        UnsupportedSource: None of them can say.
        JobError: The one that could failed.
    """
    for source in tools.registry.candidates(request.url, forced=request.source):
        while True:
            try:
                context = tools.context(source.name, await logins.of(source.name))
                return source, await source.resolve(request, context)
            except NotHandled:
                break
            except AuthRequired as error:
                await logins.refused(source.name, error, url=request.url)
    raise UnsupportedSource


async def resolve(attempt: Attempt, tools: Toolbox, logins: Logins) -> None:
    """RESOLVE: find out what is behind the link. Raises Elsewhere as `ask` does."""
    if attempt.is_resolved and not has_ended(attempt):
        return
    attempt.begin((EventType.METADATA_FETCH_STARTED, {}), stage=Stage.RESOLVE)
    try:
        async with asyncio.timeout(tools.settings.timeouts.metadata_s):
            found, found_at = await _find_once(attempt, tools, logins)
    except JobError as error:
        await attempt.record((EventType.METADATA_FETCH_FAILED, failure(error)))
        raise
    profile_id = logins.profile_id(found.source)
    attempt.keep(found, found_at)
    attempt.begin(
        (
            EventType.METADATA_FETCH_FINISHED,
            {
                "title": found.title,
                "tracks": len(found.tracks),
                "entries": len(found.entries),
                "formats": [track.told for track in found.tracks],
            },
        ),
        stage=Stage.RESOLVE,
        source_type=found.source,
        auth_profile_id=profile_id,
        title=attempt.job.title or found.title,
        media_id=attempt.job.media_id or found.media_id,
        duration_s=found.duration_s,
        size_bytes=found.size_bytes,
    )


async def _find_once(attempt: Attempt, tools: Toolbox, logins: Logins) -> tuple[Resolution, float]:
    """What a preview has found already, else what the sources say; and when that was, since the epoch."""
    request = request_of(attempt)
    # Each link that led here took an attempt of its own.
    is_first = attempt.job.attempt == 1 + attempt.checkpoint.get(keys.HOPS, 0)
    if is_first and keys.RESOLVED_AT not in attempt.checkpoint:
        if (known := await recall(tools, request, logins)) is not None:
            return known.found, known.found_at
    else:
        # It has failed with what was known, or is tried again: nobody else should begin with that.
        tools.metadata.forget(request)
    _, found = await ask(tools, request, logins)
    return found, time.time()


async def check(attempt: Attempt, tools: Toolbox, disk: DiskGuard) -> None:
    """CHECK: refuse before a byte is fetched what cannot end well."""
    found = attempt.resolution
    limit = tools.settings.limits.max_file_size_bytes
    if limit and found.size_bytes and found.size_bytes > limit:
        raise SizeLimit(f"{found.size_bytes // 1024**2} MiB; the limit is {limit // 1024**2} MiB")
    if attempt.job.kind is Kind.VIDEO and found.kind is Kind.AUDIO:
        raise FormatNotFound("there is only audio", hint="Ask for audio, or leave the kind out.")
    await disk.require(found.size_bytes)
    if keys.FETCHED not in attempt.checkpoint:
        attempt.note((EventType.CAPABILITY_CHECKED, {"size_bytes": found.size_bytes}), stage=Stage.CHECK)
