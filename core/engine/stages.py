"""What each stage of a running job does. Every stage can be repeated: it looks at the checkpoint first."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

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
from core.engine.attempt import Attempt, EventWithData
from core.engine.disk import DiskGuard
from core.engine.logins import Logins, without_secrets
from core.engine.toolbox import Toolbox
from core.library.archive import NameTakenError, choose_blocking, is_placed_blocking, place_blocking
from core.library.paths import archive_name
from core.media.digest import sha256
from core.media.postprocess import Input, Wanted, extension_of, postprocess
from core.media.tags import write_tags
from core.media.verify import check_output
from core.net.hls.fetch import fetch_hls
from core.net.progress import Fetched
from core.net.transfer.file import fetch_file
from core.sources.base import NotHandled, Source


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


async def find(tools: Toolbox, request: Request, logins: Logins) -> tuple[Source, Resolution]:
    """Ask the sources in turn what is behind a link, each with its logins in turn.

    Raises:
        UnsupportedSource: None of them can say.
        JobError: The one that could failed.
    """
    for source in tools.registry.candidates(request.url, forced=request.source):
        while True:
            try:
                context = tools.context(await logins.of(source.name))
                return source, await source.resolve(request, context)
            except NotHandled:
                break
            except AuthRequired as error:
                await logins.refused(source.name, error)
    raise UnsupportedSource


async def resolve(attempt: Attempt, tools: Toolbox, logins: Logins) -> None:
    """RESOLVE: find out what is behind the link."""
    if keys.RESOLUTION in attempt.checkpoint:
        return
    await attempt.record((EventType.METADATA_FETCH_STARTED, {}), stage=Stage.RESOLVE)
    try:
        async with asyncio.timeout(tools.settings.timeouts.metadata_s):
            source, found = await find(tools, request_of(attempt), logins)
    except JobError as error:
        await attempt.record((EventType.METADATA_FETCH_FAILED, failure(error)))
        raise
    profile_id = logins.profile_id(source.name)
    stored = found.to_json() if profile_id is None else without_secrets(found.to_json())
    attempt.checkpoint |= {keys.RESOLUTION: stored, keys.RESOLVED_AT: time.time()}
    await attempt.record(
        (
            EventType.METADATA_FETCH_FINISHED,
            {"title": found.title, "tracks": len(found.tracks), "entries": len(found.entries)},
        ),
        stage=Stage.RESOLVE,
        source_type=source.name,
        auth_profile_id=profile_id,
        title=attempt.job.title or found.title,
        media_id=attempt.job.media_id or found.media_id,
        duration_s=found.duration_s,
        size_bytes=found.size_bytes,
    )


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
        await attempt.record(
            (EventType.CAPABILITY_CHECKED, {"size_bytes": found.size_bytes}), stage=Stage.CHECK
        )


async def download(attempt: Attempt, tools: Toolbox, logins: Logins) -> None:
    """DOWNLOAD: fetch every track, side by side, going on from what is already there."""
    if attempt.has_files(attempt.checkpoint.get(keys.FETCHED)):
        return
    attempt.forget(keys.FETCHED, keys.OUTPUT)
    await asyncio.to_thread(attempt.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    on_disk = await asyncio.to_thread(_bytes_in_blocking, attempt.folder)
    begun = (
        (EventType.DOWNLOAD_RESUMED, {"bytes_on_disk": on_disk})
        if on_disk
        else (EventType.DOWNLOAD_STARTED, {})
    )
    await attempt.record(begun, stage=Stage.DOWNLOAD)
    try:
        async with asyncio.timeout(tools.settings.timeouts.download_s):
            fetched = await _fetch_with_logins(attempt, tools, logins, begun)
    except JobError as error:
        await attempt.record((EventType.DOWNLOAD_FAILED, failure(error)))
        raise
    attempt.meter.finish()
    attempt.checkpoint[keys.FETCHED] = [item.path.name for item in fetched]
    # A single file that needs no change keeps the digest that its transfer computed on the way.
    attempt.checkpoint[keys.DIGEST] = fetched[0].sha256 if len(fetched) == 1 else None
    size_bytes = sum(item.size_bytes for item in fetched)
    await attempt.record(
        (
            EventType.DOWNLOAD_FINISHED,
            {
                "size_bytes": size_bytes,
                "fetched_bytes": sum(item.fetched_bytes for item in fetched),
                "resumed_bytes": sum(item.resumed_bytes for item in fetched),
            },
        ),
        stage=Stage.DOWNLOAD,
        size_bytes=size_bytes,
        bytes_done=size_bytes,
        rate=None,
    )


async def _fetch_with_logins(
    attempt: Attempt, tools: Toolbox, logins: Logins, begun: EventWithData
) -> list[Fetched]:
    """Fetch all tracks; look them up anew when their addresses are too old or the login was refused."""
    source = attempt.resolution.source
    await logins.go_on(source, attempt.job.auth_profile_id)
    while True:
        try:
            return await _fetch_all(attempt, tools, logins)
        except AuthRequired as error:
            attempt.forget(keys.RESOLUTION)
            await logins.refused(source, error)
        except (HttpFailure, NotFound) as error:
            if not _may_have_expired(attempt, error):
                raise
            attempt.forget(keys.RESOLUTION)
        await resolve(attempt, tools, logins)
        await attempt.record(begun, stage=Stage.DOWNLOAD)


async def _fetch_all(attempt: Attempt, tools: Toolbox, logins: Logins) -> list[Fetched]:
    found = attempt.resolution
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_fetch(attempt, tools, logins, found, index))
                for index in range(len(found.tracks))
            ]
    except* JobError as errors:
        # One track's failure has ended the others; its class is the job's.
        raise _first(errors) from errors
    return [task.result() for task in tasks]


async def _fetch(attempt: Attempt, tools: Toolbox, logins: Logins, found: Resolution, index: int) -> Fetched:
    track = await logins.dress(found.tracks[index], found.source)
    path = attempt.folder / f"{index}-{track.role.value}"
    progress = attempt.meter.track(index, track.size_bytes)
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
    match track.transport:
        case Transport.HTTP:
            return await fetch_file(
                tools.http,
                track,
                path,
                progress=progress,
                connections=network.max_connections_per_file,
                max_bytes=max_bytes,
                stall_s=stall_s,
            )
        case Transport.HLS:
            return await fetch_hls(
                tools.http,
                track,
                path,
                progress=progress,
                window=network.max_connections_per_file,
                stall_s=stall_s,
                max_bytes=max_bytes,
            )
        case Transport.SOURCE:
            context = tools.context(await logins.of(found.source))
            source = tools.registry.named(found.source)
            return await source.fetch(track, found, path, context, progress)


async def process(attempt: Attempt, tools: Toolbox) -> None:
    """POSTPROCESS: merge, remux or convert until the file is what was wanted."""
    output = attempt.checkpoint.get(keys.OUTPUT)
    if output and attempt.has_files([output]):
        return
    await attempt.record((EventType.POSTPROCESS_STARTED, {}), stage=Stage.POSTPROCESS)
    found, media = attempt.resolution, tools.settings.media
    paths = [attempt.folder / name for name in attempt.checkpoint[keys.FETCHED]]
    try:
        infos = [await tools.prober.probe(path, measure=False) for path in paths]
        roles = [track.role for track in found.tracks]
        made = await postprocess(
            tools.ffmpeg,
            [
                Input(role=role, path=path, info=info)
                for role, path, info in zip(roles, paths, infos, strict=True)
            ],
            Wanted(
                kind=attempt.job.kind if attempt.job.kind is not Kind.AUTO else found.kind,
                container=media.video_container,
                audio_format=media.audio_format,
                audio_bitrate=media.audio_bitrate,
                tags=found.tags,
                use_hardware=media.hardware == "auto",
            ),
            attempt.folder / "output",
            timeout_s=tools.settings.timeouts.postprocess_s,
            progress=lambda _share: None,
        )
        is_changed = made not in paths or await _tag(made, found)
    except JobError as error:
        await attempt.record((EventType.POSTPROCESS_FAILED, failure(error)))
        raise
    attempt.checkpoint[keys.OUTPUT] = made.name
    if is_changed:
        attempt.checkpoint[keys.DIGEST] = None
    await attempt.record(
        (EventType.POSTPROCESS_FINISHED, {"is_changed": is_changed}), stage=Stage.POSTPROCESS
    )


async def _tag(kept: Path, found: Resolution) -> bool:
    """Tag a file that is kept as it came; whether it was changed by that.

    Only where the source knows who made it: a plain file stays as it came, and so does one with a digest.
    """
    is_known = found.tags.artist is not None or found.tags.album is not None
    return is_known and found.tracks[0].checksum is None and await write_tags(kept, found.tags)


async def validate(attempt: Attempt, tools: Toolbox) -> None:
    """VALIDATE: nothing is done that was not probed and counted."""
    if keys.INFO in attempt.checkpoint and attempt.output.is_file():
        return
    await attempt.record(stage=Stage.VALIDATE)
    info = await tools.prober.probe(attempt.output)
    found = attempt.resolution
    kind = attempt.job.kind if attempt.job.kind is not Kind.AUTO else found.kind
    # A file that bears the digest its site publishes is right, whatever length the site's page tells.
    is_proved = (
        attempt.checkpoint[keys.OUTPUT] in attempt.checkpoint[keys.FETCHED] and found.tracks[0].checksum
    )
    check_output(info, kind=kind, duration_s=None if is_proved else found.duration_s)
    digest = attempt.checkpoint.get(keys.DIGEST) or await sha256(attempt.output)
    attempt.checkpoint |= {keys.INFO: info.to_json(), keys.DIGEST: digest}
    await attempt.record(
        (
            EventType.OUTPUT_VALIDATED,
            {"container": info.container, "duration_s": info.duration_s, "sha256": digest},
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
            await asyncio.to_thread(place_blocking, attempt.output, final)
        except NameTakenError:
            attempt.forget(keys.FINAL)
        else:
            return final


def is_archived_blocking(attempt: Attempt) -> bool:
    """Whether an earlier attempt got as far as moving the file into the archive."""
    final = attempt.checkpoint.get(keys.FINAL)
    return final is not None and is_placed_blocking(attempt.output, Path(final))


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


def _may_have_expired(attempt: Attempt, error: JobError) -> bool:
    """Addresses of media often live for minutes; one found in an earlier attempt is looked up anew."""
    is_refused = isinstance(error, NotFound) or error.remote_status in {403, 410}
    return is_refused and attempt.checkpoint.get(keys.RESOLVED_AT, 0.0) < attempt.started


def _first(errors: BaseExceptionGroup[JobError]) -> JobError:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


def _bytes_in_blocking(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.glob("*.part"))
