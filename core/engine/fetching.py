"""The stage DOWNLOAD: every track as its transport asks, with the logins and addresses that hold now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from core.aria2.fetch import fetch_with_aria2c
from core.aria2.words import Aria2c
from core.domain.errors import AuthRequired, HttpFailure, JobError, NotFound
from core.domain.events import EventType
from core.domain.job import Stage
from core.domain.media import Resolution, Transport
from core.engine import checkpoint as keys
from core.engine import forerun, recording
from core.engine.attempt import Attempt, EventWithData, failure
from core.engine.expiry import Renewals
from core.engine.finding import resolve
from core.engine.logins import Logins
from core.engine.toolbox import Toolbox
from core.net.hls.fetch import fetch_hls
from core.net.hls.live import record_hls
from core.net.progress import Fetched, Progress
from core.net.transfer.file import fetch_file
from core.net.uplinks import network_of


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
    on_disk, attempt.is_fresh = await asyncio.to_thread(_opened_blocking, attempt.folder)
    downloader = {"downloader": tools.downloader_of(attempt.resolution)}
    begun: EventWithData = (EventType.DOWNLOAD_STARTED, downloader)
    if on_disk:
        begun = (EventType.DOWNLOAD_RESUMED, {"bytes_on_disk": on_disk, **downloader})
    attempt.begin(begun, stage=Stage.DOWNLOAD)


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

        if len(found.tracks) == 1:
            fetched = [await _fetch(attempt, tools, logins, found, 0, watched)]
        else:
            fetched = await _side_by_side(
                [_fetch(attempt, tools, logins, found, index, watched) for index in range(len(found.tracks))]
            )
        attempt.early = await early.finish(tools.settings.timeouts.stall_s)
    return fetched


async def _side_by_side(transfers: Sequence[Coroutine[Any, Any, Fetched]]) -> list[Fetched]:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in transfers]
    except* JobError as errors:
        # One track's failure has ended the others; its class is the job's.
        raise _first(errors) from errors
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
    if not attempt.is_fresh and await asyncio.to_thread(path.is_file):
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
                is_hashed=len(found.tracks) == 1,  # several become another file
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


def _first(errors: BaseExceptionGroup[JobError]) -> JobError:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


def _opened_blocking(folder: Path) -> tuple[int, bool]:
    """Make the folder if it is not there; bytes of unfinished files in it, and whether it is empty."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = list(folder.iterdir())
    unfinished = [path for path in paths if path.suffix in {".part", recording.SUFFIX}]
    return sum(path.stat().st_blocks * 512 for path in unfinished), not paths
