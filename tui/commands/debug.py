"""`debug`: a single job's log in every detail."""

from __future__ import annotations

import click

from tui.console.connect import engine, run_async
from tui.console.options import JOB
from tui.console.output import line


@click.command()
@click.argument("job_id", metavar="ID", type=JOB)
@click.option("--off", is_flag=True, help="No longer.")
def debug(job_id: int, *, off: bool) -> None:
    """Write down everything about a job, until it ends.

    Every request, every program that is run and all that yt-dlp says, without secrets. What was on its way
    already is told from its next step on. To read it: reeldeck logs --job ID -f
    """
    run_async(_debug(job_id, is_on=not off))


async def _debug(job_id: int, *, is_on: bool) -> None:
    async with engine() as running:
        await running.debug_job(job_id, is_on=is_on)
    told = f"everything is written down; to read it: reeldeck logs --job {job_id} -f" if is_on else "as usual"
    line(f"{job_id}  {told}")
