"""`sources`: the sites, what runs of each, and how their jobs went."""

from __future__ import annotations

import click

from tui.console.connect import engine, run_async
from tui.console.output import json_line, table
from tui.history import DAYS, success_text
from tui.sources import state_of_source


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=DAYS, show_default=True, help="Count so many days."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; `history` holds the days.")
def sources(days: int, *, as_json: bool) -> None:
    """Show the sources: what runs and waits, which of them rest, and how the jobs of the last days went."""
    run_async(_sources(days, as_json=as_json))


async def _sources(days: int, *, as_json: bool) -> None:
    async with engine() as running:
        found, history = await running.sources(), await running.history(days=days)
    of = {source["name"]: [day for day in history if day.source == source["name"]] for source in found}
    if as_json:
        for source in found:
            json_line({**source, "history": [day.to_json() for day in of[source["name"]]]})
        return
    rows = [
        (
            str(source["name"]),
            state_of_source(source)[0].split(" ", 1)[1],
            f"{source['in_flight']}/{source['max_parallel']}",
            str(source["queued"] + source["waiting"]),
            success_text(of[source["name"]]),
        )
        for source in found
    ]
    table(("SOURCE", "STATE", "RUNS", "WAIT", f"LAST {days} DAYS"), rows, flexible=4)
