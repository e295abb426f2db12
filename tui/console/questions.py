"""Questions whose answers nobody may read on the screen, and that may come from a pipe all the same."""

from __future__ import annotations

import sys

import click

from core.domain.text import for_terminal


def ask_secret(question: str) -> str:
    """Ask for a secret; empty where nothing was given.

    Raises:
        click.Abort: Ctrl-C, or there are no more answers.
    """
    if sys.stdin.isatty():
        asked = click.prompt(
            for_terminal(question), hide_input=True, default="", show_default=False, err=True
        )
        return str(asked).strip()
    # click would ask the terminal although the answers come from elsewhere, and warn where there is none.
    click.echo(f"{for_terminal(question)}: ", err=True)
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()
