"""What each stage of a running job does. Every stage can be repeated: it looks at the checkpoint first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.aria2.fetch import fetch_with_aria2c
from core.aria2.words import Aria2c
from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    HttpFailure,
    JobError,
    NotFound,
    SizeLimit,
    UnsupportedSource,
)
from core.domain.events import EventType
from core.domain.job import Kind, Request, Stage
from core.domain.media import Resolution, Transport
from core.engine import attempt as keys
from core.engine import forerun, recording
from core.engine.attempt import Attempt, EventWithData
from core.engine.disk import DiskGuard
from core.engine.expiry import Renewals, has_ended
from core.engine.logins import Logins
from core.engine.metadata import Known
from core.engine.toolbox import Toolbox
from core.library.archive import NameTakenError, choose_blocking, is_placed_blocking, place_blocking
from core.library.paths import archive_name
from core.links.normalise import normalise
from core.links.short import unwrap
from core.media.postprocess import extension_of
from core.net.hls.fetch import fetch_hls
from core.net.hls.live import record_hls
from core.net.progress import Fetched, Progress
from core.net.transfer.file import fetch_file
from core.net.uplinks import network_of
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
    await attempt.record((EventType.METADATA_FETCH_STARTED, {}), stage=Stage.RESOLVE)
    try:
        async with asyncio.timeout(tools.settings.timeouts.metadata_s):
            found, found_at = await _find_once(attempt, tools, logins)
    except JobError as error:
        await attempt.record((EventType.METADATA_FETCH_FAILED, failure(error)))
        raise
    profile_id = logins.profile_id(found.source)
    attempt.keep(found, found_at)
    await attempt.record(
        (
            EventType.METADATA_FETCH_FINISHED,
            {"title": found.title, "tracks": len(found.tracks), "entries": len(found.entries)},
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


async def download(attempt: Attempt, tools: Toolbox, logins: Logins) -> None:
    """DOWNLOAD: fetch every track, side by side, going on from what is already there."""
    if attempt.has_files(attempt.checkpoint.get(keys.FETCHED)):
        return
    attempt.forget(keys.FETCHED, keys.OUTPUT)
    await _begin(attempt, tools)
    found = attempt.resolution
    note = None
    try:
        with recording.time_limit(attempt, tools.settings.timeouts, found) as limit_s:
            async with asyncio.timeout(limit_s):
                fetched = await _fetch_with_logins(attempt, tools, logins)
    except JobError as error:
        await attempt.record((EventType.DOWNLOAD_FAILED, failure(error)))
        saved = await recording.save(attempt, tools, found, error)
        if saved is None:
            raise
        fetched, note = saved, f"The recording ends early. {error}"
    attempt.meter.finish()
    attempt.checkpoint[keys.FETCHED] = [item.path.name for item in fetched]
    # A single file that needs no change keeps the digest that its transfer computed on the way.
    attempt.checkpoint[keys.DIGEST] = fetched[0].sha256 if len(fetched) == 1 else None
    size_bytes = sum(item.size_bytes for item in fetched)
    lacking = recording.lacking(fetched, note)
    recording.retag(attempt, fetched)
    attempt.checkpoint[keys.NOTE] = lacking.get("note")
    attempt.note(
        (
            EventType.DOWNLOAD_FINISHED,
            {
                "size_bytes": size_bytes,
                "fetched_bytes": sum(item.fetched_bytes for item in fetched),
                "resumed_bytes": sum(item.resumed_bytes for item in fetched),
                **lacking,
            },
        ),
        stage=Stage.DOWNLOAD,
        duration_s=found.duration_s or fetched[0].duration_s,
        size_bytes=size_bytes,
        bytes_done=size_bytes,
        rate=None,
    )


async def _begin(attempt: Attempt, tools: Toolbox) -> None:
    """Record that the download begins or goes on."""
    on_disk = await asyncio.to_thread(_opened_blocking, attempt.folder)
    downloader = {"downloader": tools.downloader_of(attempt.resolution)}
    begun: EventWithData = (EventType.DOWNLOAD_STARTED, downloader)
    if on_disk:
        begun = (EventType.DOWNLOAD_RESUMED, {"bytes_on_disk": on_disk, **downloader})
    await attempt.record(begun, stage=Stage.DOWNLOAD)


async def _fetch_with_logins(attempt: Attempt, tools: Toolbox, logins: Logins) -> list[Fetched]:
    """Fetch all tracks; look them up anew when their addresses are too old or the login was refused."""
    source = attempt.resolution.source
    await logins.go_on(source, attempt.job.auth_profile_id)
    renewals = Renewals(attempt)
    while True:
        try:
            return await _fetch_all(attempt, tools, logins, renewals)
        except AuthRequired as error:
            # To a guest it is said of the address; whoever shows a login is told that it no longer does.
            is_renewed = logins.profile_id(source) is None and renewals.may_help(error)
            attempt.forget(keys.RESOLUTION)
            if not is_renewed:
                await logins.refused(source, error, url=attempt.job.url)
        except (HttpFailure, NotFound) as error:
            if not renewals.may_help(error):
                raise
            attempt.forget(keys.RESOLUTION)
        await resolve(attempt, tools, logins)
        await _begin(attempt, tools)


async def _fetch_all(attempt: Attempt, tools: Toolbox, logins: Logins, renewals: Renewals) -> list[Fetched]:
    found = attempt.resolution
    async with forerun.beside(attempt, tools, found) as early:

        def watched(index: int, progress: Progress) -> Progress:
            return early.watched(index, renewals.watched(index, progress))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_fetch(attempt, tools, logins, found, index, watched))
                    for index in range(len(found.tracks))
                ]
        except* JobError as errors:
            # One track's failure has ended the others; its class is the job's.
            raise _first(errors) from errors
        attempt.early = await early.finish(tools.settings.timeouts.stall_s)
    return [task.result() for task in tasks]


async def _fetch(
    attempt: Attempt,
    tools: Toolbox,
    logins: Logins,
    found: Resolution,
    index: int,
    watched: Callable[[int, Progress], Progress],
) -> Fetched:
    track = await logins.dress(found.tracks[index], found.source)
    path = attempt.path_of(index)
    progress = watched(index, attempt.meter.track(index, track.size_bytes))
    if await asyncio.to_thread(path.is_file):
        # A transfer gives a file this name only when it is whole: an earlier attempt got so far.
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        progress(size_bytes, size_bytes)
        return Fetched(
            path=path,
            size_bytes=size_bytes,
            sha256=None,
            fetched_bytes=0,
            resumed_bytes=size_bytes,
            container=track.container,
        )
    network, stall_s = tools.settings.network, tools.settings.timeouts.stall_s
    max_bytes = tools.settings.limits.max_file_size_bytes
    http = tools.uplinks.of(found.source).http
    match track.transport:
        case Transport.HTTP if tools.aria2c is not None:
            return await fetch_with_aria2c(
                _aria2c(tools, tools.aria2c, found.source),
                http,
                track,
                path,
                progress=progress,
                connections=min(network.max_connections_per_file, network.max_connections_per_host),
                max_bytes=max_bytes,
                stall_s=stall_s,
            )
        case Transport.HTTP:
            return await fetch_file(
                http,
                track,
                path,
                progress=progress,
                connections=network.max_connections_per_file,
                max_bytes=max_bytes,
                stall_s=stall_s,
            )
        case Transport.HLS if track.is_live:
            return await record_hls(
                http,
                track,
                path,
                progress=progress,
                window=network.max_connections_per_host,
                outage_s=tools.settings.timeouts.live_outage_s,
                max_bytes=max_bytes,
            )
        case Transport.HLS:
            return await fetch_hls(
                http,
                track,
                path,
                progress=progress,
                window=network.max_connections_per_host,
                stall_s=stall_s,
                max_bytes=max_bytes,
            )
        case Transport.SOURCE:
            context = tools.context(found.source, await logins.of(found.source))
            source = tools.registry.named(found.source)
            return await source.fetch(track, found, path, context, progress)


def _aria2c(tools: Toolbox, program: Path, source: str) -> Aria2c:
    network = network_of(tools.settings, source)
    return Aria2c(
        program=program,
        proxy_url=tools.uplinks.of(source).proxy_url,
        user_agent=network.user_agent,
        ca_file=network.ca_file,
        connect_timeout_s=tools.settings.timeouts.connect_s,
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
            await asyncio.to_thread(place_blocking, attempt.output, final)
        except NameTakenError:
            attempt.forget(keys.FINAL)
        else:
            return final


def is_archived_blocking(attempt: Attempt) -> bool:
    """Whether an earlier attempt, which chose a name, got as far as moving the file into the archive."""
    return is_placed_blocking(attempt.output, Path(attempt.checkpoint[keys.FINAL]))


def _choose_blocking(attempt: Attempt, tools: Toolbox) -> Path:
    job, found, settings = attempt.job, attempt.resolution, tools.settings
    root = Path(job.out_dir) if job.out_dir else settings.paths.archive
    template = "{title}" if job.out_dir else settings.archive.template
    title = job.title or found.title or f"{job.source_type} {job.id}"
    extension = extension_of(attempt.info)
    return choose_blocking(root, archive_name(template, job, found.tags, title=title, extension=extension))


def failure(error: JobError) -> dict[str, Any]:
    """The fields of an event that tells of a failure."""
    return {"error_type": error.code, "message": str(error), "http_status": error.remote_status}


def _first(errors: BaseExceptionGroup[JobError]) -> JobError:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


def _opened_blocking(folder: Path) -> int:
    """Make the folder if it is not there; how many bytes of unfinished files are in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return sum(
        path.stat().st_blocks * 512 for path in folder.iterdir() if path.suffix in {".part", recording.SUFFIX}
    )
