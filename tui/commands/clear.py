"""`clear`: forget finished jobs."""

from __future__ import annotations

import click

from core.domain.errors import IllegalTransition, NoSuchJob
from core.domain.job import JobStatus
from core.domain.pages import all_jobs
from tui.console.connect import engine, run_async
from tui.console.questions import ask_consent

_FINAL = {status.value.lower(): status for status in JobStatus if status.is_final}


@click.command()
@click.option("--status", "names", multiple=True, type=click.Choice(sorted(_FINAL), case_sensitive=False),
              help="Only these; may be given more than once.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(names: tuple[str, ...], *, yes: bool) -> None:
    """Forget finished jobs: completed, failed and cancelled ones. Their files stay."""
    run_async(_clear(frozenset(_FINAL[name] for name in names or _FINAL), yes=yes))


async def _clear(statuses: frozenset[JobStatus], *, yes: bool) -> None:
    async with engine() as running:
        ids = [job.id async for job in all_jobs(running, statuses=statuses)]
        if not ids:
            click.echo("There is nothing to clear.")
            return
        if not yes:
            ask_consent(f"Forget {len(ids)} finished jobs? Their files stay.")
        forgotten = 0
        for job_id in ids:
            try:
                await running.delete(job_id)
                forgotten += 1
            except (NoSuchJob, IllegalTransition):
                continue  # somebody else was quicker: it is gone, or it runs again
    click.echo(f"{forgotten} jobs forgotten.")
