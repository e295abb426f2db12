"""`get`: download now, with or without a running engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import click

from core.domain.errors import IllegalTransition, InvalidRequest, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import WAITING_QUIET, Job, JobStatus, Request
from core.domain.profile import waits_for_login
from core.domain.snapshot import Submitted
from tui.console.connect import any_engine, run_async
from tui.console.exits import complain, first_code
from tui.console.follow import Follower, View
from tui.console.options import request_of, request_options
from tui.console.output import is_terminal, json_line
from tui.console.progress import progress_view


@click.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@request_options
@click.option("--out", metavar="DIR", help="Put the files here instead of into the archive.")
def get(urls: Sequence[str], *, out: str | None, as_json: bool, **wanted: Any) -> int:
    """Download now, with progress; print the paths of the files.

    Uses the running engine, or runs one until the downloads are done. Ctrl-C loses nothing: the same command
    goes on from where it stopped. Quiet hours do not hold it.

    Where a site refuses every login that was given to it, the download waits for a new one. On a terminal so
    does this command, and says how to end that; elsewhere, and with --json, it leaves the job waiting and
    ends with 13. The same command tries again.
    """
    out_dir = str(_writable(Path(out).expanduser().absolute())) if out else None
    requests = [request_of(url, out_dir=out_dir, **wanted) for url in dict.fromkeys(urls)]
    return run_async(_get(requests, as_json=as_json))


def _writable(folder: Path) -> Path:
    """*folder*, which need not exist yet.

    Raises:
        InvalidRequest: Nothing can be written there. Better said now than after the download.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "cannot be written to" if there.is_dir() else "is no folder"
        raise InvalidRequest(f"--out: {there} {reason}", hint="Name another folder, or change its mode.")
    return folder


async def _get(requests: Sequence[Request], *, as_json: bool) -> int:
    async with any_engine() as (running, is_foreign):
        return await _Download(running, is_foreign=is_foreign).run(requests, as_json=as_json)


@dataclass
class _Download:
    engine: EngineInterface
    is_foreign: bool

    async def run(self, requests: Sequence[Request], *, as_json: bool) -> int:
        answers = await self._submit(requests)
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

    async def _submit(self, requests: Sequence[Request]) -> list[Submitted | ReeldeckError]:
        """Ask for all together, and once more for those whose earlier result does not do."""
        answers = list(await self.engine.submit_many(requests))
        again = [
            place
            for place, answer in enumerate(answers)
            if _is_joined(answer) and not _is_there(answer.job, requests[place])
        ]
        if again:
            forced = [replace(requests[place], force=True) for place in again]
            for place, answer in zip(again, await self.engine.submit_many(forced), strict=True):
                answers[place] = answer
        for place, answer in enumerate(answers):
            if _is_joined(answer) and waits_for_login(answer.job):
                # Who asks again wants it tried again.
                answers[place] = await self._retried(answer)
        await self._hurry([answer.job for answer in answers if isinstance(answer, Submitted)])
        return answers

    async def _hurry(self, jobs: Sequence[Job]) -> None:
        """Let the jobs run although it is quiet: somebody waits for them."""
        quiet = {row["name"] for row in await self.engine.sources() if row.get("quiet_until")}
        for job in jobs:
            is_held = job.status is JobStatus.QUEUED or job.waiting_for == WAITING_QUIET
            if is_held and job.source_type in quiet:
                with contextlib.suppress(IllegalTransition):  # it runs already
                    await self.engine.retry(job.id)

    async def _retried(self, answer: Submitted) -> Submitted | ReeldeckError:
        try:
            return replace(answer, job=await self.engine.retry(answer.job.id))
        except ReeldeckError as error:
            return error

    async def _follow(self, jobs: Sequence[Job], *, plain: bool) -> list[Job]:
        with progress_view(plain=plain) as view:
            # Nobody may be there to read that it waits.
            is_alone = plain or not is_terminal(sys.stderr)
            told = _Told(view, is_foreign=self.is_foreign, is_alone=is_alone)
            try:
                return await Follower(self.engine, told, leaves_parked=is_alone).follow(jobs)
            except asyncio.CancelledError:
                ids = " ".join(str(job.id) for job in jobs)
                if self.is_foreign:
                    view.note(f"The engine goes on with job {ids}. To end it: reeldeck cancel {ids}")
                else:
                    view.note("Stopped. What is fetched is kept: the same command goes on from there.")
                raise


class _Told:
    """Shows jobs, and says once of each that waits for a login what becomes of it."""

    def __init__(self, view: View, *, is_foreign: bool, is_alone: bool) -> None:
        self._view = view
        self._is_foreign = is_foreign
        self._is_alone = is_alone
        self._told: set[int] = set()

    def show(self, job: Job) -> None:
        """A job has changed."""
        self._view.show(job)
        if waits_for_login(job) and job.id not in self._told:
            self._told.add(job.id)
            self._view.note(self._prospect(job.id))

    def note(self, text: str) -> None:
        """Something to know that concerns no job."""
        self._view.note(text)

    def _prospect(self, job_id: int) -> str:
        end = f"To end it: reeldeck cancel {job_id}"
        match self._is_foreign, self._is_alone:
            case True, True:
                return f"job {job_id} is left waiting; the engine goes on with it by itself. {end}"
            case True, False:
                return f"job {job_id} goes on by itself then. Ctrl-C leaves that to the engine. {end}"
            case False, True:
                return f"job {job_id} is kept: the same command goes on with it then."
            case _:
                return f"job {job_id} goes on by itself then. Ctrl-C ends the waiting: the job is kept."


def _is_joined(answer: Submitted | ReeldeckError) -> TypeGuard[Submitted]:
    return isinstance(answer, Submitted) and answer.joined


def _is_there(job: Job, request: Request) -> bool:
    """Whether a job from before gives what is asked for now: its file may be gone, or lie somewhere else."""
    if job.status is not JobStatus.COMPLETED or job.file_path is None:
        return True
    path = Path(job.file_path)
    return path.exists() and (request.out_dir is None or path.is_relative_to(request.out_dir))
