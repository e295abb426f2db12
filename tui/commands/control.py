"""`pause`, `resume`, `cancel`, `retry`, `prioritize`: what people do to jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from core.domain.errors import ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus
from tui.console.connect import engine, run_async
from tui.console.exits import complain
from tui.console.output import json_line, line, name_of
from tui.console.pages import all_jobs

Action = Callable[[EngineInterface, int], Awaitable[Job]]

#: Requests to the engine at the same time.
AT_ONCE = 8
_OPEN = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING})
_ids = click.argument("ids", metavar="[ID]...", type=click.IntRange(min=1), nargs=-1)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All jobs that wait or run.")
@_json
def pause(ids: tuple[int, ...], *, everything: bool, as_json: bool) -> int:
    """Hold jobs until they are resumed."""
    chosen = _choice(ids, _OPEN if everything else None)
    return run_async(_act(chosen, lambda engine, job_id: engine.pause(job_id), as_json=as_json))


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All paused jobs.")
@_json
def resume(ids: tuple[int, ...], *, everything: bool, as_json: bool) -> int:
    """Let paused jobs go on."""
    chosen = _choice(ids, {JobStatus.PAUSED} if everything else None)
    return run_async(_act(chosen, lambda engine, job_id: engine.resume(job_id), as_json=as_json))


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All unfinished jobs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def cancel(ids: tuple[int, ...], *, everything: bool, yes: bool, as_json: bool) -> int:
    """End jobs and delete what they have fetched."""
    chosen = _choice(ids, _OPEN | {JobStatus.PAUSED} if everything else None)
    ask = "Cancel {} jobs and delete what they have fetched?" if everything and not yes else None
    return run_async(_act(chosen, lambda engine, job_id: engine.cancel(job_id), as_json=as_json, ask=ask))


@click.command()
@_ids
@click.option("--failed", is_flag=True, help="All failed jobs.")
@click.option("--all", "everything", is_flag=True, help="All failed and cancelled jobs.")
@_json
def retry(ids: tuple[int, ...], *, failed: bool, everything: bool, as_json: bool) -> int:
    """Start failed or cancelled jobs again. A job that waits for its next try goes at once."""
    ended = {JobStatus.FAILED, JobStatus.CANCELLED} if everything else {JobStatus.FAILED}
    chosen = _choice(ids, ended if everything or failed else None)
    return run_async(_act(chosen, lambda engine, job_id: engine.retry(job_id), as_json=as_json))


@click.command(context_settings={"ignore_unknown_options": True})  # N may be negative
@click.argument("job_id", metavar="ID", type=click.IntRange(min=1))
@click.argument("priority", metavar="N", type=int)
@_json
def prioritize(job_id: int, priority: int, *, as_json: bool) -> int:
    """Let a job run before or after others. Higher runs first; 0 is usual."""
    act = _act([job_id], lambda engine, one: engine.patch(one, priority=priority), as_json=as_json)
    return run_async(act)


Choice = list[int] | frozenset[JobStatus]


def _choice(ids: tuple[int, ...], statuses: set[JobStatus] | frozenset[JobStatus] | None) -> Choice:
    """The ids, or the states whose jobs are meant: one of both must be given."""
    if bool(ids) == bool(statuses):
        raise click.UsageError("Give the ids of jobs, or say which ones by an option (see --help).")
    return frozenset(statuses) if statuses else list(dict.fromkeys(ids))


async def _act(chosen: Choice, action: Action, *, as_json: bool, ask: str | None = None) -> int:
    """Do *action* to every chosen job; the exit code of the first refusal."""
    async with engine() as running:
        if isinstance(chosen, frozenset):
            ids = [job.id async for job in all_jobs(running, statuses=chosen)]
        else:
            ids = chosen
        if ask and ids and not click.confirm(ask.format(len(ids)), err=True):
            raise click.Abort
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(job_id: int) -> Job | ReeldeckError:
            async with slots:
                try:
                    return await action(running, job_id)
                except ReeldeckError as error:
                    return error

        answers = await asyncio.gather(*map(one, ids))
    if not ids:
        click.echo("No job is in that state.", err=True)
    code = 0
    for job_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, ReeldeckError):
            complain(answer, about=f"job {job_id}")
            code = code or answer.exit_code
        elif as_json:
            json_line(answer.to_json())
        else:
            line(f"{answer.id}  {answer.status}  {name_of(answer)}")
    return code
