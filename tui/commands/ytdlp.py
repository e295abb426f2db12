"""`ytdlp`: a newer yt-dlp for sites that have changed, and the way back."""

from __future__ import annotations

import asyncio

import click

from core.config.load import load_settings
from core.ops.ytdlp_update import update_blocking
from core.sources.ytdlp.overlay import Overlay, bundled
from tui.console.connect import run_async
from tui.console.output import json_line, line

_LATER = "Workers that start from now on load it; a running engine changes within minutes."


@click.group()
def ytdlp() -> None:
    """Show, update or take back the yt-dlp that finds the media of most sites."""


@ytdlp.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """Show which yt-dlp is used."""
    choice, ours = _overlay().choice(), bundled()
    if as_json:
        json_line({"version": choice.current or ours, "bundled": ours, "previous": choice.previous})
    elif choice.current:
        line(f"yt-dlp {choice.current}; Reeldeck came with {ours}. Back: reeldeck ytdlp rollback")
    else:
        line(f"yt-dlp {ours}, which Reeldeck came with")


@ytdlp.command()
@click.option("--version", "which", metavar="V", help="This one, not the newest.")
def update(which: str | None) -> None:
    """Fetch the newest yt-dlp from the package index, try it, and use it.

    It goes into a folder of its own below paths.data_dir; what Reeldeck came with stays as it is. A newer
    Reeldeck that brings the same or a newer yt-dlp uses its own again.
    """
    found = run_async(asyncio.to_thread(update_blocking, _overlay(), which))
    if found == bundled():
        line(f"yt-dlp {found}, which Reeldeck came with, is used.")
    else:
        line(f"yt-dlp {found} is used from now on.")
        click.echo(_LATER, err=True)


@ytdlp.command()
def rollback() -> None:
    """Use the yt-dlp that was used before."""
    back = _overlay().go_back()
    line(f"yt-dlp {back.current or bundled()} is used again.")
    click.echo(_LATER, err=True)


def _overlay() -> Overlay:
    return Overlay(load_settings().paths.data_dir)
