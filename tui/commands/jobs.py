"""`jobs` and `job`: what there is, and how one of them went."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from core.domain.job import Job, JobStatus
from core.domain.pages import all_jobs
from tui.commands.deliveries import told
from tui.console.connect import engine, run_async
from tui.console.exits import error_of
from tui.console.options import JOB
from tui.console.output import json_line, line, name_of, size, span, state_of, table, when
from tui.deliveries import chat_names

_STATUSES = {status.value.lower(): status for status in JobStatus}


@click.command()
@click.option("--status", "names", multiple=True, type=click.Choice(list(_STATUSES), case_sensitive=False),
              help="Only these; may be given more than once.")  # fmt: skip
@click.option("--source", metavar="NAME", help="Only jobs of this source.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def jobs(names: tuple[str, ...], source: str | None, limit: int, *, as_json: bool) -> None:
    """List jobs, the newest first."""
    statuses = frozenset(_STATUSES[name] for name in names)
    run_async(_jobs(statuses, source, limit, as_json=as_json))


async def _jobs(statuses: frozenset[JobStatus], source: str | None, limit: int, *, as_json: bool) -> None:
    async with engine() as running:
        found = [job async for job in all_jobs(running, limit=limit, statuses=statuses, source=source)]
    if as_json:
        for job in found:
            json_line(job.to_json())
    elif found:
        rows = [_row(job) for job in found]
        table(("ID", "STATUS", "STATE", "SOURCE", "TITLE", "SIZE"), rows, flexible=4)
    else:
        click.echo("No jobs. Add one with: reeldeck add URL", err=True)


def _row(job: Job) -> tuple[str, ...]:
    state = (job.error_type or "") if job.status is JobStatus.FAILED else state_of(job)
    return str(job.id), job.status.value, state, job.source_type, name_of(job), size(job.size_bytes or None)


@click.command()
@click.argument("job_id", metavar="ID", type=JOB)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with `events` and `deliveries`.")
def job(job_id: int, *, as_json: bool) -> None:
    """Show a job and its timeline."""
    run_async(_job(job_id, as_json=as_json))


async def _job(job_id: int, *, as_json: bool) -> None:
    async with engine() as running:
        found = await running.job(job_id)
        timeline = await running.events(job_id)
        sent = (await running.deliveries(job_id=job_id)).items
        names = chat_names((await running.chats()).rules if sent else ())
    if as_json:
        more = {
            "events": [event.to_json() for event in timeline],
            "deliveries": [each.to_json() for each in sent],
        }
        json_line(found.to_json() | more)
        return
    for name, value in [*_facts(found), *(("sent to", told(each, names)) for each in sent)]:
        line(f"{name:<9} {value}")
    click.echo()
    for event in timeline:
        line(f"{when(event.created)}  {event.type:<24} {_told(event.data)}".rstrip())


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    yield "job", f"{job.id}  {job.status}  {state_of(job)}".rstrip()
    yield "title", name_of(job)
    yield "url", job.url
    yield "source", job.source_type + (f", profile {job.profile}" if job.profile else "")
    yield "wanted", f"{job.kind}, {job.quality}" + (f", format {job.format}" if job.format else "")
    if job.size_bytes:
        done = "" if job.status.is_final else f"{size(job.bytes_done)} of "
        yield "size", done + size(job.size_bytes)
    if job.duration_s:
        yield "length", span(job.duration_s)
    yield "tries", f"{job.attempt}, {job.retry_count} of them automatic repeats"
    if job.priority:
        yield "priority", str(job.priority)
    if job.group_id:
        yield "group", str(job.group_id)
    yield "added", when(job.created)
    if job.finished:
        yield "finished", when(job.finished)
    if job.file_path:
        yield "file", job.file_path
    if job.sha256:
        yield "sha256", job.sha256
    if error := error_of(job):
        yield "error", str(error)
        yield "hint", error.hint
    elif job.error_message:
        yield "note", job.error_message


def _told(data: Mapping[str, Any]) -> str:
    """An event's data as `name=value`, the way log lines are read."""
    return " ".join(f"{name}={_value(value)}" for name, value in data.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if " " in value else value
    return json.dumps(value)
