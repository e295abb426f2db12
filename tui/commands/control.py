"""`pause`, `resume`, `cancel`, `retry`, `prioritize`, `rename`, `move`: what people do to jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import click

from core.domain.errors import IllegalTransition, ReeldeckError
from core.domain.interface import EngineInterface, GroupAction, QueueMove
from core.domain.job import Job, JobStatus
from core.domain.pages import all_jobs
from core.domain.text import for_terminal
from tui.console.connect import engine, run_async
from tui.console.exits import complain
from tui.console.options import JOB
from tui.console.output import json_line, line, name_of
from tui.console.questions import ask_consent

Action = Callable[[EngineInterface, int], Awaitable[Job]]
_ACTIONS: Mapping[GroupAction, Action] = {
    "pause": lambda engine, job_id: engine.pause(job_id),
    "resume": lambda engine, job_id: engine.resume(job_id),
    "cancel": lambda engine, job_id: engine.cancel(job_id),
    "retry": lambda engine, job_id: engine.retry(job_id),
}
_DONE: Mapping[GroupAction, str] = {
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
    "retry": "retried",
}

#: Requests to the engine at the same time.
AT_ONCE = 8
_OPEN = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING})
_ids = click.argument("ids", metavar="[ID]...", type=JOB, nargs=-1)
_group = click.option("--group", metavar="ID", type=click.IntRange(min=1), help="All jobs of a playlist.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All jobs that wait or run.")
@_group
@_json
def pause(ids: tuple[int, ...], *, everything: bool, group: int | None, as_json: bool) -> int:
    """Hold jobs until they are resumed."""
    chosen = _choice(ids, _OPEN if everything else None, group)
    return _do("pause", chosen, as_json=as_json)


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All paused jobs.")
@_group
@_json
def resume(ids: tuple[int, ...], *, everything: bool, group: int | None, as_json: bool) -> int:
    """Let paused jobs go on."""
    chosen = _choice(ids, {JobStatus.PAUSED} if everything else None, group)
    return _do("resume", chosen, as_json=as_json)


@click.command()
@_ids
@click.option("--all", "everything", is_flag=True, help="All unfinished jobs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_group
@_json
def cancel(ids: tuple[int, ...], *, everything: bool, yes: bool, group: int | None, as_json: bool) -> int:
    """End jobs and delete what they have fetched."""
    chosen = _choice(ids, _OPEN | {JobStatus.PAUSED} if everything else None, group)
    ask = "Cancel {} jobs and delete what they have fetched?" if everything and not yes else None
    return _do("cancel", chosen, as_json=as_json, ask=ask)


@click.command()
@_ids
@click.option("--failed", is_flag=True, help="All failed jobs.")
@click.option("--all", "everything", is_flag=True, help="All failed and cancelled jobs.")
@_group
@_json
def retry(ids: tuple[int, ...], *, failed: bool, everything: bool, group: int | None, as_json: bool) -> int:
    """Start failed or cancelled jobs again. A job that waits for its next try goes at once."""
    ended = {JobStatus.FAILED, JobStatus.CANCELLED} if everything else {JobStatus.FAILED}
    chosen = _choice(ids, ended if everything or failed else None, group)
    return _do("retry", chosen, as_json=as_json)


@click.command(context_settings={"ignore_unknown_options": True})  # N may be negative
@click.argument("job_id", metavar="ID", type=JOB)
@click.argument("priority", metavar="N", type=int)
@_json
def prioritize(job_id: int, priority: int, *, as_json: bool) -> int:
    """Let a job run before or after others. Higher runs first; 0 is usual."""
    act = _act([job_id], lambda engine, one: engine.patch(one, priority=priority), as_json=as_json)
    return run_async(act)


@click.command()
@click.argument("job_id", metavar="ID", type=JOB)
@click.argument("title")
@_json
def rename(job_id: int, title: str, *, as_json: bool) -> int:
    """Give a job another title. The library has it, too; a file that is there keeps its name."""
    act = _act([job_id], lambda engine, one: engine.patch(one, title=title), as_json=as_json)
    return run_async(act)


@click.command()
@click.argument("to", type=click.Choice(("up", "down", "top", "bottom")))
@click.argument("ids", metavar="ID...", type=JOB, nargs=-1, required=True)
@_json
def move(to: QueueMove, ids: tuple[int, ...], *, as_json: bool) -> int:
    """Move jobs within the queue: one place up or down, or to its top or bottom.

    A job that passes one with another priority takes that over.
    """
    return run_async(_move(to, ids, as_json=as_json))


async def _move(to: QueueMove, ids: tuple[int, ...], *, as_json: bool) -> int:
    async with engine() as running:
        moved = await running.reorder(ids, to)
    for job in sorted(moved, key=lambda job: (-job.priority, job.position, job.id)):
        if as_json:
            json_line(job.to_json())
        elif job.id in ids:
            line(f"{job.id}  priority {job.priority}  {name_of(job)}")
    if not moved:
        click.echo("There is no other place for them.", err=True)
    return 0


Choice = list[int] | frozenset[JobStatus]


def _do(action: GroupAction, chosen: Choice | int, *, as_json: bool, ask: str | None = None) -> int:
    if isinstance(chosen, int):
        return run_async(_act_on_group(chosen, action, as_json=as_json))
    return run_async(_act(chosen, _ACTIONS[action], as_json=as_json, ask=ask))


def _choice(
    ids: tuple[int, ...], statuses: set[JobStatus] | frozenset[JobStatus] | None, group: int | None
) -> Choice | int:
    """The ids, or the states whose jobs are meant, or a group: exactly one must be given."""
    if [bool(ids), bool(statuses), bool(group)].count(True) != 1:
        raise click.UsageError("Give the ids of jobs, or say which ones by an option (see --help).")
    if group:
        return group
    return frozenset(statuses) if statuses else list(dict.fromkeys(ids))


async def _act_on_group(group_id: int, action: GroupAction, *, as_json: bool) -> int:
    """Do *action* to all jobs of a group; jobs that have moved on by themselves are left as they are."""
    async with engine() as running:
        answer = await running.control_group(group_id, action)
    if as_json:
        json_line(answer)
        return 0
    counts = answer["group"]["counts"]
    states = ", ".join(f"{counts[status]} {status.lower()}" for status in JobStatus if counts.get(status))
    title = answer["group"]["title"] or ""
    line(
        f"group {group_id}  {answer['changed']} {_DONE[action]}; now {states or 'no jobs'}  {title}".rstrip()
    )
    return 0


async def _act(chosen: Choice, action: Action, *, as_json: bool, ask: str | None = None) -> int:
    """Do *action* to every chosen job; the exit code of the first refusal."""
    async with engine() as running:
        if isinstance(chosen, frozenset):
            ids = [job.id async for job in all_jobs(running, statuses=chosen)]
        else:
            ids = chosen
        if ask and ids:
            ask_consent(ask.format(len(ids)))
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
        if isinstance(answer, IllegalTransition) and isinstance(chosen, frozenset):
            # It was not named: it has moved on by itself, or another job does the same.
            click.echo(f"job {job_id} is left as it is: {for_terminal(answer.detail)}", err=True)
        elif isinstance(answer, ReeldeckError):
            complain(answer, about=f"job {job_id}")
            code = code or answer.exit_code
        elif as_json:
            json_line(answer.to_json())
        else:
            line(f"{answer.id}  {answer.status}  {name_of(answer)}")
    return code
