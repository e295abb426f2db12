"""`get`: download now, with or without a running engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from core.config.load import load_settings
from core.domain.errors import EngineUnreachable, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus, Request
from core.domain.snapshot import Submitted
from tui.console.connect import engine, run_async
from tui.console.exits import complain, first_code
from tui.console.follow import Follower
from tui.console.options import request_of, request_options
from tui.console.output import json_line
from tui.console.progress import progress_view


@click.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@request_options
@click.option("--out", metavar="DIR", help="Put the files here instead of into the archive.")
def get(urls: Sequence[str], *, out: str | None, as_json: bool, **wanted: Any) -> int:
    """Download now, with progress; print the paths of the files.

    Uses the running engine, or runs one until the downloads are done. Ctrl-C loses nothing: the same command
    goes on from where it stopped.
    """
    out_dir = str(Path(out).expanduser().absolute()) if out else None
    requests = [request_of(url, out_dir=out_dir, **wanted) for url in dict.fromkeys(urls)]
    return run_async(_get(requests, as_json=as_json))


async def _get(requests: Sequence[Request], *, as_json: bool) -> int:
    settings = load_settings()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(engine(settings))
        is_foreign = True
        try:
            await running.status()
        except EngineUnreachable:
            # Brings the whole core with it.
            from tui.console.inprocess import own_engine  # noqa: PLC0415

            running = await stack.enter_async_context(own_engine(settings))
            is_foreign = False
        return await _Download(running, is_foreign=is_foreign).run(requests, as_json=as_json)


@dataclass
class _Download:
    engine: EngineInterface
    is_foreign: bool

    async def run(self, requests: Sequence[Request], *, as_json: bool) -> int:
        answers = [await self._submit(request) for request in requests]
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, ReeldeckError):
                complain(answer, about=request.url if len(requests) > 1 else None)
        started = [answer.job for answer in answers if isinstance(answer, Submitted)]
        finished = await self._follow(started, plain=as_json)
        for job in finished:
            if as_json:
                json_line(job.to_json())
            elif job.file_path and job.status is JobStatus.COMPLETED:
                # As bytes: a path is not always text, and must arrive as it is.
                click.echo(os.fsencode(job.file_path))
        return first_code(answers, finished)

    async def _submit(self, request: Request) -> Submitted | ReeldeckError:
        try:
            answer = await self.engine.submit(request)
            if answer.joined and not _is_there(answer.job, request):
                answer = await self.engine.submit(replace(request, force=True))
        except ReeldeckError as error:
            return error
        return answer

    async def _follow(self, jobs: Sequence[Job], *, plain: bool) -> list[Job]:
        with progress_view(plain=plain) as view:
            try:
                return await Follower(self.engine, view).follow(jobs)
            except asyncio.CancelledError:
                ids = " ".join(str(job.id) for job in jobs)
                if self.is_foreign:
                    view.note(f"The engine goes on with job {ids}. To end it: reeldeck cancel {ids}")
                else:
                    view.note("Stopped. What is fetched is kept: the same command goes on from there.")
                raise


def _is_there(job: Job, request: Request) -> bool:
    """Whether a job from before gives what is asked for now: its file may be gone, or lie somewhere else."""
    if job.status is not JobStatus.COMPLETED or job.file_path is None:
        return True
    path = Path(job.file_path)
    return path.exists() and (request.out_dir is None or path.is_relative_to(request.out_dir))
