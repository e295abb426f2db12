"""The demo from start to end: make media, serve them, run them through a real engine, show what came out."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from core.config.settings import Settings
from core.domain.errors import ConfigError, ReeldeckError
from core.domain.job import Job, JobStatus, Request
from core.domain.snapshot import JobQuery, Submitted
from core.domain.text import for_terminal
from core.media.ffmpeg import locate
from tui.demo.media import make_media_blocking
from tui.demo.report import Narrator, table

#: Marks a folder as the demo's own, so that nothing else is ever deleted.
MARKER = ".reeldeck-demo"
ENGINE_READY_WITHIN_S = 20.0

_CONFIG = """\
# Made by `reeldeck demo`. Everything stays in this folder and on this machine.
[paths]
data_dir = {data_dir}
archive_dir = {archive_dir}

[network]
allow_addresses = ["127.0.0.0/8"]

[limits]
min_free_disk_bytes = 67108864

[retries]
backoff_s = [2, 4, 8]
"""


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that the demo asks for."""

    path: str
    #: The error class it must end with; None when it must succeed.
    fails_with: str | None = None


LINKS = (
    Link("/talks/a-talk-in-500-segments/index.m3u8"),
    Link("/films/a-film-with-ranges.mp4"),
    Link("/concerts/a-concert-in-two-tracks/master.m3u8"),
    Link("/unreliable/a-film-from-a-flaky-server.mp4"),
    Link("/films/removed-by-its-owner.mp4", fails_with="NOT_FOUND"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo under way."""

    client: HttpEngineClient
    settings: Settings
    jobs: Sequence[Job]


@asynccontextmanager
async def running_demo(folder: Path) -> AsyncIterator[Demo]:
    """Make the media in *folder*, serve them, and ask a real engine for all of them.

    Raises:
        ConfigError: The folder holds something else.
    """
    _prepare_blocking(folder)
    await asyncio.to_thread(make_media_blocking, locate(None), folder / "media")
    settings = load_settings(folder / "config.toml")
    async with _origin(folder / "media") as address, _engine(settings, folder) as client:
        answers = await client.submit_many([Request(url=address + link.path) for link in LINKS])
        yield Demo(client, settings, [_job_of(answer) for answer in answers])


async def run_demo(folder: Path, *, has_dashboard: bool) -> int:
    """Run it in *folder*; returns the exit code: 0 when every link ended as it must.

    Raises:
        ConfigError: The folder holds something else.
    """
    click.echo(f"Making media in {folder} …")
    async with running_demo(folder) as demo:
        if has_dashboard:
            from tui.app import ReeldeckApp  # noqa: PLC0415 -- Textual is loaded only where it is shown

            await ReeldeckApp(demo.client).run_async()
        else:
            await _narrate(demo.client, demo.jobs)
        page = await demo.client.jobs(JobQuery())
    return _conclude(page.items, demo.jobs, demo.settings, is_complete=not has_dashboard)


def _prepare_blocking(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise ConfigError(f"{folder} is not empty", hint="Give the demo a folder of its own: --folder NAME")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "media").mkdir(parents=True)
    (folder / MARKER).touch()
    places = {"data_dir": folder / "data", "archive_dir": folder / "files"}
    quoted = {name: f"'{path}'" for name, path in places.items()}
    (folder / "config.toml").write_text(_CONFIG.format(**quoted))


def _job_of(answer: Submitted | ReeldeckError) -> Job:
    if isinstance(answer, ReeldeckError):
        raise answer
    return answer.job


@asynccontextmanager
async def _origin(media: Path) -> AsyncIterator[str]:
    """The web site with the demo's media, in a process of its own; yields its address."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui.demo.origin", str(media), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def _engine(settings: Settings, folder: Path) -> AsyncIterator[HttpEngineClient]:
    """A real engine on the demo's folder, stopped at the end; yields a client."""
    log = (folder / "engine.log").open("wb")
    with log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tui.cli",
            "serve",
            env=os.environ | {"REELDECK_CONFIG": str(folder / "config.toml")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    client = HttpEngineClient(socket_path(settings))
    try:
        await _answers(client, process, log.name)
        yield client
        await client.stop_engine()
    finally:
        await client.close()
        if process.returncode is None:
            async with asyncio.timeout(ENGINE_READY_WITHIN_S):
                await process.wait()


async def _answers(client: HttpEngineClient, process: asyncio.subprocess.Process, log: str) -> None:
    try:
        async with asyncio.timeout(ENGINE_READY_WITHIN_S):
            while process.returncode is None:
                try:
                    await client.status()
                except ReeldeckError:
                    await asyncio.sleep(0.05)
                else:
                    return
    except TimeoutError:
        process.kill()
    raise ConfigError("the demo's engine did not start", hint=f"Its last words are in {log}")


async def _narrate(client: HttpEngineClient, jobs: Sequence[Job]) -> None:
    """Say what happens, one line at a time, until every job has ended."""
    waiting = {job.id for job in jobs}
    narrator = Narrator()
    async for frame in client.stream(last_seq=0):
        for event in frame.events:
            if event.job_id in waiting and (line := narrator.event(event)):
                click.echo(line)
        for job in frame.jobs:
            if line := narrator.progress(job):
                click.echo(line)
        ended = [job.id for job in frame.jobs if job.status.is_final]
        ended += [event.job_id or 0 for event in frame.events if _is_end(event.data.get("to"))]
        waiting.difference_update(ended)
        if not waiting:
            return


def _is_end(status: object) -> bool:
    return isinstance(status, str) and status in JobStatus.__members__ and JobStatus(status).is_final


def _conclude(found: Sequence[Job], jobs: Sequence[Job], settings: Settings, *, is_complete: bool) -> int:
    by_id = {job.id: job for job in found}
    rows = [by_id[job.id] for job in jobs if job.id in by_id]
    click.echo()
    for line in table(rows):
        click.echo(line)
    done = [job for job in rows if job.status is JobStatus.COMPLETED and job.file_path]
    archive = settings.paths.archive
    sums = [f"{job.sha256}  {Path(str(job.file_path)).relative_to(archive)}\n" for job in done]
    archive.mkdir(parents=True, exist_ok=True)
    (archive / "SHA256SUMS").write_text("".join(sums))
    click.echo(f"\n{len(done)} files are in {archive}")
    click.echo(f"Check them with: (cd {shlex.quote(str(archive))} && sha256sum -c SHA256SUMS)")
    click.echo(f"Now a link of your own: {shlex.quote(sys.argv[0])} get URL")
    if not is_complete:
        return 0
    wrong = [job for job, link in zip(rows, LINKS, strict=True) if job.error_type != link.fails_with]
    for job in wrong:
        click.echo(f"Job {job.id} did not end as it should: {for_terminal(str(job.error_message))}", err=True)
    return 1 if wrong else 0
