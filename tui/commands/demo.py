"""`reeldeck demo`: everything at once on media that this machine makes and serves itself."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from tui.terminal import prepare_environment


@click.command
@click.option("--no-tui", is_flag=True, help="Print lines instead of opening the dashboard.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Where media, database and files go; emptied first.",
)
def demo(*, no_tui: bool, folder: Path) -> None:
    """Show everything on media served from this machine: no account, no network."""
    from tui.demo.run import run_demo  # noqa: PLC0415 -- loads the client and ffmpeg

    has_dashboard = not no_tui and sys.stdin.isatty() and sys.stdout.isatty()
    prepare_environment()
    sys.exit(asyncio.run(run_demo(folder.absolute(), has_dashboard=has_dashboard)))
